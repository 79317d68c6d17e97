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
    X(fragments, "IP fragments")                                                                                       \
    X(datagrams_joined, "IP datagrams put together of fragments")                                                      \
    X(datagrams_late, "IP datagrams given up, not whole in time")                                                      \
    X(datagrams_evicted, "IP datagrams given up, for want of memory")                                                  \
    X(fragments_overlap, "IP fragments over others: IPv4 keeps what came first, IPv6 drops the datagram")              \
    X(fragments_refused, "IP fragments that cannot be part of their datagram")                                         \
    X(fragments_cut, "IP fragments that the snap length cut, not put together")                                        \
    X(tunnelled, "packets that came through a tunnel")                                                                 \
    X(quoted, "packets quoted in ICMP errors")                                                                         \
    X(flows, "flows")                                                                                                  \
    X(flows_one_sided, "of them, flows in which one side alone was seen")                                              \
    X(flows_evicted, "flows ended early because the table was full")                                                   \
    X(stream_gaps, "holes in TCP streams that were given up")                                                          \
    X(stream_pressed, "of them, for want of memory")                                                                   \
    X(octets_payload, "octets of transport payload")                                                                   \
    X(octets_encrypted, "of them, in flows known to be encrypted")                                                     \
    X(octets_unknown, "of them, in flows whose protocol is not known")                                                 \
    X(dns, "DNS messages")                                                                                             \
    X(dns_refused, "DNS messages that are malformed or cut, read as far as they go")                                   \
    X(http, "HTTP requests, of HTTP/2 too")                                                                            \
    X(http_responses, "HTTP responses (only where somebody asks for files)")                                           \
    X(http_refused, "HTTP messages that are malformed or cut, read as far as they go")                                 \
    X(http_ambiguous, "HTTP messages whose length is told in two ways that differ (request smuggling)")                \
    X(http2, "HTTP/2 connections")                                                                                     \
    X(http2_refused, "directions of HTTP/2 connections that are malformed or cut, and read no further")                \
    X(http2_streams_dropped, "HTTP/2 streams forgotten for want of room, their bodies with them")                      \
    X(files, "files whose digests were begun")                                                                         \
    X(files_cut, "of them, with holes, cut or not decoded: no digest")                                                 \
    X(files_refused, "files passed over for want of room")                                                             \
    X(codings_unknown, "bodies of a coding that is not undone (zstd, compress, ...)")                                  \
    X(codings_bad, "bodies that are not what their coding says")                                                       \
    X(codings_deep, "bodies of more than three codings one upon another")                                              \
    X(codings_dense, "bodies that would become more than 1,100 times as long")                                         \
    X(codings_long, "bodies that would become longer than 128 MiB")                                                    \
    X(codings_memory, "bodies whose coding asks for more memory than is left")                                         \
    X(tls, "TLS client hellos, those in DTLS and QUIC too")                                                            \
    X(tls_refused, "TLS handshake messages that are malformed or cut, read as far as they go")                         \
    X(certificates, "X.509 certificates")                                                                              \
    X(certificates_refused, "X.509 certificates that are malformed or cut, read as far as they go")                    \
    X(smb2, "SMB 2 messages that were looked at")                                                                      \
    X(socks, "SOCKS requests")                                                                                         \
    X(mails, "mail messages, of SMTP, POP3 and IMAP")                                                                  \
    X(mails_refused, "mail messages passed over for want of room")                                                     \
    X(mails_deep, "multiparts of mail more than eight one in another, passed over")                                    \
    X(ssh, "SSH banners")                                                                                              \
    X(ssh_refused, "SSH key exchanges that are malformed or cut")                                                      \
    X(quic, "QUIC Initial packets that were opened")                                                                   \
    X(quic_refused, "QUIC packets that could not be opened, or held what cannot be")                                   \
    X(pending_full, "messages too long to be gathered")                                                                \
    X(values_refused, "names, URLs and addresses that are none")

#define WIRE_COUNT_MEMBER(name, about) uint64_t name;
struct wire_counts {
    WIRE_COUNTS(WIRE_COUNT_MEMBER)
};
#undef WIRE_COUNT_MEMBER

#endif
