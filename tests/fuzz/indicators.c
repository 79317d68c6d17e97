/*
 * Any octets as indicators, in the format that claims them and in every other. The canonical form of a value that was
 * taken is its own canonical form.
 */
#include <stdlib.h>

#include "feed/format.h"
#include "feed/misp.h"
#include "feed/stix_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void touch(struct bytes b)
{
    volatile uint8_t seen;
    for (size_t i = 0; i < b.len; i++)
        (void)(seen = b.at[i]);
}

static size_t canonical(enum observable_type type, struct bytes value, char *out)
{
    switch (type) {
    case OBSERVABLE_DOMAIN_NAME: return name_canonical(value, out);
    case OBSERVABLE_URL: return url_canonical(value, out);
    case OBSERVABLE_EMAIL_ADDR: return email_canonical(value, out);
    case OBSERVABLE_MD5:
    case OBSERVABLE_SHA1:
    case OBSERVABLE_SHA256:
    case OBSERVABLE_SHA512: return hash_canonical(type, value, out);
    default: memcpy(out, value.at, value.len); return value.len;
    }
}

static void indicator(void *to, unsigned line, const struct indicator_key *key, const struct indicator_source *s)
{
    char text[OBSERVABLE_VALUE_MAX], again[OBSERVABLE_VALUE_MAX];
    (void)to;
    must(line > 0);
    touch(s->feed), touch(s->id), touch(s->tags), touch(s->description), touch(s->reference);
    size_t len = indicator_value_write(key, text);
    must(len > 0 && len <= sizeof text);
    if (observable_is_address(key->type))
        return;
    must(key->value.len > 0 && key->value.len <= OBSERVABLE_VALUE_MAX);
    if (key->type == OBSERVABLE_URL && bytes_find(key->value, '%') < key->value.len)
        return; /* a stray % and what was an escape behind it read as another */
    must(bytes_equal(bytes_of(again, canonical(key->type, key->value, again)), key->value));
}

static void said(void *to, unsigned line, const char *text)
{
    (void)to;
    must(line > 0 && text[0]);
    touch(bytes_text(text));
}

static void counted(void *to, unsigned count, const char *what)
{
    (void)to;
    must(count > 0 && what[0]);
}

/* The octets as a pattern: what was taken are values within what was given. */
static void pattern(struct bytes content)
{
    static struct stix_pattern p;
    struct fail warning = {.text = ""}, why = {.text = ""};
    enum stix_verdict verdict = stix_pattern_read(&p, content, &warning, &why);
    must((verdict == STIX_TAKEN) == !why.text[0]);
    must(verdict != STIX_TAKEN || stix_pattern_count(&p) > 0);
    for (size_t i = 0; verdict == STIX_TAKEN && i < stix_pattern_count(&p); i++) {
        enum observable_type type;
        struct bytes value = stix_pattern_value(&p, i, &type);
        must(type < OBSERVABLE_TYPES && value.len <= content.len + 8);
        touch(value);
    }
}

static void listed(void *to, const struct misp_listed *event)
{
    (void)to;
    touch(event->uuid), touch(event->sha256);
    must(!misp_uuid_is_safe(event->uuid) || event->uuid.len == 36);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct feed feed = {.name = "fuzz", .tlp = TLP_AMBER, .confidence = 50, .category = CATEGORY_UNDETERMINED};
    static const struct feed_sink sink = {
        .indicator = indicator, .warning = said, .refused = said, .left_out = counted};
    struct bytes content = bytes_of(data, size);
    const struct format *claims = format_of(content);
    if (claims)
        must(format_named(claims->name) == claims);
    for (const struct format *const *f = formats; *f; f++)
        if ((*f)->read) /* a format of indicators */
            (*f)->read(content, &feed, &sink);
    pattern(content);
    misp_manifest_read(content, listed, NULL, &(struct fail){.text = ""});
    return 0;
}
