/*
 * lines: how fast can a list of indicators be read at all? Maps the file and finds the end of each line.
 */
#include "base/text.h"
#include "base/unpack.h"
#include "measure.h"

static bool ask(const char *path, struct measured *out, struct fail *why)
{
    struct unpack file;
    if (!unpack_file(&file, path, UNPACK_BYTES_MAX, why))
        return false;
    struct bytes rest = file.count ? file.parts[0].content : bytes_of("", 0), line;
    out->octets = rest.len;
    while (text_line(&rest, &line))
        out->things++;
    unpack_free(&file);
    return true;
}

int main(int argc, char **argv)
{
    return measure("lines", "lines", ask, argc, argv);
}
