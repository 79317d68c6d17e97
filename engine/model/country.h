/*
 * country: the two letters of ISO 3166-1 (alpha-2), as far as they are assigned to a country or territory; XK, which is
 * user-assigned and in wide use for Kosovo; and UK, which ISO reserves for the United Kingdom: it becomes GB.
 */
#ifndef VIGIA_MODEL_COUNTRY_H
#define VIGIA_MODEL_COUNTRY_H

#include "base/bytes.h"

/* Two letters in either case. False, and `out` untouched, when they are not assigned. */
bool country_read(struct bytes text, char out[3]);

#endif
