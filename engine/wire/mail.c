/*
 * Line by line: a header field at a time, then the content of each part. A delimiter belongs to the innermost multipart
 * that has its boundary; those inside of it are over with it, whether or not they said so (RFC 2046, 5.1.2). The line
 * end in front of a delimiter is the delimiter's, so each line end waits for what follows it.
 */
#include "wire/mail.h"

#include <stdlib.h>

#include "base/text.h"
#include "wire/file.h"
#include "wire/links.h"
#include "wire/mail_field.h"
#include "wire/mime.h"

enum {
    LINE_MAX_OCTETS = 2048, /* that wait for their end; RFC 5322 grants 998 */
    SLICE = 1024,           /* octets decoded at a time */
};

enum place {
    PLACE_HEAD,
    PLACE_CONTENT,
    PLACE_MESSAGE, /* before the first line of a forwarded one */
    PLACE_BETWEEN, /* before the first delimiter, behind the last one */
};

enum coding { CODING_NONE, CODING_QUOTED, CODING_BASE64 };

enum kind { KIND_TEXT, KIND_HTML, KIND_MESSAGE, KIND_MULTIPART, KIND_OTHER };

struct multipart {
    uint8_t len;
    bool digest; /* its parts are messages where they do not say otherwise */
    char boundary[MIME_BOUNDARY_MAX];
};

/* What the head at hand says of its content. */
struct about {
    bool message; /* its fields are a message's */
    enum kind kind;
    enum coding coding;
    bool attached;
    bool digest;
    uint8_t boundary_len;
    uint8_t name_len;
    char boundary[MIME_BOUNDARY_MAX];
    char name[FILE_NAME_MAX];
};

struct mail {
    enum place place;
    struct about about;
    unsigned depth;
    struct multipart at[MAIL_DEPTH_MAX];
    size_t field_len;
    char field[MAIL_FIELD_MAX];
    size_t line_len; /* of a line whose end has not come */
    uint8_t line[LINE_MAX_OCTETS];
    bool within; /* the begin of this line has been used already */
    bool ending; /* the last line needs no end */
    uint8_t newline_len;
    char newline[2]; /* waits for what follows */
    uint32_t bits;   /* of base64 */
    unsigned bits_len;
    struct file *file;
    struct mail *inner; /* a forwarded message that is encoded, which none should be (RFC 2046, 5.2.1) */
    unsigned inners;    /* messages around this one */
    struct links links;
};

struct mail *mail_open(struct dissection *d)
{
    if (d->budget->held + sizeof(struct mail) > d->budget->max) {
        d->counts->mails_refused++;
        return NULL;
    }
    struct mail *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    d->budget->held += sizeof *m;
    d->counts->mails++;
    m->about = (struct about){.message = true};
    return m;
}

/* ---- heads ---- */

/* A parameter, with the encoded words in it that mailers write though RFC 2047, 5 forbids it. */
static size_t name_parameter(struct bytes value, const char *parameter, char out[FILE_NAME_MAX])
{
    char raw[FILE_NAME_MAX];
    size_t len = mime_parameter(value, parameter, raw, sizeof raw);
    return mail_field_words(bytes_of(raw, len), out, FILE_NAME_MAX);
}

static enum kind kind_of(struct bytes type)
{
    if (bytes_alike(type, "text/html") || bytes_alike(type, "application/xhtml+xml"))
        return KIND_HTML;
    if (bytes_alike(type, "message/rfc822") || bytes_alike(type, "message/global"))
        return KIND_MESSAGE;
    if (bytes_alike(bytes_until(type, 10), "multipart/"))
        return KIND_MULTIPART;
    return type.len == 0 || bytes_alike(bytes_until(type, 5), "text/") || bytes_alike(type, "text") ? KIND_TEXT
                                                                                                    : KIND_OTHER;
}

static void read_type(struct about *a, struct bytes value)
{
    struct bytes type = bytes_trim(bytes_until(value, bytes_find(value, ';')));
    a->kind = kind_of(type);
    a->digest = bytes_alike(type, "multipart/digest");
    a->boundary_len = (uint8_t)mime_parameter(value, "boundary", a->boundary, sizeof a->boundary);
    while (a->boundary_len && a->boundary[a->boundary_len - 1] == ' ')
        a->boundary_len--;
    if (!a->name_len)
        a->name_len = (uint8_t)name_parameter(value, "name", a->name);
}

