/*
 * CSV for spreadsheets and data frames (RFC 4180: CRLF, quotes doubled), a head line first.
 *
 * Two things are changed on the way, since strangers write user agents, file names and URLs that analysts then open in
 * a spreadsheet; who needs the value exactly as it was reads the JSON:
 *   - a cell that a spreadsheet would take for a formula (it begins with = + - @) gets an apostrophe in front, which is
 *     how spreadsheets mark plain text; so does one that already begins with an apostrophe, so that dropping one
 *     apostrophe always gives the value back;
 *   - control octets, and every octet above 127 where the text is not UTF-8, are written \xNN: a finding is one line.
 */
#include "base/text.h"
#include "publish/output.h"

static void put_octets(struct buffer *out, struct bytes text)
{
    bool utf8 = text_is_utf8(text);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t octet = text.at[i];
        char shown[4];
        if (octet == '"')
            buffer_text(out, "\"\"");
        else if (octet < ' ' || octet == 0x7f || (octet > 0x7f && !utf8))
            buffer_add(out, shown, encode_printable(bytes_of(&octet, 1), shown));
        else
            buffer_char(out, (char)octet);
    }
}

/* Quoted where it must be: a comma or a quote; a line end cannot be left. */
static void put_cell(struct buffer *out, struct bytes text)
{
    bool quoted = bytes_find(text, ',') < text.len || bytes_find(text, '"') < text.len;
    if (quoted)
        buffer_char(out, '"');
    if (text.len && strchr("=+-@'", text.at[0]) && text.at[0])
        buffer_char(out, '\'');
    put_octets(out, text);
    if (quoted)
        buffer_char(out, '"');
    buffer_char(out, ',');
}

static void put_word(struct buffer *out, const char *word)
{
    put_cell(out, bytes_text(word));
}

static void put_time(struct buffer *out, int64_t ns)
{
    char text[TEXT_TIME_MAX];
    put_cell(out, bytes_of(text, text_time_write(ns, 6, text)));
}

static void put_number(struct buffer *out, uint64_t number)
{
    buffer_format(out, "%llu,", (unsigned long long)number);
}

static void put_observable(struct buffer *out, const struct told *t)
{
    const struct finding *f = t->finding;
    char value[OBSERVABLE_VALUE_MAX];
    struct observable o = finding_observable(f);
    put_word(out, observable_type_name(f->type));
    put_cell(out, bytes_of(value, encode_withholds_value(t) ? 0 : observable_write(&o, value)));
    put_word(out, where_name(f->where));
}

static void put_indicator(struct buffer *out, const struct told *t)
{
    char value[OBSERVABLE_VALUE_MAX + 1];
    put_cell(out, bytes_of(value, encode_indicator(&t->indicator->key, value)));
    put_word(out, indicator_match_name(t->finding->match));
}

static void put_feeds(struct buffer *out, const struct told *t)
{
    struct buffer names = {0};
    encode_feeds(t, TLP_RED, ";", &names);
    put_cell(out, buffer_bytes(&names));
    buffer_free(&names);
}

static void put_end(struct buffer *out, const struct address *a, uint16_t port, bool ports)
{
    char text[ADDRESS_TEXT_MAX];
    put_cell(out, bytes_of(text, address_write(a, text)));
    if (ports)
        put_number(out, port);
    else
        buffer_char(out, ',');
}

static void put_flow(struct buffer *out, const struct told *t)
{
    enum { COLUMNS = 7 };
    const struct finding *f = t->finding;
    bool ports = encode_has_ports(&f->tuple);
    char proto[8];
    if (f->of_event || t->withheld) {
        for (int i = 0; i < COLUMNS; i++)
            buffer_char(out, ',');
        return;
    }
    put_end(out, &f->tuple.src, f->tuple.src_port, ports);
    put_end(out, &f->tuple.dst, f->tuple.dst_port, ports);
    put_word(out, tuple_proto_name(f->tuple.proto, proto));
    put_word(out, flow_direction_name(f->direction));
    put_word(out, flow_state_name(f->state));
}

static void put_place(struct buffer *out, const struct told *t)
{
    put_word(out, t->file);
    put_number(out, t->finding->key.packet);
}

