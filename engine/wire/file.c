/*
 * Files as the sink wants them: kinds of observable to kinds of digest.
 */
#include "wire/file.h"

#include "base/digest.h"
#include "base/text.h"

#include <stdlib.h>

static const enum observable_type types[DIGEST_KINDS] = {[DIGEST_MD5] = OBSERVABLE_MD5,
                                                         [DIGEST_SHA1] = OBSERVABLE_SHA1,
                                                         [DIGEST_SHA256] = OBSERVABLE_SHA256,
                                                         [DIGEST_SHA512] = OBSERVABLE_SHA512};

struct file {
    struct digests *digests;
    uint64_t octets;
    bool holed;
};

enum { FILE_OCTETS = sizeof(struct file) + DIGESTS_OCTETS };

static unsigned digests_of(const struct sink *sink)
{
    unsigned kinds = 0;
    for (unsigned kind = 0; kind < DIGEST_KINDS; kind++)
        kinds |= (sink->kinds >> types[kind] & 1) << kind;
    return kinds;
}

bool file_wants_digests(const struct sink *sink)
{
    return digests_of(sink) != 0;
}

bool file_wants_names(const struct sink *sink)
{
    return sink->kinds >> OBSERVABLE_FILE_NAME & 1;
}

struct file *file_open(struct dissection *d)
{
    unsigned kinds = digests_of(d->sink);
    if (!kinds)
        return NULL;
    if (d->budget->held + FILE_OCTETS > d->budget->max) {
        d->counts->files_refused++;
        return NULL;
    }
    struct file *f = calloc(1, sizeof *f);
    if (!f)
        abort();
    d->budget->held += FILE_OCTETS;
    d->counts->files++;
    f->digests = digests_new(kinds);
    return f;
}

void file_add(struct file *f, struct bytes octets)
{
    if (!f || f->holed || !octets.len)
        return;
    f->octets += octets.len;
    digests_add(f->digests, octets);
}

void file_hole(struct file *f)
{
    if (f)
        f->holed = true;
}

static void tell_digest(struct dissection *d, struct file *f, enum digest_kind kind)
{
    uint8_t digest[DIGEST_MAX];
    char hex[2 * DIGEST_MAX + 1];
    size_t len = digests_end(f->digests, kind, digest);
    if (!len)
        return;
    text_hex_write(bytes_of(digest, len), hex);
    dissect_value(d, types[kind], WHERE_FILE_HASH, bytes_of(hex, 2 * len), bytes_of(NULL, 0));
}

void file_close(struct dissection *d, struct file *f, bool whole)
{
    if (!f)
        return;
    if (f->holed || !whole)
        d->counts->files_cut++;
    else if (f->octets)
        for (int kind = 0; kind < DIGEST_KINDS; kind++)
            tell_digest(d, f, kind);
    digests_free(f->digests);
    free(f);
    d->budget->held -= FILE_OCTETS;
}

void file_name(struct dissection *d, struct bytes name, struct bytes raw)
{
    for (size_t at = name.len; at-- > 0;)
        if (name.at[at] == '/' || name.at[at] == '\\') {
            name = bytes_from(name, at + 1);
            break;
        }
    name = bytes_until(bytes_trim(name), FILE_NAME_MAX);
    if (name.len)
        dissect_value(d, OBSERVABLE_FILE_NAME, WHERE_FILE_NAME, name, raw);
}

size_t file_name_of_url(struct bytes url, char out[FILE_NAME_MAX])
{
    size_t len = 0;
    url = bytes_until(url, bytes_find(url, '?'));
    url = bytes_until(url, bytes_find(url, '#'));
    size_t at = url.len;
    while (at && url.at[at - 1] != '/')
        at--;
    if (at == 0 || (at >= 2 && url.at[at - 2] == '/')) /* no path: behind `//` stands the authority */
        return 0;
    for (url = bytes_from(url, at); url.len && len < FILE_NAME_MAX; len++) {
        uint8_t octet = url.at[0];
        bool escaped = octet == '%' && url.len >= 3 && text_hex(bytes_of(url.at + 1, 2), &octet);
        out[len] = (char)octet;
        url = bytes_from(url, escaped ? 3 : 1);
    }
    return len;
}
