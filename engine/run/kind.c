/*
 * One pair of functions a form. What reads takes the whole text or nothing.
 */
#include "run/kind.h"

#include "base/json.h"
#include "base/text.h"
#include "feed/format.h"
#include "model/indicator.h"
#include "wire/tap.h"

#include <sys/un.h>

/* ---- numbers */

static const struct unit count_units[] = {{"", 1}, {"", 0}};
static const struct unit size_units[] = {{"", 1}, {"k", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"", 0}};
static const struct unit duration_units[] = {
    {"s", TEXT_SECOND_NS}, {"m", 60 * TEXT_SECOND_NS}, {"h", 3600 * TEXT_SECOND_NS}, {"", 0}};
static const struct unit day_units[] = {{"d", 24 * 3600 * TEXT_SECOND_NS}, {"", 0}};

static bool number_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)a;
    size_t digits = 0;
    while (digits < text.len && text.at[digits] >= '0' && text.at[digits] <= '9')
        digits++;
    for (const struct unit *u = s->kind->units; u->factor; u++) {
        uint64_t n;
        if (!bytes_equal(bytes_from(text, digits), bytes_text(u->suffix)) ||
            !text_number(bytes_until(text, digits), s->max / u->factor, &n) || n * u->factor < s->min)
            continue;
        n *= u->factor;
        memcpy(at, &n, sizeof n);
        return true;
    }
    return false;
}

/* In the greatest unit that leaves nothing over. */
static void number_write(const struct setting *s, const void *at, struct buffer *out)
{
    uint64_t n;
    memcpy(&n, at, sizeof n);
    const struct unit *best = s->kind->units;
    for (const struct unit *u = best; u->factor; u++)
        if (n && n % u->factor == 0)
            best = u;
    buffer_format(out, "%llu%s", (unsigned long long)(n / best->factor), best->suffix);
}

static bool flag_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    bool on = bytes_alike(text, "true");
    if (!on && !bytes_alike(text, "false"))
        return false;
    *(bool *)at = on;
    return true;
}

static void flag_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    buffer_text(out, *(const bool *)at ? "true" : "false");
}

/* ---- names of the field */

static bool is_letter_or_digit(uint8_t octet)
{
    return (octet >= '0' && octet <= '9') || (bytes_lower(octet) >= 'a' && bytes_lower(octet) <= 'z');
}

static bool is_word(struct bytes text, const char *others)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter_or_digit(text.at[i]) && (text.at[i] == 0 || !strchr(others, text.at[i])))
            return false;
    return text.len > 0;
}

static bool name_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    if (text.len > CONFIG_NAME_MAX || !is_word(text, "-_."))
        return false;
    char *name = at;
    memcpy(name, text.at, text.len);
    name[text.len] = 0;
    return true;
}

static void quoted_write(const char *text, struct buffer *out)
{
    struct json j = json_to(out); /* a JSON string is a YAML scalar */
    json_string(&j, text);
}

static void name_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    const char *name = at;
    if (is_letter_or_digit((uint8_t)name[0]))
        buffer_text(out, name);
    else
        quoted_write(name, out);
}

static bool country_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    char *country = at;
    if (text.len != 2)
        return false;
    for (size_t i = 0; i < 2; i++)
        if (bytes_lower(text.at[i]) < 'a' || bytes_lower(text.at[i]) > 'z')
            return false;
    for (size_t i = 0; i < 2; i++)
        country[i] = (char)(text.at[i] & ~0x20);
    country[2] = 0;
    return true;
}

static bool read_tlp(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    return tlp_read(text, at);
}

static void write_tlp(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    buffer_text(out, tlp_name(*(const enum tlp *)at));
}

static bool read_category(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    return category_read(text, at);
}

static void write_category(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    category_id c = *(const category_id *)at;
    buffer_format(out, "%s/%s", category_class(c), category_type(c));
}

static bool confidence_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    uint64_t n;
    int *confidence = at;
    if (bytes_alike(text, "unknown"))
        *confidence = INDICATOR_CONFIDENCE_UNKNOWN;
    else if (text_number(text, 100, &n))
        *confidence = (int)n;
    else
        return false;
    return true;
}

