/*
 * category: what kind of incident, in the Reference Security Incident Taxonomy (RSIT, version 1003): a class and a type
 * in it.
 */
#ifndef VIGIA_MODEL_CATEGORY_H
#define VIGIA_MODEL_CATEGORY_H

#include "base/bytes.h"

enum { CATEGORIES = 39 };

/* An index into the taxonomy, below CATEGORIES; CATEGORY_UNDETERMINED (other/undetermined) where nothing is known. */
typedef uint8_t category_id;

extern const category_id CATEGORY_UNDETERMINED;

/* An RSIT type ("c2-server"), "class/type", `rsit:class="type"`, or a name that IntelMQ, its old versions or the
 * csirt-americas taxonomy use for one. Any case. */
bool category_read(struct bytes text, category_id *out);

const char *category_class(category_id c);
const char *category_type(category_id c);

#endif
