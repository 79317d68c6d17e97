/*
 * idna: ASCII names only change case, whatever else is in them (real names hold `_` and hyphens where IDNA allows
 * none); the others go through libidn2.
 */
#include "base/idna.h"

#include <idn2.h>

static bool is_ascii(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] >= 0x80)
            return false;
    return true;
}

static size_t lower(struct bytes name, char out[IDNA_NAME_MAX + 1])
{
    for (size_t i = 0; i < name.len; i++)
        out[i] = (char)bytes_lower(name.at[i]);
    out[name.len] = 0;
    return name.len;
}

static size_t to_labels(struct bytes name, char out[IDNA_NAME_MAX + 1])
{
    char text[4 * IDNA_NAME_MAX + 1]; /* a character of UTF-8 has up to four octets */
    uint8_t *ascii = NULL;
    size_t len = 0;
    if (name.len >= sizeof text)
        return 0;
    memcpy(text, name.at, name.len);
    text[name.len] = 0;
    int flags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
    if (idn2_lookup_u8((uint8_t *)text, &ascii, flags) == IDN2_OK && strlen((char *)ascii) <= IDNA_NAME_MAX)
        len = lower(bytes_text((char *)ascii), out);
    idn2_free(ascii);
    return len;
}

size_t idna_ascii(struct bytes name, char out[IDNA_NAME_MAX + 1])
{
    if (bytes_find(name, 0) < name.len)
        return 0;
    if (!is_ascii(name))
        return to_labels(name, out);
    return name.len <= IDNA_NAME_MAX ? lower(name, out) : 0;
}