static void confidence_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    int confidence = *(const int *)at;
    if (confidence < 0)
        buffer_text(out, "unknown");
    else
        buffer_format(out, "%d", confidence);
}

/* One more block. Host bits are refused: most likely a slip of the pen, which would turn every direction. */
static bool home_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    (void)a;
    struct config_home *home = at;
    bool masked = false;
    if (home->count == CONFIG_HOME_MAX || !block_read(text, &home->block[home->count], &masked) || masked)
        return false;
    home->count++;
    return true;
}

/* ---- texts */

static bool may_be_kept(struct bytes text)
{
    return text.len <= CONFIG_TEXT_MAX && bytes_find(text, 0) == text.len;
}

static const char *keep(struct bytes text, struct arena *a)
{
    return a ? arena_text(a, text) : (const char *)text.at;
}

static bool optional_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    (void)s;
    if (!may_be_kept(text))
        return false;
    *(const char **)at = keep(text, a);
    return true;
}

static bool text_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    return text.len && optional_read(s, text, a, at);
}

static void text_write(const struct setting *s, const void *at, struct buffer *out)
{
    (void)s;
    const char *text = *(const char *const *)at;
    quoted_write(text ? text : "", out);
}

static bool filter_is_right(struct bytes text, struct fail *why)
{
    struct buffer filter = {.at = NULL};
    if (text.len == 0)
        return true;
    buffer_add(&filter, text.at, text.len);
    buffer_char(&filter, 0);
    bool right = tap_filter_check(filter.at, why);
    buffer_free(&filter);
    return right;
}

static bool filter_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    struct fail why = {.text = ""};
    return may_be_kept(text) && filter_is_right(text, &why) && optional_read(s, text, a, at);
}

static bool format_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    for (const struct format *const *f = formats; *f; f++)
        if ((*f)->read_event && bytes_equal(text, bytes_text((*f)->name)))
            return text_read(s, text, a, at);
    return false;
}

static void filter_explain(struct bytes text, struct fail *why)
{
    if (may_be_kept(text))
        filter_is_right(text, why);
}

/* ---- endpoints */

/* `HOST:PORT`, an IPv6 address in brackets. The host is not empty; a port is 1 to 65535. */
static bool host_and_port(struct bytes text, struct bytes *host, struct bytes *port)
{
    uint64_t n;
    size_t colon = text.len;
    while (colon && text.at[colon - 1] != ':')
        colon--;
    if (colon < 2)
        return false;
    *host = bytes_until(text, colon - 1);
    *port = bytes_from(text, colon);
    return bytes_equal(*port, bytes_text("*")) || (text_number(*port, UINT16_MAX, &n) && n);
}

/* An address as a URL has it: an IPv6 one in brackets. */
static bool address_of(struct bytes host, struct address *out)
{
    bool bracketed = host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']';
    if (bracketed)
        host = bytes_of(host.at + 1, host.len - 2);
    return address_read(host, out) && bracketed == (bytes_find(host, ':') < host.len);
}

static bool endpoint_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    struct bytes host, port;
    struct address address;
    bool good = bytes_start_with(text, "ipc://") && text.len > strlen("ipc://");
    if (bytes_start_with(text, "tcp://"))
        good = host_and_port(bytes_from(text, strlen("tcp://")), &host, &port) &&
               (bytes_equal(host, bytes_text("*")) || is_word(host, "-_.") || address_of(host, &address));
    return good && text_read(s, text, a, at);
}

bool kind_endpoint_is_local(const char *endpoint)
{
    static const struct block loopback[] = {{{{[10] = 0xff, [11] = 0xff, [12] = 127}}, ADDRESS_V4_BITS + 8},
                                            {{{[15] = 1}}, 128}};
    struct bytes text = bytes_text(endpoint), host, port;
    struct address address;
    if (!bytes_start_with(text, "tcp://"))
        return true;
    return host_and_port(bytes_from(text, strlen("tcp://")), &host, &port) && address_of(host, &address) &&
           (block_covers(&loopback[0], &address) || block_covers(&loopback[1], &address));
}

