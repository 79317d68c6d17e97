/*
 * listener: a worker of the daemon: hears its share of every sensor, for as long as the daemon runs.
 *
 * Of an interface it has its own socket and takes all that it hears, as copies (of a batch, at most TAP_SNAP octets),
 * since the kernel may write over a frame once its call is over; a reader's blocks it shares with the other
 * listeners, and takes its shards' frames.
 *
 * It reads the present generation before each round and is quiet between rounds, so that the old one can go; it is
 * offline while it waits. Where the herald does not keep up, streams wait: no block is taken while its ring is half
 * full. An interface does not wait; what is found there and finds no room is dropped and counted. Time passes by the
 * packets, and by the clock of the wall where an interface is silent, so that its flows end too.
 *
 * What others may read of it while it runs are counters. What it is told comes over a ring: a socket to hear.
 */
#ifndef VIGIA_RUN_LISTENER_H
#define VIGIA_RUN_LISTENER_H

#include "base/counter.h"
#include "base/swap.h"
#include "publish/encode.h"
#include "run/lane.h"
#include "run/reader.h"
#include "wire/tap.h"

enum {
    LISTENER_RING = 65536, /* findings on their way to the herald */
    LISTENER_WAIT_MS = 20,
    LISTENER_ROUND = 1024, /* frames of one socket in a round */
};

#define LISTENER_DRAIN_NS (INT64_C(3) * 1000000000) /* at the end, for what has come already */

/* One sensor as the threads know it. Immutable while they run. */
struct listening {
    struct sensor sensor;
    const char *source;    /* what findings name as the file: the interface, the folder, … */
    struct reader *reader; /* of a folder or a port, whose streams have names of their own; NULL of an interface */
    struct prefix home;
};

struct listener_job {
    const struct config *config;
    const struct listening *sensors;
    unsigned sensor_count;
    const struct swap *database; /* struct database; never empty */
    const struct swap *places;   /* struct places, or NULL */
    unsigned workers;
};

/* What a listener counts, for anybody to read. */
struct listener_counters {
#define LISTENER_COUNTER(name, about) struct counter name;
    WIRE_COUNTS(LISTENER_COUNTER)
#undef LISTENER_COUNTER
    struct counter observables, hits, repeats, told_early, matches_beyond, dropped;
    struct counter generation; /* that it works with */
};

/* Of one sensor's socket. */
struct listener_tap {
    struct counter heard;
    struct counter lost; /* by the kernel, for want of room */
    struct counter gone; /* how often the interface went away */
};

struct listener;

struct listener *listener_start(const struct listener_job *job, unsigned index);

/* Any thread but its own, one at a time: it takes over this sensor's socket. */
bool listener_give_tap(struct listener *l, unsigned sensor, struct tap_socket *socket);

/* To the herald: struct hit. */
struct ring *listener_told(struct listener *l);

const struct listener_counters *listener_counters(const struct listener *l);
const struct listener_tap *listener_tap(const struct listener *l, unsigned sensor);

/* It ends its flows, tells what they held, closes its ring and ends. */
void listener_stop(struct listener *l);
void listener_join(struct listener *l);
void listener_free(struct listener *l);

#endif
