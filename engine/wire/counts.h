/*
 * counts: every number that the wire keeps, one list: name, what it says.
 *
 * Plain numbers of one worker; whoever shows them sums over workers.
 */
#ifndef VIGIA_WIRE_COUNTS_H
#define VIGIA_WIRE_COUNTS_H

#include <stdint.h>

#define WIRE_COUNTS(X)                                                                                                 \
    X(packets, "packets decoded to addresses")                                                                         \
    X(octets, "their captured octets")                                                                                 \
    X(octets_cut, "octets that the snap length cut away")                                                              \
    X(link_unknown, "frames of a link type not understood")                                                            \
    X(not_ip, "frames that are not IP")                                                                                \
    X(cut, "frames cut before their addresses")                                                                        \
    X(malformed, "frames with a header that cannot be")                                                                \
    X(headless, "packets whose transport header is cut or malformed")                                                  \
    X(fragments, "IP fragments (only the first one's payload is read)")                                                \
    X(flows, "flows")                                                                                                  \
    X(flows_evicted, "flows ended early because the table was full")                                                   \
    X(stream_gaps, "holes in TCP streams that were given up")                                                          \
    X(stream_pressed, "of them, for want of memory")                                                                   \
    X(octets_payload, "octets of transport payload")                                                                   \
    X(octets_encrypted, "of them, in flows known to be encrypted")                                                     \
    X(octets_unknown, "of them, in flows whose protocol is not known")                                                 \
    X(dns, "DNS messages")                                                                                             \
    X(dns_refused, "DNS messages that are malformed or cut, read as far as they go")                                   \
    X(http, "HTTP/1 requests")                                                                                         \
    X(http_refused, "HTTP/1 requests that are malformed or cut, read as far as they go")                               \
    X(tls, "TLS client hellos")                                                                                        \
    X(tls_refused, "TLS client hellos that are malformed or cut, read as far as they go")                              \
    X(pending_full, "messages too long to be gathered")                                                                \
    X(values_refused, "names, URLs and addresses that are none")

#define WIRE_COUNT_MEMBER(name, about) uint64_t name;
struct wire_counts {
    WIRE_COUNTS(WIRE_COUNT_MEMBER)
};
#undef WIRE_COUNT_MEMBER

#endif