static bool listen_read(const struct setting *s, struct bytes text, struct arena *a, void *at)
{
    struct config_listen l = {.text = NULL};
    struct bytes host, port;
    enum { PREFIX = sizeof "unix://" - 1 }; /* as long as "fifo://" */
    uint64_t n;
    if (bytes_start_with(text, "tcp://")) {
        if (!host_and_port(bytes_from(text, strlen("tcp://")), &host, &port) || !address_of(host, &l.address) ||
            !text_number(port, UINT16_MAX, &n))
            return false;
        l.port = (uint16_t)n;
    } else if (bytes_start_with(text, "fifo:///")) {
        l.fifo = true;
    } else if (!bytes_start_with(text, "unix:///") || text.len - PREFIX >= sizeof(struct sockaddr_un){0}.sun_path) {
        return false;
    }
    if (!text_read(s, text, a, &l.text))
        return false;
    l.path = l.text[0] == 't' ? NULL : l.text + PREFIX;
    memcpy(at, &l, sizeof l);
    return true;
}

static void listen_write(const struct setting *s, const void *at, struct buffer *out)
{
    const struct config_listen *l = at;
    text_write(s, &l->text, out);
}

/* ---- the forms */

#define NUMBER(units_)      .octets = sizeof(uint64_t), .read = number_read, .write = number_write, .units = units_
#define TEXT(read_)         .octets = sizeof(const char *), .read = read_, .write = text_write, .kept = true
#define VALUE(type, r_, w_) .octets = sizeof(type), .read = r_, .write = w_

const struct kind kind_count = {.expected = "a number", NUMBER(count_units)};
const struct kind kind_size = {.expected = "a size such as 64k, 256M or 2G,", NUMBER(size_units)};
const struct kind kind_duration = {.expected = "a duration such as 30s, 15m or 1h,", NUMBER(duration_units)};
const struct kind kind_days = {.expected = "a number of days such as 30d,", NUMBER(day_units)};

const struct kind kind_flag = {.expected = "true or false", VALUE(bool, flag_read, flag_write)};
const struct kind kind_name = {.expected = "1 to 64 letters, digits, '-', '_' or '.'",
                               VALUE(char[CONFIG_NAME_MAX + 1], name_read, name_write)};
const struct kind kind_country = {.expected = "a country's two letters (ISO 3166)",
                                  VALUE(char[3], country_read, name_write)};
const struct kind kind_tlp = {.expected = "clear, green, amber, amber+strict or red",
                              VALUE(enum tlp, read_tlp, write_tlp)};
const struct kind kind_category = {.expected = "an incident type of RSIT such as c2-server",
                                   VALUE(category_id, read_category, write_category)};
const struct kind kind_confidence = {.expected = "a number from 0 to 100, or unknown",
                                     VALUE(int, confidence_read, confidence_write)};
const struct kind kind_home = {.expected = "a CIDR block without host bits such as 10.0.0.0/8",
                               VALUE(struct config_home, home_read, NULL),
                               .many = true};
const struct kind kind_listen = {.expected = "tcp://ADDRESS:PORT, unix:///PATH or fifo:///PATH",
                                 VALUE(struct config_listen, listen_read, listen_write),
                                 .kept = true};

const struct kind kind_text = {.expected = "a name", TEXT(text_read)};
const struct kind kind_file = {.expected = "a path", TEXT(text_read)};
const struct kind kind_file_or_none = {.expected = "a path, or \"\" for none", TEXT(optional_read)};
const struct kind kind_filter = {
    .expected = "a filter in libpcap's language", TEXT(filter_read), .explain = filter_explain};
const struct kind kind_topics = {.expected = "topics, separated by commas, or \"\" for all", TEXT(optional_read)};
const struct kind kind_format = {.expected = "a form of events: eve or intelmq", TEXT(format_read)};
const struct kind kind_endpoint = {.expected = "tcp://HOST:PORT or ipc://PATH", TEXT(endpoint_read)};

void kind_expected(const struct setting *s, struct buffer *out)
{
    buffer_text(out, s->kind->expected);
    if (!s->kind->units)
        return;
    buffer_text(out, " from ");
    number_write(s, &s->min, out);
    buffer_text(out, " to ");
    number_write(s, &s->max, out);
}
