/*
 * json_read: simdjson finds all structure in one pass; On-Demand then reads each value once, in place, and the walk
 * hands it on. The path is one buffer that grows and shrinks with the walk; it never outgrows the document (each key in
 * it stands in the document, in quotes), so nothing is allocated on the way.
 *
 * The compiler is told that there are no exceptions: simdjson then answers with error codes alone.
 */
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <simdjson.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"         /* compound literals of C */
#pragma GCC diagnostic ignored "-Wc++20-extensions" /* designated initialisers */
extern "C" {
#include "base/json_read.h"
}
#pragma GCC diagnostic pop

using namespace simdjson;

enum { ROOM_MIN = 4096 };

struct json_reader {
    ondemand::parser parser;
    char *padded; /* the document, and SIMDJSON_PADDING zeros behind it */
    char *path;
    size_t len;  /* of the document */
    size_t room; /* octets of the largest document so far */
    size_t path_len;
    unsigned depth; /* open objects and arrays */
    json_visit *visit;
    void *to;
    bool ended;      /* by a visit */
    bool records;    /* ends of objects and lines are told too */
    unsigned line;   /* at `counted` */
    size_t counted;  /* octets in which line ends were counted */
    locale_t locale; /* C: the comma of others is no point */
};

namespace
{

[[noreturn]] void no_memory()
{
    fputs("json_read: out of memory\n", stderr);
    abort();
}

const char *reason_of(error_code error)
{
    switch (error) {
    case EMPTY: return "there is nothing";
    case UTF8_ERROR: return "not UTF-8";
    case UNESCAPED_CHARS: return "a control character in a string";
    case UNCLOSED_STRING: return "a string without an end";
    case STRING_ERROR: return "a malformed escape in a string";
    case NUMBER_ERROR: return "a number that is malformed or out of range";
    case DEPTH_ERROR: return "nested too deep";
    case MEMALLOC: no_memory();
    case TRAILING_CONTENT: return "something behind the document";
    default: return "malformed";
    }
}

bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* simdjson's token reaches to the next one. Form feeds and the like are no blanks of JSON. */
struct bytes trimmed(std::string_view token)
{
    while (!token.empty() && is_blank(token.back()))
        token.remove_suffix(1);
    while (!token.empty() && is_blank(token.front()))
        token.remove_prefix(1);
    return bytes_of(token.data(), token.size());
}

/* Tokens come in the order of the document, so each octet is looked at once. */
unsigned line_of(json_reader *r, std::string_view token)
{
    if (!r->records)
        return 0;
    struct bytes rest = bytes_of(r->padded + r->counted, size_t(token.data() - r->padded) - r->counted);
    r->counted += rest.len;
    for (size_t at; (at = bytes_find(rest, '\n')) < rest.len; rest = bytes_from(rest, at + 1))
        r->line++;
    return r->line;
}

void tell(json_reader *r, struct json_value *value, unsigned line)
{
    value->line = line;
    r->ended = !r->visit(r->to, bytes_of(r->path, r->path_len), value);
}

void append(json_reader *r, std::string_view text)
{
    memcpy(r->path + r->path_len, text.data(), text.size());
    r->path_len += text.size();
}

size_t digits(struct bytes *rest)
{
    size_t n = 0;
    while (n < rest->len && rest->at[n] >= '0' && rest->at[n] <= '9')
        n++;
    *rest = bytes_from(*rest, n);
    return n;
}

bool skip(struct bytes *rest, const char *one_of)
{
    bool found = rest->len && strchr(one_of, rest->at[0]); /* there is no NUL in a document */
    *rest = bytes_from(*rest, found);
    return found;
}

/* RFC 8259, 6. */
bool is_number(struct bytes rest, bool *whole)
{
    skip(&rest, "-");
    bool zero = rest.len && rest.at[0] == '0';
    size_t before = digits(&rest);
    if (before == 0 || (zero && before > 1))
        return false;
    *whole = rest.len == 0;
    if (skip(&rest, ".") && digits(&rest) == 0)
        return false;
    if (skip(&rest, "eE")) {
        skip(&rest, "+-");
        if (digits(&rest) == 0)
            return false;
    }
    return rest.len == 0;
}

bool read_integer(struct bytes text, int64_t *out)
{
    bool negative = skip(&text, "-");
    int64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        int digit = text.at[i] - '0';
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, negative ? -digit : digit, &number))
            return false;
    }
    *out = number;
    return true;
}

