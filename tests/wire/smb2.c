#include "hear.h"

/* A CREATE ([MS-SMB2], 2.2.13) of a name, its last option that of folders; `next`: 8 octets of filling, and another. */
static void put_create(struct buffer *b, const char *const *units, size_t count, bool folder, bool next, bool reply)
{
    struct buffer name = {.at = NULL};
    for (size_t i = 0; i < count; i++)
        put_hex(&name, units[i]);
    size_t len = 64 + 56 + name.len;
    put_hex(b, "fe534d42 4000 0000 00000000 0500 0100");
    put8(b, reply);
    put_hex(b, "000000");
    put8(b, next ? (unsigned)len : 0);
    put_hex(b, "000000 0000000000000000 00000000 00000000 0000000000000000");
    put_hex(b, "00000000000000000000000000000000");
    put_hex(b, "3900 00 00 02000000 0000000000000000 0000000000000000 00000000 00000000 00000000 00000000");
    put8(b, folder);
    put_hex(b, "000000 7800");
    put8(b, (unsigned)name.len);
    put_hex(b, "00 00000000 00000000");
    put_bytes(b, buffer_bytes(&name));
    buffer_free(&name);
}

static void put_frame(struct buffer *b, struct bytes messages, size_t more)
{
    put32(b, (uint32_t)(messages.len + more));
    put_bytes(b, messages);
}

static const char *const exe[] = {"6400 5c00", "6100", "2e00", "6500 7800 6500"}; /* d\a.exe */
static const char *const wide[] = {"e100", "ac20", "3dd8 00de", "3dd8",
                                   "2e00 7800"}; /* á, the euro, a face, half a one */

#define EXE  "file.name file-name a.exe\n"
#define WIDE "file.name file-name \xc3\xa1\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd.x\n"

Test(smb2, tells_of_files_in_pieces_and_chains)
{
    struct buffer m = {.at = NULL}, b = {.at = NULL};
    put_create(&m, exe, 4, false, true, false);
    put_create(&m, wide, 5, false, false, false);
    put_frame(&b, buffer_bytes(&m), 0);
    buffer_clear(&m);
    put_create(&m, exe, 4, true, false, false);
    put_frame(&b, buffer_bytes(&m), 0);
    buffer_clear(&m);
    put_create(&m, exe, 4, false, false, true);
    put_frame(&b, buffer_bytes(&m), 0);
    for (size_t piece = 1; piece < b.len; piece += 1 + piece / 5) {
        struct talk t;
        const char *told = talk_pieces(&t, buffer_bytes(&b), piece);
        cr_expect_str_eq(told, EXE WIDE, "pieces of %zu: %s", piece, told);
        cr_expect_eq(t.counts.smb2, 4);
        talk_clear(&t);
    }
    buffer_free(&m);
    buffer_free(&b);
}

Test(smb2, passes_over_data)
{
    struct buffer m = {.at = NULL}, b = {.at = NULL};
    put_create(&m, exe, 4, false, false, false);
    put_frame(&b, buffer_bytes(&m), 100000);
    for (int i = 0; i < 100000; i++)
        put8(&b, 0xfe);
    put_frame(&b, buffer_bytes(&m), 0);
    struct talk t;
    cr_expect_str_eq(talk_pieces(&t, buffer_bytes(&b), 1460), EXE EXE);
    talk_clear(&t);
    buffer_free(&m);
    buffer_free(&b);
}

static const struct {
    const char *hex;
    enum probe verdict;
} probes[] = {
    {"00000100 fe534d42", PROBE_YES}, {"00000100 ff534d42", PROBE_YES}, {"000001", PROBE_MORE},
    {"00000100 fe53", PROBE_MORE},    {"00000100 fe534d43", PROBE_NO},  {"81000044 20", PROBE_YES},
    {"81000045 20", PROBE_NO},
};

Test(smb2, is_known_by_its_begin)
{
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        struct buffer b = {.at = NULL};
        put_hex(&b, probes[i].hex);
        cr_expect_eq(dissector_smb2.probe(buffer_bytes(&b), DISSECT_TCP), probes[i].verdict, "%s", probes[i].hex);
        buffer_free(&b);
    }
}
