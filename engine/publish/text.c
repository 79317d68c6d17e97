/*
 * Text for people at a terminal: one finding a line, in columns that line up.
 *
 *     02:00:00.123 high   tls.sni    c2.bad.example      10.1.2.3:51234 → 203.0.113.7:443  green urlhaus: bad.example
 *
 * What was hit stands left, who met whom in the middle, who says so right; only values are ever cut, with `…`, names at
 * their front (their end says whose they are) and everything else at its end. The arrow says what became of the flow;
 * a wide terminal has room for the word too, a narrow one for no sender's port, and one of 80 columns not for who says
 * so either: what was hit and who met whom come first. Colours repeat what words say.
 *
 * A finding that goes on is told again, and its line says so at the second glance too:
 *
 *     02:00:07.456↳high   tls.sni    c2.bad.example      10.1.2.3:51234 → 203.0.113.7:443  3× since 02:00:00
 *
 * The sign before the severity is the status (↳ updated, × closed, none opened), whatever the kind of finding. The time
 * is when it was last seen, the arrow what became of the flow, and how often it was seen since when stands where the
 * opening said who says so; that comes behind it where there is room. A wide line of a finding that was told has the
 * beginning of its id too.
 *
 * A correlation and a trend are one line as well: where the value stands, what they are about; behind it what they say.
 *
 *     02:31:00.000 high   campaign   c2.bad.example  in 3 countries: CL PE UY, 7 hits       green
 *     03:00:00.000 high   trend      phishing in CL  ▁▁▂▁▁█  35 events where 1.4 are usual, score 1.0000  green
 *
 * Values, feed names and file names are written by strangers: whatever could move a cursor, colour, hide or turn text
 * around (control and escape octets, and all of Unicode but Latin letters) is shown as \xNN.
 */
#include <stdio.h>

#include "base/text.h"
#include "publish/output.h"
#include "publish/shown.h"

enum {
    WIDE_COLUMNS = 150,   /* from here on the state is a word */
    PORTS_COLUMNS = 110,  /* and from here on the sender's port is shown */
    SOURCES_COLUMNS = 96, /* and who says so, and fractions of seconds */
    SEVERITY_COLUMNS = 6,
    WHERE_COLUMNS = 10,      /* most */
    WHERE_WIDE_COLUMNS = 15, /* all: http.user_agent */
    TYPE_COLUMNS = 11,
    END_COLUMNS = 21,         /* 255.255.255.255:65535 */
    FLOW_COLUMNS = 37,        /* most pairs; the longest, of IPv4, takes 45 */
    FLOW_NARROW_COLUMNS = 35, /* the same without the sender's port */
    STATE_COLUMNS = 11,
    VALUE_COLUMNS_MIN = 16,
    VALUE_COLUMNS_MAX = 64,
    VALUE_CUT_MIN = 8,  /* what a long `where` leaves of a value */
    VALUE_COLUMNS = 40, /* where the width is not known */
    TLP_COLUMNS = 5,
    ID_COLUMNS = 8, /* of a finding that was told: enough of its id for `vigia hits --explain` */
    TAIL_SHARE = 5, /* the fifth part of a line says who says so, with its TLP */
    TAIL_COLUMNS_MIN = 2,
    END_TEXT_MAX = ADDRESS_TEXT_MAX + sizeof "[]:65535",
};

static const char RESET[] = "\033[0m", DIM[] = "\033[2m", BOLD[] = "\033[1m", RED[] = "\033[1;31m",
                  GREEN[] = "\033[32m", YELLOW[] = "\033[33m", CYAN[] = "\033[36m";

static const char WITHHELD[] = "(withheld)";

/* Where one line stands. */
struct line {
    struct buffer *to;
    const struct output_style *style;
    unsigned column;
};

static void paint(const struct line *l, const char *colour)
{
    if (l->style->colour && colour)
        buffer_text(l->to, colour);
}

