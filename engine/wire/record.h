/*
 * record: cuts the octets of a capture file into frames, in place.
 *
 * pcap (draft-ietf-opsawg-pcap: microseconds, nanoseconds, either byte order, Kuznetsov's long record headers, the
 * swapped lengths of version 2.2) and pcapng (draft-ietf-opsawg-pcapng: several sections and interfaces, each with its
 * link type and clock). What a record claims is compared with what is there; a record that cannot be ends the capture,
 * since nothing behind it can be trusted to begin where it seems to.
 *
 * Owner: one thread; a copy of a reader at a frame's boundary reads on from there.
 */
#ifndef VIGIA_WIRE_RECORD_H
#define VIGIA_WIRE_RECORD_H

#include "base/fail.h"

enum {
    RECORD_FRAME_MAX = 1 << 20,  /* captured octets of a frame; more is damage */
    RECORD_BLOCK_MAX = 1 << 24,  /* octets of a pcapng block */
    RECORD_INTERFACES_MAX = 256, /* of a section; frames of further ones are counted and passed over */
    RECORD_HEAD_BYTES = 24,      /* enough to recognise a capture */
};

struct frame {
    int64_t time_ns;   /* since 1970 UTC; of a record without time, that of the one before */
    uint64_t number;   /* in its input, from 1 */
    uint32_t wire_len; /* octets as they were on the wire; `octets` may be cut shorter */
    uint16_t link;     /* LINKTYPE_ value */
    struct bytes octets;
};

struct record_interface {
    uint16_t link;
    uint32_t snap;  /* pcapng: octets of a frame that are captured at most; 0: all */
    uint64_t ticks; /* a second */
    int64_t offset_s;
};

struct record_reader {
    bool next_generation; /* pcapng */
    bool big;             /* byte order */
    uint8_t record_head;  /* octets of a pcap record's header */
    uint16_t minor;
    uint64_t frames; /* so far */
    int64_t last_ns;
    uint32_t interfaces; /* pcapng: of this section, may exceed what is kept; pcap: 1 */
    struct record_interface interface[RECORD_INTERFACES_MAX];
};

enum record_verdict {
    RECORD_FRAME, /* one frame was cut */
    RECORD_MORE,  /* the octets end inside a record, or right behind the last */
    RECORD_BROKEN,
};

/* Whether a content that begins so is a capture. */
bool record_probe(struct bytes head);

/* Reads the file's header and moves `c` behind it. False with a reason. */
bool record_begin(struct record_reader *r, struct cursor *c, struct fail *why);

/* The next frame; `c` moves behind it. On RECORD_MORE and RECORD_BROKEN `c` stands where the record in question begins,
 * so that RECORD_MORE at `c->at == c->end` is the clean end. */
enum record_verdict record_next(struct record_reader *r, struct cursor *c, struct frame *out, struct fail *why);

#endif
