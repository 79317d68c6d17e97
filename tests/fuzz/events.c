/*
 * Any octets as events: cut into records, whole and in pieces, and read in every format of events. Every observable of
 * an event that was taken is canonical, and lies in memory that is there.
 */
#include <stdlib.h>

#include "feed/event_reader.h"
#include "feed/frames.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void touch(struct bytes b)
{
    volatile uint8_t seen;
    for (size_t i = 0; i < b.len; i++)
        (void)(seen = b.at[i]);
}

static void check(const struct event *e)
{
    must(e->observable_count <= EVENT_OBSERVABLES_MAX);
    must(e->time_ns >= EVENT_EARLIEST_NS && e->time_ns <= EVENT_LATEST_NS && e->weight > 0);
    must(e->reporter.len <= EVENT_TEXT_MAX && e->reference.len <= EVENT_TEXT_MAX);
    must(e->confidence >= -1 && e->confidence <= 100);
    touch(e->reporter), touch(e->reference);
    for (uint32_t i = 0; i < e->observable_count; i++) {
        char text[OBSERVABLE_VALUE_MAX];
        const struct observable *o = &e->observables[i];
        must(o->where >= WHERE_EVENT_SOURCE && o->where <= WHERE_EVENT_TEXT);
        touch(o->raw);
        must(observable_write(o, text) <= OBSERVABLE_VALUE_MAX);
        must(observable_is_address(o->type) || (o->value.len > 0 && o->value.len <= OBSERVABLE_VALUE_MAX));
    }
}

static void read_with(struct event_reader *r, const struct format *f, struct bytes frame, struct tally *t)
{
    static const struct feed feed = {.name = "fuzz", .tlp = TLP_AMBER, .confidence = 50, .category = 0};
    struct fail why = {.text = ""};
    switch (event_read(r, f, &feed, t, frame, EVENT_LATEST_NS, &why)) {
    case EVENT_TAKEN: check(&r->event); break;
    case EVENT_PASSED: break;
    case EVENT_REFUSED: must(why.text[0]); break;
    }
}

static uint64_t in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    struct frames f = {.rest = {NULL, 0}};
    struct bytes frame;
    uint64_t count = 0;
    for (size_t at = 0; at < size;) {
        size_t room;
        uint8_t *to = frames_room(&f, &room);
        size_t n = size - at < piece ? size - at : piece;
        memcpy(to, data + at, n);
        frames_add(&f, n);
        at += n;
        while (frames_next(&f, &frame, at == size))
            touch(frame), count++;
    }
    must(f.passed == size);
    frames_free(&f);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct event_reader *r;
    static struct tally t;
    struct buffer text = {.at = NULL};
    struct frames frames = frames_of(bytes_of(data, size));
    struct bytes frame;
    uint64_t count = 0;
    if (!r)
        r = event_reader_new();
    memset(&t, 0, sizeof t);
    (void)format_of(bytes_of(data, size));
    for (; frames_next(&frames, &frame, true); count++)
        for (const struct format *const *f = formats; *f; f++)
            if ((*f)->read_event)
                read_with(r, *f, frame, &t);
    must(size == 0 || in_pieces(data, size, 1 + size / 3) == count);
    tally_write(&t, &text);
    buffer_free(&text);
    return 0;
}