/* Text of our own, one column an octet. */
static void put_word(struct line *l, const char *colour, const char *word)
{
    paint(l, colour);
    buffer_text(l->to, word);
    paint(l, colour ? RESET : NULL);
    l->column += (unsigned)strlen(word);
}

/* A sign of our own that takes one column, however many octets it has. */
static void put_sign(struct line *l, const char *sign)
{
    buffer_text(l->to, sign);
    l->column++;
}

/* At least one blank, so that what is too long pushes and never touches. */
static void pad_to(struct line *l, unsigned column)
{
    do
        buffer_char(l->to, ' ');
    while (++l->column < column);
}

static void put_units(struct line *l, struct bytes text, size_t columns)
{
    while (text.len) {
        struct shown_unit u = shown_unit_of(text);
        if (u.columns > columns)
            return;
        buffer_add(l->to, u.shown, u.len);
        l->column += (unsigned)u.columns;
        columns -= u.columns;
        text = bytes_from(text, u.octets);
    }
}

/* Text of strangers in at most `max` columns, of which the last or, with `keep_end`, the first is … where it was cut.
 */
static void put_text(struct line *l, const char *colour, struct bytes text, size_t max, bool keep_end)
{
    size_t columns = shown_width(text);
    bool cut = columns > max;
    paint(l, colour);
    if (cut && keep_end) {
        put_sign(l, "…");
        while (columns > max - 1) {
            struct shown_unit u = shown_unit_of(text);
            columns -= u.columns;
            text = bytes_from(text, u.octets);
        }
    }
    put_units(l, text, cut && !keep_end ? max - 1 : max);
    if (cut && !keep_end)
        put_sign(l, "…");
    paint(l, colour ? RESET : NULL);
}

static bool is_wide(const struct output_style *style)
{
    return style->columns == 0 || style->columns >= WIDE_COLUMNS;
}

static bool has_ports(const struct output_style *style)
{
    return style->columns == 0 || style->columns >= PORTS_COLUMNS;
}

static bool has_sources(const struct output_style *style)
{
    return style->columns == 0 || style->columns >= SOURCES_COLUMNS;
}

static unsigned where_columns(const struct output_style *style)
{
    return is_wide(style) ? WHERE_WIDE_COLUMNS : WHERE_COLUMNS;
}

static unsigned flow_columns(const struct output_style *style)
{
    return is_wide(style)     ? 2 * END_COLUMNS + 3 + 1 + STATE_COLUMNS
           : has_ports(style) ? FLOW_COLUMNS
                              : FLOW_NARROW_COLUMNS;
}

/* What the columns of fixed width leave behind column `at`, but for what the tail should have. */
static unsigned value_columns(const struct output_style *style, unsigned at, bool tail)
{
    unsigned taken = at + 1 + flow_columns(style) + (tail ? 1 + style->columns / TAIL_SHARE : 0);
    if (style->columns == 0)
        return VALUE_COLUMNS;
    unsigned left = style->columns > taken ? style->columns - taken : 0;
    return left < VALUE_COLUMNS_MIN ? VALUE_COLUMNS_MIN : left > VALUE_COLUMNS_MAX ? VALUE_COLUMNS_MAX : left;
}

static size_t cut_at(const struct output_style *style, unsigned columns)
{
    return style->columns ? columns : SIZE_MAX;
}

enum { DATE = sizeof "2026-11-21" - 1 };

static int64_t day_of(int64_t ns)
{
    const int64_t day_ns = 86400 * TEXT_SECOND_NS;
    return ns / day_ns - (ns % day_ns < 0);
}

/* The time of day under a head for each day, or with its date. */
static void put_time(struct line *l, int64_t ns)
{
    char text[TEXT_TIME_MAX];
    size_t len = text_time_write(ns, has_sources(l->style) ? 3 : 0, text);
    int64_t day = day_of(ns);
    text[len - 1] = 0; /* the Z; the view is UTC */
    text[DATE] = 0;
    if (!l->style->day) {
        put_word(l, DIM, text);
        put_word(l, NULL, " ");
    } else if (*l->style->day != day) {
        *l->style->day = day;
        put_word(l, BOLD, text);
        put_word(l, DIM, " UTC");
        buffer_char(l->to, '\n');
        l->column = 0;
    }
    put_word(l, NULL, text + DATE + 1);
}

