/*
 * libpcap makes the ring; the socket option behind it shares packets out. The program of the fan-out hashes the address
 * pair: the words of both addresses are added, so direction does not matter, and then mixed.
 */
#include "wire/tap.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/socket.h>

struct tap_socket {
    pcap_t *pcap;
    uint16_t link;
    int64_t shared_ns; /* what came before was not shared out yet */
    uint64_t number;
    uint64_t heard;
    uint64_t dropped;
    uint32_t heard_at; /* libpcap's own counts are of 32 bits and wrap */
    uint32_t dropped_at;
    void (*frame)(void *to, const struct frame *f);
    void *to;
};

/* Words of the network header, in the program that shares out (classic BPF). */
#define NET(offset)  ((uint32_t)SKF_NET_OFF + (offset))
#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NET(offset))
#define KEEP         BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define SUM          BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0)
#define MIX          UINT32_C(0x9e3779b1)

static bool share_failed(struct fail *why)
{
    return fail_set(why, "packets cannot be shared out among workers (PACKET_FANOUT): %s", strerror(errno));
}

/* The first socket makes the group, under a number that nobody else has; the others join it. */
static bool join(int fd, bool first, uint16_t *group, struct fail *why)
{
    uint32_t type = PACKET_FANOUT_CBPF | (first ? PACKET_FANOUT_FLAG_UNIQUEID : 0);
    uint32_t ask = (first ? 0 : *group) | type << 16;
    socklen_t len = sizeof ask;
    if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &ask, sizeof ask) != 0)
        return share_failed(why);
    if (first && getsockopt(fd, SOL_PACKET, PACKET_FANOUT, &ask, &len) != 0)
        return share_failed(why);
    *group = (uint16_t)ask;
    return true;
}

static bool share(struct tap_socket **sockets, unsigned count, struct fail *why)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, NET(0)), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 6, 5, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 29),
        /* IPv4 */
        LOAD(12), KEEP, LOAD(16), BPF_STMT(BPF_JMP | BPF_JA, 21),
        /* IPv6 */
        LOAD(8), KEEP, LOAD(12), SUM, KEEP, LOAD(16), SUM, KEEP, LOAD(20), SUM, KEEP, LOAD(24), SUM, KEEP, LOAD(28),
        SUM, KEEP, LOAD(32), SUM, KEEP, LOAD(36),
        /* both */
        SUM, BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, MIX), BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
        BPF_STMT(BPF_RET | BPF_A, 0), BPF_STMT(BPF_RET | BPF_K, 0), /* no IP: the first */
    };
    struct sock_fprog sharing = {.len = sizeof program / sizeof *program, .filter = program};
    uint16_t group = 0;
    for (unsigned i = 0; i < count; i++)
        if (!join(pcap_fileno(sockets[i]->pcap), i == 0, &group, why))
            return false;
    if (setsockopt(pcap_fileno(sockets[0]->pcap), SOL_PACKET, PACKET_FANOUT_DATA, &sharing, sizeof sharing) != 0)
        return share_failed(why);
    return true;
}

static bool set_filter(pcap_t *pcap, const char *filter, struct fail *why)
{
    struct bpf_program program;
    if (!filter || !*filter)
        return true;
    if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
        return fail_set(why, "filter: %s", pcap_geterr(pcap));
    bool set = pcap_setfilter(pcap, &program) == 0;
    pcap_freecode(&program);
    return set || fail_set(why, "filter: %s", pcap_geterr(pcap));
}

bool tap_filter_check(const char *filter, struct fail *why)
{
    struct bpf_program program;
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, TAP_SNAP);
    bool good = pcap && pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) == 0;
    if (good)
        pcap_freecode(&program);
    else
        fail_set(why, "%s", pcap ? pcap_geterr(pcap) : "out of memory");
    if (pcap)
        pcap_close(pcap);
    return good;
}

/* libpcap gives link types as its own DLT_ numbers, which differ from those of files for raw IP alone. */
static uint16_t link_of(pcap_t *pcap)
{
    int link = pcap_datalink(pcap);
    return link == DLT_RAW ? 101 : (uint16_t)link;
}