static void read_disposition(struct about *a, struct bytes value)
{
    char name[FILE_NAME_MAX];
    size_t len = name_parameter(value, "filename", name);
    a->attached |= bytes_alike(bytes_trim(bytes_until(value, bytes_find(value, ';'))), "attachment");
    if (!len)
        return;
    memcpy(a->name, name, len);
    a->name_len = (uint8_t)len;
}

static enum coding coding_of(struct bytes value)
{
    return bytes_alike(value, "base64")             ? CODING_BASE64
           : bytes_alike(value, "quoted-printable") ? CODING_QUOTED
                                                    : CODING_NONE;
}

/* The field that was gathered is whole. */
static void end_field(struct dissection *d, struct mail *m)
{
    struct bytes field = bytes_of(m->field, m->field_len);
    size_t colon = bytes_find(field, ':');
    struct bytes name = bytes_trim(bytes_until(field, colon));
    struct bytes value = bytes_trim(bytes_from(field, colon + 1));
    m->field_len = 0;
    if (colon == field.len)
        return;
    if (bytes_alike(name, "content-type"))
        read_type(&m->about, value);
    else if (bytes_alike(name, "content-disposition"))
        read_disposition(&m->about, value);
    else if (bytes_alike(name, "content-transfer-encoding"))
        m->about.coding = coding_of(bytes_trim(bytes_until(value, bytes_find(value, ';'))));
    else if (m->about.message)
        mail_field_tell(d, name, value);
}

static void gather_field(struct mail *m, struct bytes octets)
{
    size_t room = MAIL_FIELD_MAX - m->field_len;
    octets = bytes_until(octets, room);
    memcpy(m->field + m->field_len, octets.at, octets.len);
    m->field_len += octets.len;
}

/* ---- content ---- */

static void begin_head(struct mail *m, bool message)
{
    m->place = PLACE_HEAD;
    m->about = (struct about){.message = message};
    m->field_len = 0;
}

/* A multipart of too many: its parts' octets are passed over. */
static void begin_multipart(struct dissection *d, struct mail *m)
{
    const struct about *a = &m->about;
    m->place = PLACE_BETWEEN;
    if (!a->boundary_len)
        return;
    if (m->depth == MAIL_DEPTH_MAX) {
        d->counts->mails_deep++;
        return;
    }
    struct multipart *part = &m->at[m->depth++];
    part->len = a->boundary_len;
    part->digest = a->digest;
    memcpy(part->boundary, a->boundary, a->boundary_len);
}

static bool is_text(const struct about *a)
{
    return a->kind == KIND_TEXT || a->kind == KIND_HTML;
}

/* The empty line behind a head. */
static void begin_content(struct dissection *d, struct mail *m)
{
    const struct about *a = &m->about;
    end_field(d, m);
    if (a->name_len)
        file_name(d, bytes_of(a->name, a->name_len), bytes_of(NULL, 0));
    if (a->kind == KIND_MULTIPART) {
        begin_multipart(d, m);
        return;
    }
    m->place = PLACE_CONTENT;
    m->newline_len = 0;
    m->bits = m->bits_len = 0;
    m->links.len = 0;
    m->links.html = a->kind == KIND_HTML;
    if (a->kind == KIND_MESSAGE)
        m->place = PLACE_MESSAGE;
    else if (a->attached || a->name_len || !is_text(a))
        m->file = file_open(d);
}

/* A header field's name and its colon (RFC 5322, 2.2): no encoded text has one. */
static bool is_field(struct bytes line)
{
    size_t colon = bytes_find(line, ':');
    for (size_t i = 0; i < colon; i++)
        if (line.at[i] <= ' ' || line.at[i] >= 0x7f)
            return false;
    return colon && colon < line.len;
}

/* The first line of a forwarded message says whether it is encoded. */
static void begin_message(struct dissection *d, struct mail *m, struct bytes line)
{
    if (m->about.coding == CODING_NONE || is_field(line)) {
        begin_head(m, true);
        return;
    }
    m->place = PLACE_CONTENT;
    m->file = file_open(d);
    if (m->inners == MAIL_DEPTH_MAX)
        d->counts->mails_deep++;
    else if ((m->inner = mail_open(d)))
        m->inner->inners = m->inners + 1;
}