/* In the column between time and severity. */
static void put_status(struct line *l, enum finding_status s)
{
    static const char *const signs[] = {[FINDING_OPENED] = " ", [FINDING_UPDATED] = "↳", [FINDING_CLOSED] = "×"};
    put_sign(l, signs[s]);
}

static void put_severity(struct line *l, enum severity s)
{
    static const char *const colours[] = {[SEVERITY_LOW] = CYAN, [SEVERITY_MEDIUM] = YELLOW, [SEVERITY_HIGH] = RED};
    put_word(l, colours[s], severity_name(s));
}

/* Where `part` begins in `text`, in any case; `text.len` where it does not. */
static size_t find_alike(struct bytes text, struct bytes part)
{
    for (size_t at = 0; at + part.len <= text.len; at++) {
        size_t n = 0;
        while (n < part.len && bytes_lower(text.at[at + n]) == bytes_lower(part.at[n]))
            n++;
        if (n == part.len)
            return at;
    }
    return text.len;
}

/* Of a value that has no room, where the part begins that says most: of a URL behind the scheme, of a user agent at
 * what was hit. */
static size_t telling_at(const struct told *t, struct bytes value, size_t room)
{
    if (shown_width(value) <= room)
        return 0;
    if (t->finding->type == OBSERVABLE_URL)
        return value.len - url_without_scheme(value).len;
    if (t->finding->match != MATCH_SUBSTRING || !t->indicator)
        return 0;
    struct bytes hit = t->indicator->key.value;
    size_t at = find_alike(value, hit);
    return at + hit.len < room || at == value.len ? 0 : at;
}

/* The value's column begins at `at`; a long `where` before it takes its room, so that what follows still lines up. */
static void put_value(struct line *l, const struct told *t, unsigned at, bool tail)
{
    const struct finding *f = t->finding;
    char room[OBSERVABLE_VALUE_MAX];
    struct observable o = finding_observable(f);
    struct bytes value = encode_withholds_value(t) ? bytes_text(WITHHELD) : bytes_of(room, observable_write(&o, room));
    unsigned end = at + value_columns(l->style, at, tail);
    unsigned left = end > l->column + VALUE_CUT_MIN ? end - l->column : VALUE_CUT_MIN;
    size_t from = telling_at(t, value, cut_at(l->style, left));
    if (from && f->type == OBSERVABLE_USER_AGENT) {
        put_sign(l, "…");
        left--;
    }
    bool keep_end = f->type == OBSERVABLE_DOMAIN_NAME || f->type == OBSERVABLE_EMAIL_ADDR;
    put_text(l, BOLD, bytes_from(value, from), cut_at(l->style, left), keep_end);
    pad_to(l, end + 1);
}