/* What follows `text` in memory is no part of a number, so that libc stops there. */
error_code read_number(json_reader *r, struct bytes text, unsigned line)
{
    struct json_value value = {};
    value.kind = JSON_NUMBER;
    value.text = text;
    if (!is_number(text, &value.integer))
        return NUMBER_ERROR;
    value.integer = value.integer && read_integer(text, &value.number);
    value.real =
        value.integer ? double(value.number) : strtod_l(reinterpret_cast<const char *>(text.at), nullptr, r->locale);
    if (std::isinf(value.real))
        return NUMBER_ERROR;
    tell(r, &value, line);
    return SUCCESS;
}

error_code read_word(json_reader *r, struct bytes text, unsigned line)
{
    struct json_value value = {};
    bool null = bytes_equal(text, bytes_text("null"));
    value.kind = null ? JSON_NULL : JSON_BOOL;
    value.boolean = bytes_equal(text, bytes_text("true"));
    if (!null && !value.boolean && !bytes_equal(text, bytes_text("false")))
        return TAPE_ERROR;
    tell(r, &value, line);
    return SUCCESS;
}

/* simdjson finds numbers and words, but is not asked what they are: 3.0.1 cuts a document that is an integer off behind
 * int64_t, takes many decimals for another number, and takes " null1 " for null. */
error_code read_bare(json_reader *r, ondemand::json_type type, struct bytes text, unsigned line)
{
    return type == ondemand::json_type::number ? read_number(r, text, line) : read_word(r, text, line);
}

/* Of a document that is one, or of a value in one: simdjson has a type for each, with the same names. */
template <class from> error_code read_string(json_reader *r, from &v, unsigned line)
{
    struct json_value value = {};
    std::string_view text;
    SIMDJSON_TRY(v.get_string().get(text));
    value.kind = JSON_STRING;
    value.text = bytes_of(text.data(), text.size());
    tell(r, &value, line);
    return SUCCESS;
}

error_code walk(json_reader *r, ondemand::value v);

error_code walk_array(json_reader *r, ondemand::array array, unsigned line)
{
    bool any = false;
    append(r, "[]");
    for (auto element : array) {
        any = true;
        ondemand::value v;
        SIMDJSON_TRY(element.get(v));
        SIMDJSON_TRY(walk(r, v));
        if (r->ended)
            return SUCCESS;
    }
    r->path_len -= 2;
    struct json_value empty = {};
    empty.kind = JSON_ARRAY;
    if (!any)
        tell(r, &empty, line);
    return SUCCESS;
}

error_code walk_object(json_reader *r, ondemand::object object, unsigned line)
{
    bool any = false;
    size_t outside = r->path_len;
    for (auto member : object) {
        any = true;
        ondemand::field field;
        std::string_view key;
        SIMDJSON_TRY(std::move(member).get(field));
        SIMDJSON_TRY(field.unescaped_key().get(key));
        append(r, r->depth > 1 ? "." : "");
        append(r, key);
        SIMDJSON_TRY(walk(r, field.value()));
        if (r->ended)
            return SUCCESS;
        r->path_len = outside;
    }
    struct json_value end = {};
    end.kind = JSON_OBJECT;
    if (!any || r->records)
        tell(r, &end, line);
    return SUCCESS;
}

/* Recursive, no deeper than JSON_READ_DEPTH_MAX. */
error_code walk(json_reader *r, ondemand::value v)
{
    ondemand::json_type type;
    SIMDJSON_TRY(v.type().get(type));
    bool array = type == ondemand::json_type::array;
    std::string_view token = v.raw_json_token();
    unsigned line = line_of(r, token);
    if (type == ondemand::json_type::string)
        return read_string(r, v, line);
    if (!array && type != ondemand::json_type::object) {              /* the iteration steps over the token */
        bool cut = token.data() + token.size() == r->padded + r->len; /* of a cut document: half a number, maybe */
        return cut ? INCOMPLETE_ARRAY_OR_OBJECT : read_bare(r, type, trimmed(token), line);
    }
    if (r->depth == JSON_READ_DEPTH_MAX)
        return DEPTH_ERROR;
    r->depth++;
    if (array) {
        ondemand::array a;
        SIMDJSON_TRY(v.get_array().get(a));
        SIMDJSON_TRY(walk_array(r, a, line));
    } else {
        ondemand::object o;
        SIMDJSON_TRY(v.get_object().get(o));
        SIMDJSON_TRY(walk_object(r, o, line));
    }
    r->depth--;
    return SUCCESS;
}

