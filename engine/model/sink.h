/*
 * sink: to whom a wing hands on what it saw.
 *
 * The wire tells its sink of observables, of plaintext payload and of the life of flows, in the order of the packets.
 * Everything told is borrowed for the length of the call.
 *
 * Owner: one worker.
 */
#ifndef VIGIA_MODEL_SINK_H
#define VIGIA_MODEL_SINK_H

#include "model/observable.h"
#include "model/tuple.h"

/* The packet at hand. */
struct sighting {
    int64_t time_ns;
    int64_t clock_ns; /* the greatest timestamp up to this packet, over all inputs */
    uint64_t packet;  /* in its input, from 1 */
    uint32_t input;
    uint8_t part; /* which of the packet's addresses pairs, from the outermost, 0: those of tunnels, of quotes */
    bool late;  /* what waited in a flow until its end: told as if its last packet had brought it */
    bool again; /* nothing new on the wire: told once more for who did not know what to look for when it was seen */
    struct bytes frame; /* all captured octets of the packet */
};

/* What the wire knows of a flow, for others. */
struct flow_view {
    struct tuple tuple;
    enum flow_state state;
    void *watch; /* the watcher's own; while it is set, the flow's end may still tell of something */
};

struct sink {
    void *to;
    /* A value was seen. */
    void (*observable)(void *to, struct flow_view *flow, const struct sighting *at, const struct observable *o);
    /* NULL when nobody looks into payloads. The next plaintext octets of one side (0: those that the flow's src sent),
     * in order. `gap`: octets before them were lost. */
    void (*payload)(void *to, struct flow_view *flow, const struct sighting *at, int side, struct bytes octets,
                    bool gap);
    /* No more plaintext will come of this flow: it ended or its payload is encrypted. */
    void (*payload_end)(void *to, struct flow_view *flow, const struct sighting *at);
    /* The flow is over: its state is final. */
    void (*flow_end)(void *to, struct flow_view *flow);
    /* Bit (1 << OBSERVABLE_*) of each kind that anybody asks for. What is costly (digests of files, the bodies of
     * messages) is made for these only; whatever costs nothing is told anyway. */
    uint32_t kinds;
};

#endif