static bool proto_has_ports(uint8_t proto)
{
    return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

static size_t end_write(const struct address *a, bool has_port, uint16_t port, char out[END_TEXT_MAX])
{
    char address[ADDRESS_TEXT_MAX];
    address_write(a, address);
    bool bare = !has_port || address_is_v4(a);
    int len = snprintf(out, END_TEXT_MAX, bare ? "%s" : "[%s]", address);
    if (has_port)
        len += snprintf(out + len, END_TEXT_MAX - (size_t)len, ":%u", port);
    return (size_t)len;
}

/* Full line: both sides spoke; half: one did; dashed: nobody answered; struck out: refused. */
static const char *arrow_of(enum flow_state s)
{
    static const char *const arrows[] = {
        [FLOW_ATTEMPTED] = "⇢", [FLOW_REFUSED] = "↛", [FLOW_ESTABLISHED] = "→", [FLOW_ONE_SIDED] = "⇀"};
    return arrows[s];
}

/* Where there is room the sender stands right-aligned, so that the arrows are below each other. */
static void put_flow(struct line *l, const struct finding *f)
{
    const struct tuple *t = &f->tuple;
    char src[END_TEXT_MAX], dst[END_TEXT_MAX], proto[8];
    bool ports = proto_has_ports(t->proto);
    size_t src_len = end_write(&t->src, ports && has_ports(l->style), t->src_port, src);
    end_write(&t->dst, ports, t->dst_port, dst);
    unsigned start = l->column;
    for (size_t n = src_len; is_wide(l->style) && n < END_COLUMNS; n++)
        put_word(l, NULL, " ");
    put_word(l, NULL, src);
    put_word(l, NULL, " ");
    put_sign(l, arrow_of(f->state));
    put_word(l, NULL, " ");
    put_word(l, NULL, dst);
    if (t->proto != PROTO_TCP && t->proto != PROTO_UDP) {
        put_word(l, NULL, " ");
        put_word(l, DIM, tuple_proto_name(t->proto, proto));
    }
    if (is_wide(l->style)) {
        pad_to(l, start + 2 * END_COLUMNS + 4);
        put_word(l, f->state == FLOW_ESTABLISHED ? NULL : DIM, flow_state_name(f->state));
    }
    pad_to(l, start + flow_columns(l->style) + 1);
}

/* `reporter: type, PE`, in the room of a flow. */
static void put_event(struct line *l, const struct told *t)
{
    const struct finding *f = t->finding;
    struct bytes reporter = finding_reporter(f);
    struct buffer text = {0};
    unsigned start = l->column;
    if (reporter.len)
        buffer_add(&text, reporter.at, reporter.len);
    else
        buffer_text(&text, t->sensor->name);
    buffer_format(&text, ": %s", category_type(f->category));
    const char *country = encode_place(t, TLP_RED);
    if (strcmp(country, "ZZ") != 0)
        buffer_format(&text, ", %s", country);
    put_text(l, NULL, buffer_bytes(&text), cut_at(l->style, flow_columns(l->style)), false);
    pad_to(l, start + flow_columns(l->style) + 1);
    buffer_free(&text);
}

static void put_withheld(struct line *l)
{
    unsigned start = l->column;
    put_word(l, DIM, WITHHELD);
    pad_to(l, start + flow_columns(l->style) + 1);
}

static void put_context(struct line *l, const struct told *t)
{
    if (t->withheld)
        put_withheld(l);
    else if (t->finding->of_event)
        put_event(l, t);
    else
        put_flow(l, t->finding);
}

static void put_tlp(struct line *l, enum tlp tlp)
{
    static const char *const colours[] = {
        [TLP_CLEAR] = BOLD, [TLP_GREEN] = GREEN, [TLP_AMBER] = YELLOW, [TLP_AMBER_STRICT] = YELLOW, [TLP_RED] = RED};
    put_word(l, colours[tlp], tlp_name(tlp));
}

/* `feed, feed: indicator`; the indicator only where the value does not say it already. */
static void add_sources(const struct told *t, struct buffer *text)
{
    char value[OBSERVABLE_VALUE_MAX + 1];
    encode_feeds(t, TLP_RED, ", ", text);
    if (t->finding->match != MATCH_EXACT) {
        buffer_text(text, ": ");
        buffer_add(text, value, encode_indicator(&t->indicator->key, value));
    }
}

/* `3× since 02:00:00`, with the date where that is not the line's. */
static void add_history(const struct finding *f, struct buffer *text)
{
    char time[TEXT_TIME_MAX];
    time[text_time_write(f->key.time_ns, 0, time) - 1] = 0;
    time[DATE] = ' ';
    if (f->count > 1)
        buffer_format(text, "%llu× ", (unsigned long long)f->count);
    buffer_format(text, "since %s", time + (day_of(f->key.time_ns) == day_of(f->last_ns) ? DATE + 1 : 0));
}

/* The beginning of its id, by which it can be asked for. */
static void put_id(struct line *l, const char *id)
{
    put_text(l, DIM, bytes_until(bytes_text(id), ID_COLUMNS), ID_COLUMNS, false);
    pad_to(l, l->column + 1);
}

/* How many were folded into it, and who says so; of a finding that goes on how often and since when, and who says so
 * where a line is wide. */
static void put_tail(struct line *l, const struct told *t, enum tlp tlp)
{
    struct buffer text = {0};
    bool opened = t->finding->status == FINDING_OPENED;
    bool sourced = opened || is_wide(l->style);
    unsigned at = l->column;
    if (sourced) {
        put_tlp(l, tlp);
        pad_to(l, at + TLP_COLUMNS + 1);
    }
    if (is_wide(l->style) && t->id)
        put_id(l, t->id);
    if (!opened)
        add_history(t->finding, &text);
    if (t->folded)
        buffer_format(&text, "%s+%llu folded", opened ? "" : ", ", (unsigned long long)t->folded);
    if (sourced && text.len)
        buffer_text(&text, "; ");
    if (sourced)
        add_sources(t, &text);
    unsigned columns = l->style->columns;
    unsigned left = columns > l->column + TAIL_COLUMNS_MIN ? columns - l->column : TAIL_COLUMNS_MIN;
    put_text(l, NULL, buffer_bytes(&text), cut_at(l->style, left), false);
    buffer_free(&text);
}

static void write_hit(struct line *l, const struct told *t)
{
    const struct finding *f = t->finding;
    struct rendition r = rendition_of(t, TLP_RED);
    put_time(l, f->status == FINDING_OPENED ? f->key.time_ns : f->last_ns);
    put_status(l, f->status);
    unsigned at = l->column;
    put_severity(l, r.severity);
    pad_to(l, at += SEVERITY_COLUMNS + 1);
    put_word(l, CYAN, where_name(f->where));
    pad_to(l, at += where_columns(l->style) + 1);
    put_value(l, t, at, has_sources(l->style));
    put_context(l, t);
    if (has_sources(l->style))
        put_tail(l, t, r.tlp);
}

/* ---- the other kinds: what they are about stands where a value does, what they say of it behind */

/* Up to the text; where it begins. */
static void begin_other(struct line *l, const struct told *t, int64_t time_ns, const char *what)
{
    put_time(l, time_ns);
    put_status(l, encode_status(t, TLP_RED));
    unsigned at = l->column;
    put_severity(l, rendition_of(t, TLP_RED).severity);
    pad_to(l, at += SEVERITY_COLUMNS + 1);
    put_word(l, CYAN, what);
    pad_to(l, at + where_columns(l->style) + 1);
}

/* What they say, the TLP and, on a wide line, the id. */
static void end_other(struct line *l, const struct told *t, struct bytes says)
{
    unsigned tail = has_sources(l->style) ? 1 + TLP_COLUMNS : 0;
    unsigned columns = l->style->columns, taken = l->column + tail + (is_wide(l->style) && t->id ? 1 + ID_COLUMNS : 0);
    put_text(l, NULL, says, cut_at(l->style, columns > taken ? columns - taken : VALUE_CUT_MIN), false);
    if (!has_sources(l->style))
        return;
    put_word(l, NULL, " ");
    put_tlp(l, rendition_of(t, TLP_RED).tlp);
    if (!is_wide(l->style) || !t->id)
        return;
    put_word(l, NULL, " ");
    put_id(l, t->id);
}

/* A value cut to a third of the line, so that what is said of it is always there. */
static void put_about(struct line *l, struct bytes value, bool keep_end)
{
    unsigned room = l->style->columns / 3 > VALUE_COLUMNS_MIN ? l->style->columns / 3 : VALUE_COLUMNS_MIN;
    put_text(l, BOLD, value, cut_at(l->style, room), keep_end);
    put_word(l, NULL, "  ");
}

static void write_correlation(struct line *l, const struct told *t)
{
    const struct correlation *c = t->correlation;
    struct correlation_shown s = correlation_shown(c, TLP_RED);
    struct buffer says = {0};
    begin_other(l, t, s.last_ns, CORRELATION_RULE);
    put_about(l, c->value, c->type == OBSERVABLE_DOMAIN_NAME || c->type == OBSERVABLE_EMAIL_ADDR);
    buffer_format(&says, "in %u countries:", s.countries);
    for (unsigned i = 0; i < c->country_count; i++)
        buffer_format(&says, " %s", c->countries[i].country);
    buffer_format(&says, ", %llu hits", (unsigned long long)s.members);
    end_other(l, t, buffer_bytes(&says));
    buffer_free(&says);
}

/* Eight heights, the tallest the greatest count. */
static void put_plot(struct line *l, const struct trend *t)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double most = 1;
    for (unsigned i = 0; i < t->history_count; i++)
        most = t->history[i].count > most ? t->history[i].count : most;
    unsigned room = is_wide(l->style) ? TREND_HISTORY : has_ports(l->style) ? 20 : 12;
    for (unsigned i = t->history_count > room ? t->history_count - room : 0; i < t->history_count; i++) {
        double share = t->history[i].count / most;
        paint(l, t->history[i].alarm || i + 1 == t->history_count ? RED : DIM);
        put_sign(l, bars[share <= 0 ? 0 : share >= 1 ? 7 : (int)(share * 8)]);
        paint(l, RESET);
    }
    put_word(l, NULL, "  ");
}

