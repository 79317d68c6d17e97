/*
 * tlp: the Traffic Light Protocol 2.0 (FIRST, 2022). Ordered: a greater label is stricter.
 */
#ifndef VIGIA_MODEL_TLP_H
#define VIGIA_MODEL_TLP_H

#include "base/bytes.h"

enum tlp { TLP_CLEAR, TLP_GREEN, TLP_AMBER, TLP_AMBER_STRICT, TLP_RED };

/* With or without `tlp:`, any case; WHITE is CLEAR's name of TLP 1. */
bool tlp_read(struct bytes text, enum tlp *out);

/* "clear", "green", "amber", "amber+strict", "red". */
const char *tlp_name(enum tlp t);

static inline enum tlp tlp_stricter(enum tlp a, enum tlp b)
{
    return a > b ? a : b;
}

#endif