static void put_judgement(struct buffer *out, const struct told *t, const struct rendition *r)
{
    put_word(out, encode_place(t, TLP_RED));
    buffer_format(out, "%s/%s,", category_class(r->category), category_type(r->category));
    put_word(out, tlp_name(r->tlp));
    if (r->confidence >= 0)
        put_number(out, (uint64_t)r->confidence);
    else
        buffer_char(out, ',');
}

static void put_hit(struct buffer *out, const struct told *t)
{
    const struct finding *f = t->finding;
    struct rendition r = rendition_of(t, TLP_RED);
    char id[FINDING_ID_MAX];
    finding_id(f, t->sensor->name, &t->indicator->key, id);
    put_time(out, f->key.time_ns);
    put_word(out, "hit");
    put_word(out, finding_status_name(f->status));
    put_word(out, id);
    put_word(out, severity_name(r.severity));
    put_observable(out, t);
    put_indicator(out, t);
    put_feeds(out, t);
    put_flow(out, t);
    put_place(out, t);
    put_judgement(out, t, &r);
    put_number(out, f->count);
    put_time(out, f->key.time_ns);
    put_time(out, f->last_ns);
}

static void put_observed(struct buffer *out, const struct told *t)
{
    const struct finding *f = t->finding;
    put_time(out, f->key.time_ns);
    put_observable(out, t);
    put_flow(out, t);
    put_place(out, t);
    if (f->where == WHERE_TLS_SNI || f->where == WHERE_QUIC_SNI)
        buffer_text(out, f->ech ? "true" : "false");
    buffer_char(out, ',');
}

/* Of the other kinds, what has a column; the rest of the line is empty. */
static void put_other(struct buffer *out, const struct told *t, int64_t time_ns, int64_t first_ns, int64_t last_ns,
                      const char *type, struct bytes value, uint64_t count)
{
    enum { BETWEEN = 13 }; /* columns from `where` to `packet` */
    struct rendition r = rendition_of(t, TLP_RED);
    char id[IDENTITY_MAX];
    encode_id(t, id);
    put_time(out, time_ns);
    put_word(out, encode_kind(t));
    put_word(out, finding_status_name(encode_status(t, TLP_RED)));
    put_word(out, id);
    put_word(out, severity_name(r.severity));
    put_word(out, type);
    put_cell(out, value);
    for (int i = 0; i < BETWEEN; i++)
        buffer_char(out, ',');
    put_judgement(out, t, &r);
    put_number(out, count);
    put_time(out, first_ns);
    put_time(out, last_ns);
}

static void put_correlation(struct buffer *out, const struct told *t)
{
    const struct correlation *c = t->correlation;
    struct correlation_shown s = correlation_shown(c, TLP_RED);
    put_other(out, t, s.last_ns, s.first_ns, s.last_ns, observable_type_name(c->type), c->value, s.members);
}

/* Its value is what was counted in the worst window. */
static void put_trend(struct buffer *out, const struct told *t)
{
    const struct trend *a = t->trend;
    put_other(out, t, a->time_ns, a->since_ns, a->last_ns, a->counted, bytes_of(NULL, 0), (uint64_t)a->observed);
}

static void write_line(struct buffer *out, const struct told *t, const struct output_style *style)
{
    (void)style;
    if (t->correlation)
        put_correlation(out, t);
    else if (t->trend)
        put_trend(out, t);
    else if (t->finding->kind == FINDING_OBSERVED)
        put_observed(out, t);
    else
        put_hit(out, t);
    out->len--; /* every cell ends in a comma, a line in none */
    buffer_text(out, "\r\n");
}

static void write_head(struct buffer *out, bool observed, const struct output_style *style)
{
    (void)style;
    buffer_text(out, observed
                         ? "timestamp,type,value,where,src_ip,src_port,dest_ip,dest_port,proto,direction,state,file,"
                           "packet,ech\r\n"
                         : "timestamp,kind,status,id,severity,type,value,where,indicator,match,feeds,src_ip,"
                           "src_port,dest_ip,dest_port,proto,direction,state,file,packet,country,category,tlp,"
                           "confidence,count,first_seen,last_seen\r\n");
}

const struct output output_csv = {
    .name = "csv",
    .about = "comma-separated values with a head line (RFC 4180)",
    .head = write_head,
    .write = write_line,
};