/* The document to its end, unless a visit ended it. */
error_code walk_document(json_reader *r, ondemand::document &document)
{
    ondemand::json_type type;
    SIMDJSON_TRY(document.type().get(type));
    if (type == ondemand::json_type::string) {
        SIMDJSON_TRY(read_string(r, document, r->line));
    } else if (type == ondemand::json_type::array || type == ondemand::json_type::object) {
        ondemand::value v;
        SIMDJSON_TRY(document.get_value().get(v));
        SIMDJSON_TRY(walk(r, v));
    } else {
        return read_bare(r, type, trimmed({r->padded, r->len}), r->line);
    }
    bool more = !document.current_location().error();
    return more && !r->ended ? TRAILING_CONTENT : SUCCESS;
}

void reserve(json_reader *r, size_t octets)
{
    if (r->room >= octets && r->padded)
        return;
    size_t room = octets > 2 * r->room ? octets : 2 * r->room;
    if (room < ROOM_MIN)
        room = ROOM_MIN;
    free(r->padded);
    free(r->path);
    r->padded = static_cast<char *>(malloc(room + SIMDJSON_PADDING));
    r->path = static_cast<char *>(malloc(room + 2 * JSON_READ_DEPTH_MAX)); /* "[]" and "." are longer than "[" */
    if (!r->padded || !r->path || r->parser.allocate(room))
        no_memory();
    r->room = room;
}

bool refuse(const json_reader *r, ondemand::document &document, error_code error, struct fail *why)
{
    const char *at = nullptr;
    if (document.current_location().get(at))
        return fail_set(why, "%s at the end", reason_of(error));
    return fail_set(why, "octet %zu: %s", size_t(at - r->padded), reason_of(error));
}

} // namespace

extern "C" struct json_reader *json_reader_new(void)
{
    json_reader *r = new (std::nothrow) json_reader();
    if (r)
        r->locale = newlocale(LC_ALL_MASK, "C", nullptr);
    if (!r || !r->locale)
        no_memory();
    return r;
}

namespace
{

bool read_document(json_reader *r, struct bytes document, size_t octets_max, struct fail *why)
{
    if (document.len > octets_max)
        return fail_set(why, "%zu octets; JSON is read up to %zu", document.len, octets_max);
    if (bytes_start_with(document, "\xef\xbb\xbf"))
        return fail_set(why, "octet 0: a byte order mark");
    if (size_t at = bytes_find(document, 0); at < document.len)
        return fail_set(why, "octet %zu: NUL", at);
    reserve(r, document.len);
    if (document.len)
        memcpy(r->padded, document.at, document.len);
    memset(r->padded + document.len, 0, SIMDJSON_PADDING);
    r->len = document.len;
    r->path_len = 0;
    r->depth = 0;
    r->ended = false;
    r->line = r->records;
    r->counted = 0;

    ondemand::document found;
    error_code error = r->parser.iterate(r->padded, document.len, document.len + SIMDJSON_PADDING).get(found);
    if (error)
        return fail_set(why, "%s", reason_of(error));
    error = walk_document(r, found);
    return !error || refuse(r, found, error, why);
}

} // namespace

extern "C" bool json_read(struct json_reader *r, struct bytes document, json_visit *visit, void *to, struct fail *why)
{
    r->visit = visit;
    r->to = to;
    r->records = false;
    return read_document(r, document, JSON_READ_OCTETS_MAX, why);
}

extern "C" bool json_read_records(struct json_reader *r, struct bytes document, json_visit *visit, void *to,
                                  struct fail *why)
{
    r->visit = visit;
    r->to = to;
    r->records = true;
    return read_document(r, document, JSON_READ_RECORDS_OCTETS_MAX, why);
}

extern "C" void json_reader_free(struct json_reader *r)
{
    if (!r)
        return;
    free(r->padded);
    free(r->path);
    freelocale(r->locale);
    delete r;
}
