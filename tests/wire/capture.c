/*
 * libpcap is the judge: every capture that it can read, vigia reads frame by frame the same.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/capture.h"

#define DATA "../shared/data/"

/* LINKTYPE_ values whose DLT_ on Linux is another (pcap-common.c). */
static const struct {
    int link, dlt;
} dlts[] = {{50, DLT_PPP_SERIAL}, {100, DLT_ATM_RFC1483}, {101, DLT_RAW}, {102, DLT_SLIP_BSDOS}, {103, DLT_PPP_BSDOS}};

/*
 * Where we differ on purpose:
 *   over the snap length     libpcap cuts a record to the snap length that the file's header names; we give what the
 *                            record holds, since header and records are often written by different programs
 *   interfaces that differ   libpcap ends a pcapng at the first interface whose link type or snap length is not the
 *                            first one's; we go on
 *   numbers of time          libpcap reads a pcap's seconds and fractions as signed; the draft has them unsigned
 *   no time                  a simple packet block has none: 1970 for libpcap, the time of the frame before for us
 */
static const int64_t signed_ns[] = {INT64_C(1) << 32, (INT64_C(1) << 32) * 1000, (INT64_C(1) << 32) * 1000000000};

static bool time_agrees(int64_t theirs, int64_t ours, int64_t before)
{
    bool agrees = theirs == ours || (theirs == 0 && ours == before);
    for (size_t i = 0; i < sizeof signed_ns / sizeof *signed_ns; i++)
        agrees |= ours - theirs == signed_ns[i];
    return agrees;
}

static struct bytes file_octets(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return bytes_of(NULL, 0);
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    uint8_t *at = malloc(len ? len : 1);
    cr_assert_eq(fread(at, 1, len, f), len, "%s", path);
    fclose(f);
    return bytes_of(at, len);
}

static int dlt_of(uint16_t link)
{
    for (size_t i = 0; i < sizeof dlts / sizeof *dlts; i++)
        if (dlts[i].link == link)
            return dlts[i].dlt;
    return link;
}

/* The first frame that differs, in words; NULL when none does. */
static const char *difference(pcap_t *p, struct capture_walk *w, uint64_t *total)
{
    static char text[1024];
    struct frame f;
    uint64_t frames = 0;
    int64_t before_ns = 0;
    for (;;) {
        struct pcap_pkthdr *head;
        const u_char *octets;
        int theirs = pcap_next_ex(p, &head, &octets);
        bool ours = capture_next(w, &f) == CAPTURE_FRAME;
        if (theirs < 0 && !ours)
            return NULL;
        if (theirs < 0 || !ours) {
            bool explained = theirs == PCAP_ERROR && strstr(pcap_geterr(p), "different from the type of the first");
            explained |= theirs == PCAP_ERROR && strstr(pcap_geterr(p), "different from the snapshot length");
            if (explained)
                return NULL;
            snprintf(text, sizeof text, "after %" PRIu64 " frames: libpcap %s (%s), vigia %s (%s)", frames,
                     theirs < 0 ? "ends" : "goes on", theirs == PCAP_ERROR ? pcap_geterr(p) : "",
                     ours ? "goes on" : "ends", w->damage.text);
            return text;
        }
        frames++;
        ++*total;
        int64_t time_ns = (int64_t)head->ts.tv_sec * 1000000000 + head->ts.tv_usec;
        bool cut = f.octets.len > head->caplen && head->caplen == (unsigned)pcap_snapshot(p);
        bool same = (head->caplen == f.octets.len || cut) && memcmp(octets, f.octets.at, head->caplen) == 0;
        uint32_t length = head->len > f.octets.len ? head->len : (uint32_t)f.octets.len;
        bool timely = time_agrees(time_ns, f.time_ns, before_ns);
        before_ns = f.time_ns;
        if (same && timely && length == f.wire_len && f.number == frames && dlt_of(f.link) == pcap_datalink(p))
            continue;
        snprintf(text, sizeof text,
                 "frame %" PRIu64 ": time %" PRId64 " %" PRId64
                 ", captured %u %zu, length %u %u, link %d %d, octets %s",
                 frames, time_ns, f.time_ns, head->caplen, f.octets.len, head->len, f.wire_len, pcap_datalink(p),
                 f.link, same ? "same" : "differ");
        return text;
    }
}

Test(capture, reads_every_capture_as_libpcap_does, .timeout = 120)
{
    static struct capture c;
    static struct capture_walk w;
    FILE *list = fopen(DATA "CAPTURES.tsv", "r");
    if (!list) {
        fprintf(stderr, "skipped: no shared data\n");
        cr_skip_test("skipped: no shared data");
    }
    char line[4096];
    unsigned captures = 0, refused = 0;
    uint64_t frames = 0;
    while (fgets(line, sizeof line, list)) {
        char path[4096], error[PCAP_ERRBUF_SIZE];
        snprintf(path, sizeof path, DATA "%.*s", (int)strcspn(line, "\t"), line);
        struct bytes octets = file_octets(path);
        struct fail why = {.text = ""};
        if (!record_probe(octets)) { /* the header line of the list; packed captures */
            free((void *)(uintptr_t)octets.at);
            continue;
        }
        bool ours = capture_open(&c, octets, &why);
        pcap_t *p = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);
        if (p && ours) {
            capture_walk_begin(&w, &c, (struct capture_refill){.next = NULL});
            const char *differs = difference(p, &w, &frames);
            cr_expect_null(differs, "%s: %s", path, differs);
            captures++;
        } else {
            cr_expect(!p, "%s: libpcap opens it, vigia does not: %s", path, why.text);
            refused++;
        }
        if (p)
            pcap_close(p);
        free((void *)(uintptr_t)octets.at);
    }
    fclose(list);
    fprintf(stderr, "%u captures, %" PRIu64 " frames; %u that libpcap does not open\n", captures, frames, refused);
    cr_expect_gt(captures, 1000);
}
