#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

/* What is cut of a content: each record as `line:field|field`, a bad one as `line!`. */
static const struct {
    const char *content, *records;
} contents[] = {
    {"", ""},
    {"\n\r\n\n", ""},
    {"a", "1:a "},
    {"a\n", "1:a "},
    {"a,b\r\nc,d\r\n", "1:a|b 2:c|d "},
    {"a,\n,b\n,\n", "1:a| 2:|b 3:| "},
    {"\xef\xbb\xbf"
     "a,b\n",
     "1:a|b "},
    {"# note\na\n\n#,\nb\n", "2:a 5:b "},
    {"\"a,b\",c\n", "1:a,b|c "},
    {"\"a\"\"b\"\n\"\"\n", "1:a\"b 2: "},
    {"\"a\nb\",c\nd\n", "1:a\nb|c 3:d "},
    {"\"a\nb\nc\n", "1! 2:b 3:c "},
    {"\"a\"b,c\nd\n", "1! 2:d "},
    {" \"a\" ,\"b\" \nc\n", "1:a|b 2:c "},
    {"a\"b,c\n", "1:a\"b|c "},
};

static const char *cut(struct bytes content)
{
    static char told[4096];
    size_t len = 0;
    struct csv csv = csv_of(content);
    for (;;) {
        struct fail why = {.text = ""};
        enum csv_found found = csv_next(&csv, &why);
        if (found == CSV_END)
            break;
        bool reason = *why.text != 0;
        cr_expect(reason == (found == CSV_BAD));
        len += (size_t)snprintf(told + len, sizeof told - len, "%u%c", csv.line, found == CSV_BAD ? '!' : ':');
        for (unsigned i = 0; found == CSV_RECORD && i < csv.count; i++)
            len += (size_t)snprintf(told + len, sizeof told - len, "%s%.*s", i ? "|" : "", (int)csv.fields[i].len,
                                    (const char *)csv.fields[i].at);
        len += (size_t)snprintf(told + len, sizeof told - len, " ");
    }
    csv_free(&csv);
    told[len] = 0;
    return told;
}

Test(csv, cuts_records_and_names_their_lines)
{
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++)
        cr_expect(eq(str, (char *)cut(bytes_text(contents[i].content)), (char *)contents[i].records));
}

Test(csv, loses_one_line_to_a_record_of_too_many_fields)
{
    char content[CSV_FIELDS_MAX + 16];
    memset(content, ',', sizeof content);
    memcpy(content + CSV_FIELDS_MAX, "\na\n", 3); /* one field more than the most */
    cr_expect(eq(str, (char *)cut(bytes_of(content, CSV_FIELDS_MAX + 3)), "1! 2:a "));
    cr_expect(eq(str, (char *)cut(bytes_of("a\0,b\nc\n", 7)), "1! 2:c "));
}

Test(csv, reads_a_cell_as_it_was_written)
{
    static const char *const cells[] = {"", "a", "a,b", "a\"b", "\"", "a\nb", "a\r\nb", "\xc3\xa1"};
    struct buffer line = {0};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        if (i)
            buffer_char(&line, ',');
        csv_cell_write(&line, bytes_text(cells[i]));
    }
    struct csv csv = csv_of(buffer_bytes(&line));
    struct fail why = {.text = ""};
    cr_assert(csv_next(&csv, &why) == CSV_RECORD);
    cr_assert(eq(uint, csv.count, sizeof cells / sizeof *cells));
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        cr_expect(bytes_equal(csv.fields[i], bytes_text(cells[i])), "%zu", i);
    csv_free(&csv);
    buffer_free(&line);
}
