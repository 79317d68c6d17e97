/*
 * One word at a time; only a word that holds a scheme is looked at closely.
 */
#include "wire/links.h"

enum { LINKS_IN_WORD_MAX = 4 };

static bool ends_word(uint8_t c)
{
    return c <= ' ' || c == 0x7f || strchr("<>\"'`|\\^{}", c);
}

/* Where the next http:// or https:// begins, in any case; word.len when there is none. */
static size_t find_scheme(struct bytes word)
{
    for (size_t at = 0; at + sizeof "http://" <= word.len; at++) {
        struct bytes rest = bytes_from(word, at);
        size_t letters = bytes_lower(rest.at[0]) != 'h' ? 0 : bytes_alike(bytes_until(rest, 5), "https") ? 5 : 4;
        if (letters && bytes_alike(bytes_until(rest, 4), "http") && bytes_start_with(bytes_from(rest, letters), "://"))
            return at;
    }
    return word.len;
}

/* RFC 3986, appendix C, and what people write: no sentence's punctuation at the end, no bracket that opened outside. */
static struct bytes without_punctuation(struct bytes url)
{
    while (url.len) {
        uint8_t last = url.at[url.len - 1];
        bool inside =
            (last == ')' && bytes_find(url, '(') < url.len) || (last == ']' && bytes_find(url, '[') < url.len);
        if (inside || !strchr(".,;:!?)]*", last))
            break;
        url.len--;
    }
    return url;
}

/* Writes `url` to `out` as HTML means it; returns the octets. */
static size_t undo_references(struct bytes url, char out[LINKS_ROOM])
{
    static const char *const ampersands[] = {"&amp;", "&#38;", "&#x26;", "&#038;"};
    size_t len = 0;
    while (url.len) {
        size_t passed = 1;
        if (url.at[0] == '&') {
            static const char *const ends[] = {"&quot;", "&lt;", "&gt;", "&apos;", "&nbsp;", "&#34;", "&#39;"};
            for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
                if (bytes_alike(bytes_until(url, strlen(ends[i])), ends[i]))
                    return len;
            for (size_t i = 0; i < sizeof ampersands / sizeof *ampersands; i++)
                if (bytes_alike(bytes_until(url, strlen(ampersands[i])), ampersands[i]))
                    passed = strlen(ampersands[i]);
        }
        out[len++] = (char)url.at[0];
        url = bytes_from(url, passed);
    }
    return len;
}

static void tell_word(struct dissection *d, enum where where, struct bytes word, bool html)
{
    char plain[LINKS_ROOM];
    size_t at;
    for (int n = 0; n < LINKS_IN_WORD_MAX && (at = find_scheme(word)) < word.len; n++) {
        struct bytes url = bytes_from(word, at);
        word = bytes_from(url, 1);
        if (html)
            url = bytes_of(plain, undo_references(url, plain));
        url = without_punctuation(url);
        if (url.len > sizeof "http:/")
            dissect_url(d, where, url, url, true);
    }
}

void links_end(struct dissection *d, struct links *l, enum where where)
{
    if (l->len)
        tell_word(d, where, bytes_of(l->room, l->len), l->html);
    l->len = 0;
}

void links_add(struct dissection *d, struct links *l, enum where where, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (ends_word(text.at[i]))
            links_end(d, l, where);
        else if (l->len < LINKS_ROOM)
            l->room[l->len++] = (char)text.at[i];
    }
}

void links_tell(struct dissection *d, enum where where, struct bytes text)
{
    struct links l = {.len = 0};
    links_add(d, &l, where, text);
    links_end(d, &l, where);
}
