/*
 * One value a line, defanged or not; what it is is guessed.
 *
 * `#`, `;` and `//` begin comments, `#` also behind a blank; a bullet (`- `, `* `) in front is dropped. A line of a
 * hosts file (a sink address, then names) gives its names. Blocks, `=name` and `*.name` mean what they mean in any
 * indicator.
 */
#include "base/text.h"
#include "feed/format.h"

enum { LIST_VALUE_MAX = 4 * OBSERVABLE_VALUE_MAX };

struct list {
    const struct feed *feed;
    const struct feed_sink *sink;
    struct indicator_source source;
    unsigned line;
};

/* Any text, Latin-1 too: one line that is none costs itself. Captures and other binary contents hold NULs early. */
static bool probe(struct bytes head)
{
    return bytes_find(head, 0) == head.len;
}

static void refuse(const struct list *l, struct bytes text)
{
    struct fail why = {0};
    char quote[4 * FAIL_QUOTE_MAX + 4];
    fail_set(&why, "expected an address, block, name, URL, e-mail address or hash, found \"%s\"",
             fail_quote(text, quote));
    l->sink->refused(l->sink->to, l->line, why.text);
}

/* A name that a guess may be trusted with: with a dot, and no number as its last label. */
static bool is_likely_name(struct bytes name)
{
    size_t label = name.len;
    while (label && name.at[label - 1] != '.')
        label--;
    uint64_t number;
    return label > 0 && !text_number(bytes_from(name, label), UINT64_MAX, &number);
}

static bool is_likely_host(struct bytes host)
{
    struct address a;
    return address_read(host, &a) || is_likely_name(host);
}

/* Whether the line says by its form that it is such a value: a URL by its scheme, else any name in it by its dots. */
static bool is_likely(const struct indicator_key *key, struct bytes text)
{
    switch (key->type) {
    case OBSERVABLE_DOMAIN_NAME: return is_likely_name(key->value);
    case OBSERVABLE_EMAIL_ADDR: return is_likely_name(bytes_from(key->value, bytes_find(key->value, '@') + 1));
    case OBSERVABLE_URL: return memmem(text.at, text.len, "://", 3) || is_likely_host(url_host(key->value));
    default: return true;
    }
}

