/*
 * walk: how fast can a capture be read at all? Maps the file, cuts it into frames and touches the octets of each where
 * Ethernet, IP and TCP have their headers. What vigia takes beyond this, it takes for knowing something.
 */
#include "base/unpack.h"
#include "measure.h"
#include "wire/record.h"

enum { HEADERS_OCTETS = 64, STEP_OCTETS = 16 };

static volatile uint64_t touched; /* so that no compiler leaves the touching out */

static uint64_t touch(struct bytes octets)
{
    struct bytes headers = bytes_until(octets, HEADERS_OCTETS);
    uint64_t sum = 0;
    for (size_t i = 0; i < headers.len; i += STEP_OCTETS)
        sum += headers.at[i];
    return sum;
}

static bool walk(struct bytes capture, struct measured *out, struct fail *why)
{
    struct cursor c = cursor_of(capture);
    struct record_reader reader;
    struct frame frame;
    uint64_t sum = 0;
    if (!record_begin(&reader, &c, why))
        return false;
    for (;;) {
        switch (record_next(&reader, &c, &frame, why)) {
        case RECORD_FRAME: break;
        case RECORD_BROKEN: return false;
        case RECORD_MORE: touched = sum; return !cursor_left(&c) || fail_set(why, "truncated");
        }
        sum += touch(frame.octets);
        out->things++;
        out->octets += frame.octets.len;
    }
}

static bool ask(const char *path, struct measured *out, struct fail *why)
{
    struct unpack file;
    if (!unpack_file(&file, path, UNPACK_BYTES_MAX, why))
        return false;
    bool whole = file.count == 1 ? walk(file.parts[0].content, out, why) : fail_set(why, "expected one capture");
    unpack_free(&file);
    return whole;
}

int main(int argc, char **argv)
{
    return measure("walk", "packets", ask, argc, argv);
}