static struct tap_socket *open_one(const struct tap_settings *t, struct fail *why)
{
    char reason[PCAP_ERRBUF_SIZE];
    struct tap_socket *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->pcap = pcap_create(t->interface, reason);
    if (!s->pcap) {
        fail_set(why, "%s", reason);
        free(s);
        return NULL;
    }
    pcap_set_snaplen(s->pcap, TAP_SNAP);
    pcap_set_promisc(s->pcap, t->promiscuous);
    pcap_set_timeout(s->pcap, TAP_READ_MS);
    pcap_set_buffer_size(s->pcap, (int)(t->buffer_octets < INT32_MAX ? t->buffer_octets : INT32_MAX));
    pcap_set_tstamp_precision(s->pcap, PCAP_TSTAMP_PRECISION_NANO);
    int status = pcap_activate(s->pcap);
    if (status < 0) {
        const char *more = pcap_geterr(s->pcap);
        const char *what = pcap_statustostr(status); /* which may be all that there is to say */
        bool twice = strncmp(more, what, strlen(what)) == 0;
        fail_set(why, "%s%s%s", twice ? "" : what, *more && !twice ? ": " : "", more);
    } else if (pcap_setnonblock(s->pcap, 1, reason) != 0) {
        fail_set(why, "%s", reason);
    } else if (set_filter(s->pcap, t->filter, why)) {
        s->link = link_of(s->pcap);
        return s;
    }
    tap_close(s);
    return NULL;
}

bool tap_open(const struct tap_settings *settings, struct tap_socket **sockets, unsigned count, struct fail *why)
{
    unsigned opened = 0;
    while (opened < count && (sockets[opened] = open_one(settings, why)))
        opened++;
    bool good = opened == count && (count == 1 || share(sockets, count, why));
    for (unsigned i = 0; i < opened && !good; i++)
        tap_close(sockets[i]);
    return good || fail_at(why, "%s", settings->interface);
}

void tap_begin(struct tap_socket *s, int64_t now_ns)
{
    s->shared_ns = now_ns;
}

static void on_frame(uint8_t *user, const struct pcap_pkthdr *head, const uint8_t *octets)
{
    struct tap_socket *s = (struct tap_socket *)user;
    int64_t time_ns = (int64_t)head->ts.tv_sec * 1000000000 + head->ts.tv_usec; /* of nanosecond precision */
    if (time_ns < s->shared_ns)
        return;
    struct frame f = {.time_ns = time_ns,
                      .number = ++s->number,
                      .wire_len = head->len > head->caplen ? head->len : head->caplen,
                      .link = s->link,
                      .octets = bytes_of(octets, head->caplen)};
    s->frame(s->to, &f);
}

enum tap_verdict tap_read(struct tap_socket *s, unsigned max, void (*frame)(void *to, const struct frame *f), void *to)
{
    s->frame = frame;
    s->to = to;
    int n = pcap_dispatch(s->pcap, (int)max, on_frame, (uint8_t *)s);
    return n > 0 ? TAP_FRAMES : n == 0 ? TAP_NOTHING : TAP_GONE;
}

int tap_descriptor(const struct tap_socket *s)
{
    return pcap_get_selectable_fd(s->pcap);
}

void tap_counts(struct tap_socket *s, uint64_t *heard, uint64_t *dropped)
{
    struct pcap_stat stat;
    if (pcap_stats(s->pcap, &stat) == 0) {
        s->heard += (uint32_t)(stat.ps_recv - s->heard_at);
        s->dropped += (uint32_t)(stat.ps_drop - s->dropped_at);
        s->heard_at = stat.ps_recv;
        s->dropped_at = stat.ps_drop;
    }
    *heard = s->heard;
    *dropped = s->dropped;
}

void tap_close(struct tap_socket *s)
{
    if (!s)
        return;
    pcap_close(s->pcap);
    free(s);
}
