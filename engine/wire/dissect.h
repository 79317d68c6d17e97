/*
 * dissect: the TABLE of application protocols, recognised by content and not by port.
 *
 * A dissector says whether octets begin as its protocol does, reads datagrams whole, and reads streams message by
 * message: it is shown the octets that it has not used yet, and says how many it used. What it needs more of is
 * gathered (at most DISSECT_PENDING_MAX octets a side) and shown again when more has come.
 *
 * Behind octets that are nothing known encryption may still begin (STARTTLS of a protocol without dissector): it
 * is looked for where segments begin, in the first DISSECT_STRANGE_MAX octets of a side.
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
    DISSECT_CID_MAX = 20,
    DISSECT_STRANGE_MAX = 16 * 1024,
    DISSECT_AWAITED = 16, /* data connections of FTP that wait for their first octet, in one shard */
};

/* What a flow remembers for its dissector. Zeroed: nothing is known yet. */
struct dissect_side {
    uint8_t *pending;
    uint32_t len;
    uint32_t cap;
    uint64_t skip;     /* octets to pass over before the next message */
    uint32_t looked;   /* the dissector's own: octets of this message that it has looked through in vain */
    uint32_t gathered; /* the dissector's own, like `inside`; 0 after a hole */
    uint32_t inside;
    uint32_t strange; /* octets that were nothing known */
    uint8_t phase;    /* the dissector's own; 0 at the begin of a message */
    bool lost;        /* after a hole: passes over everything until a message begins where a segment begins */
    bool waits;       /* and until the other side is known to speak another protocol */
    bool unsure;      /* what is pending may begin a protocol, and it is not known which */
    bool off;         /* of no more interest */
    bool owes;        /* the flow's end may tell of something that this side sent */
};

struct dissect_flow {
    const struct dissector *is; /* NULL: not known (yet) */
    struct dissect_side side[2];
    void *state; /* the dissector's own, of the shard's budget; `end` frees it */
    union {
        struct {
            uint32_t asked[DISSECT_ASKED]; /* DNS: questions that wait for their answers */
            uint8_t asked_next;
        };
        struct { /* FTP: the end of the data connection that was announced last */
            uint16_t data_port;
            uint8_t data_side;
        };
        struct { /* QUIC: who is the client, and what the keys of the first packets are made of */
            uint8_t cid[DISSECT_CID_MAX];
            uint8_t cid_len;
            uint8_t quic; /* 0: not known yet; else which version, counted from 1 */
            uint8_t client;
        };
    };
};

/* A connection that another one announced: an end of it, and whom that talks with. */
struct dissect_awaited {
    const struct dissector *is; /* NULL: none */
    struct address at;
    struct address with;
    uint16_t port; /* of `at` */
};

/* What all flows of a shard may gather, and what they have announced: the last DISSECT_AWAITED connections. */
struct dissect_budget {
    size_t held;
    size_t max;
    struct dissect_awaited awaited[DISSECT_AWAITED];
    unsigned awaited_next;
    unsigned awaited_count;
};

/* A dissector's view of the moment. */
struct dissection {
    struct flow_view *view;
    struct dissect_flow *flow;
    const struct sighting *at;
    const struct sink *sink;
    struct wire_counts *counts;
    struct dissect_budget *budget;
    int side;    /* whose octets: 0 the flow's src */
    uint8_t fin; /* bit of each side that said that it has sent everything */
    char *room;  /* DISSECT_PENDING_MAX octets of scratch */
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
    /* Octets of this side are missing: what it was in the middle of will never be whole. May be NULL. */
    void (*hole)(struct dissection *d);
    /* The flow, or this protocol in it (dissect_again), ends, both sides: frees `state` and sets it to NULL. NULL of
     * those who keep none. */
    void (*end)(struct dissection *d);
};

extern const struct dissector *const dissectors[]; /* ends with NULL; in the order of the probes */

void dissect_datagram(struct dissection *d, struct bytes payload);
void dissect_stream(struct dissection *d, struct bytes octets, bool gap);

/* The flow ends: what is left over is read as far as it goes, memory is freed. */
void dissect_end(struct dissection *d);

/* Whether the flow's payload is known to be encrypted. */
bool dissect_is_encrypted(const struct dissect_flow *f);

/* Whether the flow's end may still tell of something. */
bool dissect_owes(const struct dissect_flow *f);

/* Whether anybody still wants the stream of this flow. */
bool dissect_wants_stream(const struct dissect_flow *f);

/* For dissectors: the other protocol that begins now (after CONNECT, STARTTLS) is to be found out anew, from this side:
 * the other one still answers in the old protocol, and is heard again where a segment of it begins as the new one. */
void dissect_again(struct dissection *d);

/* For dissectors of datagrams, which may keep what they gather in their side's `pending`: room for `len` octets there,
 * those in use (`len` of the side) stay; false when the budget does not grant it. And none of it any more. */
bool dissect_room(struct dissection *d, size_t len);
void dissect_forget(struct dissection *d);

/* For dissectors: tell the sink of a value. `raw` is as it stood in the packet; what has no canonical form is counted
 * and not told. A host is a name or an address, perhaps with a port. A URL also tells of the host in it. */
void dissect_name(struct dissection *d, enum where where, struct bytes name, struct bytes raw, bool ech);
void dissect_host(struct dissection *d, enum where where, struct bytes host);
void dissect_address(struct dissection *d, enum where where, const struct address *a, struct bytes raw);
void dissect_endpoint(struct dissection *d, enum where where, const struct address *a, uint16_t port, struct bytes raw);
void dissect_url(struct dissection *d, enum where where, struct bytes url, struct bytes raw, bool host_too);
void dissect_email(struct dissection *d, enum where where, struct bytes email, struct bytes raw);
void dissect_text(struct dissection *d, enum observable_type type, enum where where, struct bytes text);

/* A value that is canonical already, made by us: a digest, a fingerprint. */
void dissect_value(struct dissection *d, enum observable_type type, enum where where, struct bytes value,
                   struct bytes raw);

extern const struct dissector dissector_dns;      /* dns.c */
extern const struct dissector dissector_dtls;     /* dtls.c */
extern const struct dissector dissector_ftp;      /* ftp.c */
extern const struct dissector dissector_ftp_data; /* ftp.c: known by its endpoints, in no table */
extern const struct dissector dissector_http;     /* http.c */
extern const struct dissector dissector_imap;     /* imap.c */
extern const struct dissector dissector_pop3;     /* pop3.c */
extern const struct dissector dissector_quic;     /* quic.c */
extern const struct dissector dissector_smb2;     /* smb2.c */
extern const struct dissector dissector_smtp;     /* smtp.c */
extern const struct dissector dissector_socks;    /* socks.c */
extern const struct dissector dissector_ssh;      /* ssh.c */
extern const struct dissector dissector_tls;      /* tls.c */

#endif
