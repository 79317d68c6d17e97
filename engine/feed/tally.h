/*
 * tally: what became of the records of a feed of events: taken, passed over, refused and why, and the words that nobody
 * understood, as they were written.
 *
 * A record that is refused is lost and counted by its reason. A class or country that is unknown costs the event only
 * that; the first TALLY_WORDS different words are counted by themselves, others together.
 *
 * One thread counts, any may read while it does: words are only ever added, and their number is told behind them.
 */
#ifndef VIGIA_FEED_TALLY_H
#define VIGIA_FEED_TALLY_H

#include "base/buffer.h"
#include "base/counter.h"

enum { TALLY_WORDS = 64, TALLY_WORD_MAX = 48 /* octets that are told apart */ };

enum tally_reason {
    TALLY_NO_JSON,
    TALLY_TOO_LONG,
    TALLY_NO_EVENT, /* JSON, but not of this feed's form */
    TALLY_NO_TIME,
    TALLY_OUT_OF_TIME, /* before 1990, or later than can be */
    TALLY_REASONS
};

/* "no JSON", "no time", … */
const char *tally_reason_name(enum tally_reason r);

struct tally_words {
    struct progress known; /* how many of `word` hold one */
    struct {
        char text[TALLY_WORD_MAX];
        uint8_t len;
        struct counter count;
    } word[TALLY_WORDS];
    struct counter others;
    struct counter all;
};

struct tally {
    struct counter events;
    struct counter passed; /* records that are something else, as they may be: an EVE record that is no alert */
    struct counter refused[TALLY_REASONS];
    struct counter values; /* that are none of their kind: left out of their event */
    struct counter beyond; /* values for which an event had no room */
    struct tally_words classes;
    struct tally_words countries;
    struct tally_words labels; /* of TLP, taken as red */
    struct progress last_ns;   /* time of the event read last; 0 none */
};

void tally_word(struct tally_words *w, struct bytes word);

uint64_t tally_refused(const struct tally *t);

/* What an operator should know, in one line without end: `3 records refused (2 no JSON, 1 no time); 5 events of unknown
 * class: 'foo' 4, 'bar' 1`. Nothing when there is nothing. */
void tally_write(const struct tally *t, struct buffer *out);

#endif
