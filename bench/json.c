/*
 * json: how fast can lines of JSON be read at all? Maps the file, finds each line, and lets simdjson walk every value
 * of it, which nobody looks at.
 */
#include "base/json_read.h"
#include "base/text.h"
#include "base/unpack.h"
#include "measure.h"

static bool pass(void *to, struct bytes path, const struct json_value *value)
{
    (void)path;
    *(uint64_t *)to += (uint64_t)value->kind;
    return true;
}

static bool ask(const char *path, struct measured *out, struct fail *why)
{
    struct unpack file;
    if (!unpack_file(&file, path, UNPACK_BYTES_MAX, why))
        return false;
    struct bytes rest = file.count ? file.parts[0].content : bytes_of("", 0), line;
    struct json_reader *reader = json_reader_new();
    uint64_t kinds = 0;
    bool good = true;
    out->octets = rest.len;
    for (; good && text_line(&rest, &line); out->things++)
        good = json_read(reader, line, pass, &kinds, why);
    json_reader_free(reader);
    unpack_free(&file);
    return good && kinds > 0;
}

int main(int argc, char **argv)
{
    return measure("json", "lines", ask, argc, argv);
}
