/*
 * dissect: the TABLE of application protocols, recognised by content and not by port.
 *
 * A dissector says whether octets begin as its protocol does, reads datagrams whole, and reads streams message by
 * message: it is shown the octets that it has not used yet, and says how many it used. What it needs more of is
 * gathered (at most DISSECT_PENDING_MAX octets a side) and shown again when more has come.
 *
 * To add a protocol: one file with a `const struct dissector`, and one line in dissect.c.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_WIRE_DISSECT_H
#define VIGIA_WIRE_DISSECT_H

#include "model/sink.h"
#include "wire/counts.h"

enum {
    DISSECT_PENDING_MAX = 64 * 1024,
    DISSECT_PROBE_MAX = 64, /* octets after which every protocol must know its own */
    DISSECT_ASKED = 4,
};

/* What a flow remembers for its dissector. Zeroed: nothing is known yet. */
struct dissect_side {
    uint8_t *pending;
    uint32_t len;
    uint32_t cap;
    uint64_t skip;   /* octets to pass over before the next message */
    uint8_t phase;   /* the dissector's own; 0 at the begin of a message */
    uint32_t looked; /* the dissector's own: octets of this message that it has looked through in vain */
    bool lost;       /* after a hole: passes over everything until a message begins where a segment begins */
    bool off;        /* of no more interest */
};

struct dissect_flow {
    const struct dissector *is; /* NULL: not known (yet) */
    struct dissect_side side[2];
    uint32_t asked[DISSECT_ASKED]; /* DNS: questions that wait for their answers */
    uint8_t asked_next;
};

/* What all flows of a shard may gather. */
struct dissect_budget {
    size_t held;
    size_t max;
};

/* A dissector's view of the moment. */
struct dissection {
    struct flow_view *view;
    struct dissect_flow *flow;
    const struct sighting *at;
    const struct sink *sink;
    struct wire_counts *counts;
    struct dissect_budget *budget;
    int side;   /* whose octets: 0 the flow's src */
    char *room; /* DISSECT_PENDING_MAX octets of scratch */
};

enum probe { PROBE_NO, PROBE_MORE, PROBE_YES };

enum { DISSECT_TCP = 1, DISSECT_UDP = 2 };

#define DISSECT_OFF SIZE_MAX /* used all, and wants to see no more of this side */

struct dissector {
    const char *name;
    unsigned transports;
    bool encrypted; /* payload of such a flow is not plaintext */
    enum probe (*probe)(struct bytes head, unsigned transport);
    void (*datagram)(struct dissection *d, struct bytes payload);
    /* How many of `octets` were used; 0: needs more. */
    size_t (*stream)(struct dissection *d, struct bytes octets);
    /* What is left of a message that will never be whole: read it as far as it goes. May be NULL. */
    void (*rest)(struct dissection *d, struct bytes octets);
};

extern const struct dissector *const dissectors[]; /* ends with NULL; in the order of the probes */

void dissect_datagram(struct dissection *d, struct bytes payload);
void dissect_stream(struct dissection *d, struct bytes octets, bool gap);

/* The flow ends: what is left over is read as far as it goes, memory is freed. */
void dissect_end(struct dissection *d);

/* Whether the flow's payload is known to be encrypted. */
bool dissect_is_encrypted(const struct dissect_flow *f);

/* Whether anybody still wants the stream of this flow. */
bool dissect_wants_stream(const struct dissect_flow *f);

/* For dissectors: the other protocol that begins now (after CONNECT) is to be found out anew, from this side alone: the
 * other one still answers in the old protocol. */
void dissect_again(struct dissection *d);

/* For dissectors: tell the sink of a value. `raw` is as it stood in the packet; what has no canonical form is counted
 * and not told. A host is a name or an address, perhaps with a port. A URL also tells of the host in it. */
void dissect_name(struct dissection *d, enum where where, struct bytes name, struct bytes raw, bool ech);
void dissect_host(struct dissection *d, enum where where, struct bytes host);
void dissect_address(struct dissection *d, enum where where, const struct address *a, struct bytes raw);
void dissect_endpoint(struct dissection *d, enum where where, const struct address *a, uint16_t port, struct bytes raw);
void dissect_url(struct dissection *d, enum where where, struct bytes url, struct bytes raw, bool host_too);
void dissect_text(struct dissection *d, enum observable_type type, enum where where, struct bytes text);

extern const struct dissector dissector_dns;  /* dns.c */
extern const struct dissector dissector_http; /* http.c */
extern const struct dissector dissector_tls;  /* tls.c */

#endif