static void read_value(const struct list *l, struct bytes text)
{
    char room[OBSERVABLE_VALUE_MAX];
    struct indicator_key key;
    struct fail warning, why = {0};
    enum observable_type type = observable_guess(text);
    if (!indicator_key_read(type, text, room, &key, &warning, &why) || !is_likely(&key, text)) {
        refuse(l, text);
        return;
    }
    if (warning.text[0] && l->sink->warning)
        l->sink->warning(l->sink->to, l->line, warning.text);
    l->sink->indicator(l->sink->to, l->line, &key, &l->source);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* The next word of `*rest`, which is left behind it; empty at the end. */
static struct bytes next_word(struct bytes *rest)
{
    struct bytes text = bytes_trim(*rest);
    size_t len = 0;
    while (len < text.len && !is_blank(text.at[len]))
        len++;
    *rest = bytes_from(text, len);
    return bytes_until(text, len);
}

static bool is_any_of(struct bytes word, const char *const *list)
{
    for (; *list; list++)
        if (bytes_alike(word, *list))
            return true;
    return false;
}

/* What a hosts file says of the machine itself. */
static bool is_local_name(struct bytes word)
{
    static const char *const names[] = {"localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0",
                                        NULL};
    return is_any_of(word, names) || bytes_alike(bytes_until(word, 4), "ip6-");
}

static bool is_sink_address(struct bytes word)
{
    static const char *const addresses[] = {"0.0.0.0", "127.0.0.1", "::", "::1", NULL};
    return is_any_of(word, addresses);
}

static bool only_local_names(struct bytes words)
{
    struct bytes word = next_word(&words);
    bool local = word.len > 0;
    for (; word.len; word = next_word(&words))
        local = local && is_local_name(word);
    return local;
}

/* Several words are a line of a hosts file, or nothing. */
static void read_words(const struct list *l, struct bytes text)
{
    struct bytes names = text, address = next_word(&names);
    if (only_local_names(names))
        return;
    if (!is_sink_address(address)) {
        refuse(l, text);
        return;
    }
    for (struct bytes name = next_word(&names); name.len; name = next_word(&names))
        if (!is_local_name(name))
            read_value(l, name);
}

static struct bytes without_comment(struct bytes line)
{
    line = bytes_trim(line);
    if (line.len > 1 && (line.at[0] == '-' || line.at[0] == '*') && is_blank(line.at[1]))
        line = bytes_trim(bytes_from(line, 1)); /* a bullet, as in reports */
    if (bytes_start_with(line, "#") || bytes_start_with(line, ";") || bytes_start_with(line, "//"))
        return bytes_until(line, 0);
    for (size_t i = 1; i < line.len; i++)
        if (line.at[i] == '#' && is_blank(line.at[i - 1]))
            return bytes_trim(bytes_until(line, i));
    return line;
}

static bool has_blank(struct bytes text)
{
    return bytes_find(text, ' ') < text.len || bytes_find(text, '\t') < text.len;
}

static void read_line(const struct list *l, struct bytes line)
{
    char clean[LIST_VALUE_MAX + 1];
    struct bytes text = without_comment(line);
    if (text.len == 0)
        return;
    if (text.len > LIST_VALUE_MAX) {
        refuse(l, text);
        return;
    }
    struct bytes value = bytes_of(clean, observable_refang(text, clean)); /* " dot " has blanks, and is none */
    if (has_blank(value))
        read_words(l, value);
    else
        read_value(l, value);
}

/* ---- what is no list */

static bool is_column(struct bytes word)
{
    static const char *const names[] = {"type", "value", "kind", "indicator", "indicators", "ioc", NULL};
    enum observable_type type;
    return is_any_of(word, names) || observable_type_read(word, &type);
}

/* Several columns, one of which names a type or is named as one. */
static bool is_row(struct bytes line)
{
    bool named = false;
    unsigned columns = 0;
    for (size_t len; line.len; line = bytes_from(line, len < line.len ? len + 1 : len), columns++) {
        for (len = 0; len < line.len && !strchr(",;\t", line.at[len]);)
            len++;
        struct bytes word = bytes_trim(bytes_until(line, len));
        if (word.len > 1 && word.at[0] == '"' && word.at[word.len - 1] == '"')
            word = bytes_from(bytes_until(word, word.len - 1), 1);
        named |= is_column(word);
    }
    return named && columns > 1;
}

/* Each of its lines would be refused: one word says it all. */
static bool is_table(const struct list *l, struct bytes content)
{
    static const char hint[] = "looks like CSV: the first line should be type,value,... separated by commas";
    struct bytes line, text = {NULL, 0};
    unsigned number = 0;
    while (!text.len && text_line(&content, &line)) {
        number++;
        text = without_comment(line);
    }
    if (!is_row(text))
        return false;
    (l->sink->broken ? l->sink->broken : l->sink->refused)(l->sink->to, number, hint);
    return true;
}

static void read(struct bytes content, const struct feed *feed, const struct feed_sink *sink)
{
    struct list list = {
        .feed = feed,
        .sink = sink,
        .source =
            {
                .feed = bytes_text(feed->name),
                .valid_from_ns = INDICATOR_ALWAYS,
                .valid_until_ns = INDICATOR_EVER,
                .confidence = feed->confidence,
                .tlp = feed->tlp,
                .category = feed->category,
            },
    };
    struct bytes line;
    if (bytes_start_with(content, "\xef\xbb\xbf"))
        content = bytes_from(content, 3);
    if (is_table(&list, content))
        return;
    while (text_line(&content, &line)) {
        list.line++;
        read_line(&list, line);
    }
}

const struct format format_plain = {
    .name = "plain",
    .about = "one value a line, its type guessed; comments, defanged values, hosts files",
    .probe = probe,
    .read = read,
};
