/*
 * csv: cuts records of RFC 4180, and writes cells of it.
 *
 *     struct csv csv = csv_of(content);
 *     while ((found = csv_next(&csv, &why)) != CSV_END) ... csv.fields[0 .. csv.count - 1], csv.line ...
 *     csv_free(&csv);
 *
 * Beyond the RFC: lines that begin with `#` and empty lines are skipped wherever a record could begin; a byte order
 * mark in front and blanks before a quoted field are ignored; line ends may be LF. A record that cannot be cut (a quote
 * that is never closed, text behind a closing quote, a NUL, too many fields, too long) costs its first line only:
 * reading goes on at the next one, so that one stray quote does not swallow the rest.
 *
 * Fields are views of the content; only one with a doubled quote is copied, into `scratch`. They hold until the next
 * `csv_next`. Nothing is allocated for a record but, once, the scratch. Owner: one thread.
 */
#ifndef VIGIA_BASE_CSV_H
#define VIGIA_BASE_CSV_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/fail.h"

enum { CSV_FIELDS_MAX = 256, CSV_RECORD_MAX = 1 << 20 /* octets of one record */ };

enum csv_found { CSV_END, CSV_RECORD, CSV_BAD };

struct csv {
    struct cursor rest;
    struct bytes fields[CSV_FIELDS_MAX]; /* of the record that was cut last */
    unsigned count;                      /* how many */
    unsigned line;                       /* where it began, or the line that was bad; from 1 */
    unsigned next_line;
    struct arena arena;
    uint8_t *scratch; /* for fields with doubled quotes; CSV_RECORD_MAX octets, taken when first needed */
    size_t scratch_len;
};

struct csv csv_of(struct bytes content);

/* The next record; CSV_BAD gives the reason. */
enum csv_found csv_next(struct csv *csv, struct fail *why);

void csv_free(struct csv *csv);

/* `text` as a cell, quoted where it must be; no comma behind it. */
void csv_cell_write(struct buffer *to, struct bytes text);

#endif