static void write_trend(struct line *l, const struct told *t)
{
    const struct trend *a = t->trend;
    struct buffer says = {0};
    begin_other(l, t, a->time_ns, "trend");
    buffer_format(&says, "%s in %s", category_type(a->category), a->place);
    put_about(l, buffer_bytes(&says), false);
    put_plot(l, a);
    buffer_clear(&says);
    buffer_format(&says, "%.0f %ss where %.1f are usual, score %.4f", a->observed, a->counted, a->expected, a->score);
    end_other(l, t, buffer_bytes(&says));
    buffer_free(&says);
}

static void write_observed(struct line *l, const struct told *t)
{
    const struct finding *f = t->finding;
    put_time(l, f->key.time_ns);
    unsigned at = l->column + 1;
    pad_to(l, at);
    put_word(l, CYAN, where_name(f->where));
    pad_to(l, at += where_columns(l->style) + 1);
    if (has_sources(l->style)) { /* else what it is can be seen */
        put_word(l, DIM, observable_type_name(f->type));
        pad_to(l, at += TYPE_COLUMNS + 1);
    }
    put_value(l, t, at, false);
    put_context(l, t);
}

static void end_line(struct buffer *out)
{
    while (out->len && out->at[out->len - 1] == ' ')
        out->len--;
    buffer_char(out, '\n');
}

static void write_line(struct buffer *out, const struct told *t, const struct output_style *style)
{
    struct line l = {.to = out, .style = style};
    if (t->correlation)
        write_correlation(&l, t);
    else if (t->trend)
        write_trend(&l, t);
    else if (t->finding->kind == FINDING_OBSERVED)
        write_observed(&l, t);
    else
        write_hit(&l, t);
    end_line(out);
}

/* Where the words have no room, what the arrows mean. */
static void write_head(struct buffer *out, bool observed, const struct output_style *style)
{
    (void)observed;
    struct line l = {.to = out, .style = style};
    if (is_wide(style))
        return;
    for (int s = FLOW_ATTEMPTED; s <= FLOW_ONE_SIDED; s++) {
        put_sign(&l, arrow_of((enum flow_state)s));
        put_word(&l, NULL, " ");
        put_word(&l, DIM, flow_state_name((enum flow_state)s));
        put_word(&l, NULL, "  ");
    }
    end_line(out);
}

const struct output output_text = {
    .name = "text",
    .about = "a line for people to read",
    .head = write_head,
    .write = write_line,
};
