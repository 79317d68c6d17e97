/*
 * json_read: walks a JSON document (simdjson, On-Demand), for C.
 *
 * The one C++ file of the tree stands behind this. A `json_reader` is reused from document to document and allocates
 * only when one is larger than all before; it then reserves about seven times the octets of the largest (and touches
 * what the document needs, two to three times its octets). Running out of memory ends the program.
 *
 * Takes what RFC 8259 calls JSON in UTF-8, with three bounds: JSON_READ_OCTETS_MAX octets, JSON_READ_DEPTH_MAX objects
 * and arrays one in the other, and numbers in the range of a double. A byte order mark (RFC 8259, 8.1) and an escaped
 * surrogate without its other half (8.2) are refused. A key that stands twice is told twice.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_BASE_JSON_READ_H
#define VIGIA_BASE_JSON_READ_H

#include "base/fail.h"

enum {
    JSON_READ_OCTETS_MAX = 16 << 20,
    JSON_READ_RECORDS_OCTETS_MAX = 1 << 30, /* of `json_read_records` */
    JSON_READ_DEPTH_MAX = 64,
};

struct json_reader;

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY };

/* A scalar as it was met. Text is unescaped UTF-8 (NUL may be in it) and lives until the next document. */
struct json_value {
    enum json_kind kind;
    bool boolean;
    bool integer;      /* of a number: it is written as one and fits; `number` is exact */
    int64_t number;    /* else 0: the larger ones are in `text` */
    double real;       /* of any number, the nearest double */
    struct bytes text; /* of a string; of a number its characters */
    unsigned line;     /* where it begins, from 1; told by `json_read_records` alone, else 0 */
};

/* Called for every scalar, with its path: keys joined by '.', array elements by `[]` ("answers[].rdata"). Keys with a
 * dot stand as they are. Also called for empty objects and arrays (kind JSON_OBJECT, JSON_ARRAY; of an array without
 * the `[]`). False ends the walk. The path lives until the visit returns. */
typedef bool json_visit(void *to, struct bytes path, const struct json_value *value);

struct json_reader *json_reader_new(void);

/* One document. False with a reason when it is not JSON (RFC 8259) or out of bounds; what was met before was told.
 * True too when a visit ended the walk: what stands behind was not looked at. The document needs no padding. */
bool json_read(struct json_reader *r, struct bytes document, json_visit *visit, void *to, struct fail *why);

/* The same for documents that hold records: of up to JSON_READ_RECORDS_OCTETS_MAX octets, with lines, and every object
 * (not only an empty one) is told at its end, behind all that is in it: kind JSON_OBJECT, with its own path and the
 * line of its `{`. The root's path is empty. */
bool json_read_records(struct json_reader *r, struct bytes document, json_visit *visit, void *to, struct fail *why);

void json_reader_free(struct json_reader *r);

#endif