static void end_content(struct dissection *d, struct mail *m, bool whole)
{
    if (m->place == PLACE_HEAD)
        end_field(d, m);
    if (m->place != PLACE_CONTENT)
        return;
    if (is_text(&m->about))
        links_end(d, &m->links, WHERE_SMTP_BODY);
    mail_close(d, m->inner, whole);
    m->inner = NULL;
    file_close(d, m->file, whole);
    m->file = NULL;
}

static void give(struct dissection *d, struct mail *m, struct bytes octets)
{
    file_add(m->file, octets);
    mail_add(d, m->inner, octets);
    if (is_text(&m->about))
        links_add(d, &m->links, WHERE_SMTP_BODY, octets);
}

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is no digit is passed over (RFC 2045, 6.8); padding ends a group, behind which another text may begin. */
static size_t undo_base64(struct mail *m, struct bytes text, uint8_t out[SLICE])
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.at[i]);
        if (text.at[i] == '=')
            m->bits_len = 0;
        if (value < 0)
            continue;
        m->bits = m->bits << 6 | (uint32_t)value;
        m->bits_len += 6;
        if (m->bits_len >= 8) {
            m->bits_len -= 8;
            out[len++] = (uint8_t)(m->bits >> m->bits_len);
        }
    }
    return len;
}

static size_t undo_quoted(struct bytes text, uint8_t out[SLICE])
{
    size_t len = 0;
    while (text.len) {
        uint8_t octet = text.at[0];
        bool escaped = octet == '=' && text.len >= 3 && text_hex(bytes_of(text.at + 1, 2), &octet);
        out[len++] = octet;
        text = bytes_from(text, escaped ? 3 : 1);
    }
    return len;
}

/* At most SLICE octets of `text`, and not half an escape. */
static struct bytes slice(struct bytes text, enum coding coding)
{
    struct bytes s = bytes_until(text, SLICE);
    if (coding == CODING_QUOTED && s.len == SLICE && text.len > SLICE)
        while (s.len > SLICE - 2 && (s.at[s.len - 1] == '=' || s.at[s.len - 2] == '='))
            s.len--;
    return s;
}

static void decode(struct dissection *d, struct mail *m, struct bytes text)
{
    uint8_t room[SLICE];
    enum coding coding = m->about.coding;
    if (coding == CODING_NONE) {
        give(d, m, text);
        return;
    }
    while (text.len) {
        struct bytes s = slice(text, coding);
        size_t len = coding == CODING_BASE64 ? undo_base64(m, s, room) : undo_quoted(s, room);
        give(d, m, bytes_of(room, len));
        text = bytes_from(text, s.len);
    }
}

static void give_newline(struct dissection *d, struct mail *m)
{
    if (m->newline_len)
        give(d, m, bytes_of(m->newline, m->newline_len));
    m->newline_len = 0;
}

