/*
 * One unit after another.
 */
#include "publish/shown.h"

#include "publish/encode.h"

/* U+00A1 to U+024F but the soft hyphen: letters of the languages that feeds and files are named in, one column each. */
static bool is_latin_letter(struct bytes text)
{
    if (text.len < 2 || text.at[0] < 0xc2 || text.at[0] > 0xc9 || (text.at[1] & 0xc0) != 0x80)
        return false;
    unsigned code = (text.at[0] & 0x1fU) << 6 | (text.at[1] & 0x3fU);
    return code >= 0xa1 && code != 0xad;
}

struct shown_unit shown_unit_of(struct bytes text)
{
    struct shown_unit u = {.octets = 1};
    if (is_latin_letter(text)) {
        u = (struct shown_unit){.octets = 2, .columns = 1, .len = 2, .shown = {(char)text.at[0], (char)text.at[1]}};
    } else {
        u.len = encode_printable(bytes_until(text, 1), u.shown);
        u.columns = u.len;
    }
    return u;
}

size_t shown_width(struct bytes text)
{
    size_t columns = 0;
    while (text.len) {
        struct shown_unit u = shown_unit_of(text);
        columns += u.columns;
        text = bytes_from(text, u.octets);
    }
    return columns;
}

void shown_add(struct bytes text, struct buffer *out)
{
    while (text.len) {
        struct shown_unit u = shown_unit_of(text);
        buffer_add(out, u.shown, u.len);
        text = bytes_from(text, u.octets);
    }
}
