/*
 * replay: inputs from end to end, by N workers and one herald. What `replay` and `observe` share.
 */
#ifndef VIGIA_RUN_REPLAY_H
#define VIGIA_RUN_REPLAY_H

#include "run/options.h"

/* Returns the exit status; everything that went wrong has been named on stderr. */
int replay(const struct options *o, bool observe);

#endif
