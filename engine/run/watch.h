/*
 * watch: hears what a publisher tells, notices what it missed, and fetches it.
 *
 * A topic's `seq` goes up by one. A number that was passed over (libzmq drops silently for who reads slowly), or a
 * heartbeat that knows a higher one, is a gap: it is asked for at the replay endpoint, and what comes is shown as what
 * it is. What a topic told before the watch began is not missing, nor is what was not asked for: a heartbeat names all
 * topics of its tier, whichever of them we hear.
 *
 * A publisher beats once a second, for each tier. Where no heartbeat comes for WATCH_QUIET_NS, it is away, or the way
 * to it: that is said once, and once more when it is heard again, with how long it was not. ZeroMQ connects again by
 * itself, and the heartbeat that then comes shows what was missed.
 *
 * Owner: one thread.
 */
#ifndef VIGIA_RUN_WATCH_H
#define VIGIA_RUN_WATCH_H

#include "base/json_read.h"
#include "base/table.h"
#include "base/zmtp.h"

enum { WATCH_TOPICS_MAX = 65536, WATCH_TOPIC_OCTETS = 128, WATCH_ENDPOINT_SHOWN = 256 };

#define WATCH_QUIET_NS (INT64_C(5) * 1000000000)

struct watch_topic {
    char name[WATCH_TOPIC_OCTETS];
    uint64_t seen;  /* the last seq that was shown, or passed before the watch began */
    uint64_t asked; /* up to which a gap was asked for */
};

struct watch {
    struct zmtp_socket *telling;
    struct zmtp_socket *asking; /* NULL: gaps are only said */
    const char *endpoint;       /* that we hear, for who is told that it is silent */
    char *const *prefixes;      /* of the topics that are asked for */
    int prefix_count;           /* 0: all */
    struct json_reader *json;
    struct table table;
    struct watch_topic *topics;
    uint32_t count;
    uint64_t missed;  /* publications that were not told to us */
    uint64_t fetched; /* of them, fetched since */
    uint8_t tiers;    /* whose heartbeats came, a bit each */
    uint8_t tier;     /* the bit of the heartbeat at hand */
    int64_t heard_ns; /* monotonic; when the last heartbeat came; 0: none yet */
    int64_t begun_ns; /* of the first turn */
    bool away;        /* it was said that none comes */
    void (*show)(void *to, struct bytes topic, struct bytes json, bool fetched);
    void (*say)(void *to, const char *text); /* of gaps, and of silence */
    void *to;
};

void watch_init(struct watch *w);

/* Works off what has come; true when something had. */
bool watch_turn(struct watch *w, int64_t now_ns);

void watch_clear(struct watch *w); /* not the sockets */

#endif
