/*
 * idna: internationalised names to A-labels (IDNA2008 with UTS #46 mapping, non-transitional; libidn2).
 */
#ifndef VIGIA_BASE_IDNA_H
#define VIGIA_BASE_IDNA_H

#include "base/bytes.h"

enum { IDNA_NAME_MAX = 255 };

/* Writes the lower-case A-label form of a UTF-8 name and its NUL, returns its length; 0 when it has none. */
size_t idna_ascii(struct bytes name, char out[IDNA_NAME_MAX + 1]);

#endif