/* One line of content, or so much of it as has come; `newline` its end. */
static void content_line(struct dissection *d, struct mail *m, struct bytes text, struct bytes newline)
{
    bool soft = false;
    if (m->about.coding != CODING_BASE64)
        give_newline(d, m);
    if (m->about.coding == CODING_QUOTED && newline.len) {
        while (text.len && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
            text.len--;
        soft = text.len && text.at[text.len - 1] == '=';
        text.len -= soft;
    }
    decode(d, m, text);
    if (m->about.coding == CODING_BASE64 || soft)
        return;
    m->newline_len = (uint8_t)newline.len;
    for (size_t i = 0; i < newline.len; i++)
        m->newline[i] = (char)newline.at[i];
}

/* ---- lines ---- */

/* Whether the line is a delimiter; then what it ends is over. */
static bool delimits(struct dissection *d, struct mail *m, struct bytes line)
{
    if (!m->depth || !bytes_start_with(line, "--"))
        return false;
    line = bytes_from(line, 2);
    for (unsigned i = m->depth; i-- > 0;) {
        const struct multipart *part = &m->at[i];
        struct bytes behind = bytes_from(line, part->len);
        if (line.len < part->len || memcmp(line.at, part->boundary, part->len) != 0)
            continue;
        bool last = bytes_start_with(behind, "--");
        if (!last && bytes_trim(behind).len)
            continue;
        end_content(d, m, true);
        m->depth = last ? i : i + 1;
        if (last)
            m->place = PLACE_BETWEEN;
        else
            begin_head(m, false);
        if (!last && part->digest)
            m->about.kind = KIND_MESSAGE;
        return true;
    }
    return false;
}

static void head_line(struct dissection *d, struct mail *m, struct bytes line)
{
    if (!line.len) {
        begin_content(d, m);
    } else if (line.at[0] == ' ' || line.at[0] == '\t') {
        gather_field(m, bytes_text(" "));
        gather_field(m, bytes_trim(line));
    } else {
        end_field(d, m);
        gather_field(m, line);
    }
}

/* A line without its end, `newline`, which is empty when more of the line will come. */
static void read_line(struct dissection *d, struct mail *m, struct bytes line, struct bytes newline)
{
    bool begins = !m->within;
    m->within = newline.len == 0;
    if (begins && (newline.len || m->ending) && delimits(d, m, line))
        return;
    if (m->place == PLACE_MESSAGE)
        begin_message(d, m, line);
    if (m->place == PLACE_HEAD && begins)
        head_line(d, m, line);
    else if (m->place == PLACE_HEAD)
        gather_field(m, line);
    else if (m->place == PLACE_CONTENT)
        content_line(d, m, line, newline);
}

/* The line with its LF. */
static void read_whole_line(struct dissection *d, struct mail *m, struct bytes line)
{
    size_t end = line.len >= 2 && line.at[line.len - 2] == '\r' ? 2 : 1;
    read_line(d, m, bytes_until(line, line.len - end), bytes_from(line, line.len - end));
}

static void flush(struct dissection *d, struct mail *m)
{
    if (m->line_len)
        read_line(d, m, bytes_of(m->line, m->line_len), bytes_of(NULL, 0));
    m->line_len = 0;
}

void mail_add(struct dissection *d, struct mail *m, struct bytes octets)
{
    while (m && octets.len) {
        size_t end = bytes_find(octets, '\n');
        struct bytes line = bytes_until(octets, end + 1);
        octets = bytes_from(octets, line.len);
        if (!m->line_len && end < line.len) {
            read_whole_line(d, m, line);
            continue;
        }
        if (m->line_len + line.len > LINE_MAX_OCTETS)
            flush(d, m);
        if (line.len > LINE_MAX_OCTETS) {
            if (end < line.len)
                read_whole_line(d, m, line);
            else
                read_line(d, m, line, bytes_of(NULL, 0));
            continue;
        }
        memcpy(m->line + m->line_len, line.at, line.len);
        m->line_len += line.len;
        if (end < line.len) {
            read_whole_line(d, m, bytes_of(m->line, m->line_len));
            m->line_len = 0;
        }
    }
}

/* A part that no delimiter ended is whole when nothing had to end it. */
void mail_close(struct dissection *d, struct mail *m, bool whole)
{
    if (!m)
        return;
    m->ending = whole;
    flush(d, m);
    if (m->place == PLACE_CONTENT && whole && !m->depth)
        give_newline(d, m);
    end_content(d, m, whole && !m->depth);
    free(m);
    d->budget->held -= sizeof *m;
}

/* ---- of a flow ---- */

void mail_begin(struct dissection *d)
{
    mail_over(d, false);
    d->flow->state = mail_open(d);
    d->flow->side[d->side].owes = d->flow->state != NULL;
}

void mail_octets(struct dissection *d, struct bytes octets)
{
    mail_add(d, d->flow->state, octets);
}

void mail_over(struct dissection *d, bool whole)
{
    mail_close(d, d->flow->state, whole);
    d->flow->state = NULL;
    d->flow->side[0].owes = d->flow->side[1].owes = false;
}

void mail_end(struct dissection *d)
{
    mail_over(d, false);
}

void mail_hole(struct dissection *d)
{
    mail_over(d, false);
}

static bool is_dot(struct bytes line)
{
    return line.at[0] == '.' && (line.len == 2 || (line.len == 3 && line.at[1] == '\r'));
}

size_t mail_dotted(struct dissection *d, struct bytes octets, bool *over)
{
    struct dissect_side *side = &d->flow->side[d->side];
    size_t used = 0;
    *over = false;
    while (used < octets.len && !*over) {
        struct bytes rest = bytes_from(octets, used);
        size_t end = bytes_find(rest, '\n');
        struct bytes line = bytes_until(rest, end + 1);
        bool begins = !side->inside;
        if (end == rest.len && rest.len < LINE_MAX_OCTETS)
            break;
        used += line.len;
        side->inside = end == rest.len;
        *over = begins && !side->inside && is_dot(line);
        if (!*over)
            mail_octets(d, begins && line.at[0] == '.' ? bytes_from(line, 1) : line);
    }
    return used;
}
