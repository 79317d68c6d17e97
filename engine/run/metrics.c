/*
 * Sums, and a table of three columns: name, number or share, what it says.
 */
#include "run/metrics.h"

#include <inttypes.h>

void metrics_add_wire(struct metrics *m, const struct wire_counts *c)
{
#define ADD(name, about) m->wire.name += c->name;
    WIRE_COUNTS(ADD)
#undef ADD
}

void metrics_add_hits(struct metrics *m, const struct hit_counts *c)
{
    m->hits.observables += c->observables;
    m->hits.hits += c->hits;
    m->hits.repeats += c->repeats;
    m->hits.at_once += c->at_once;
    m->hits.unmatched += c->unmatched;
    m->hits.invalid += c->invalid;
    m->hits.dropped += c->dropped;
}

void metrics_add_tally(struct metrics *m, const struct tally *t)
{
    m->events += counter_read(&t->events);
    m->events_passed += counter_read(&t->passed);
    m->events_refused += tally_refused(t);
}

static void line(struct buffer *out, const char *name, uint64_t value, const char *about)
{
    buffer_format(out, "%-18s %15" PRIu64 "  %s\n", name, value, about);
}

static void line_if(struct buffer *out, const char *name, uint64_t value, const char *about)
{
    if (value)
        line(out, name, value, about);
}

static void share(struct buffer *out, const char *name, uint64_t part, uint64_t whole, const char *about)
{
    if (whole)
        buffer_format(out, "%-18s %14.1f%%  %s\n", name, 100.0 * (double)part / (double)whole, about);
}

/* What nobody could look into, as shares: an operator should know how much of a sensor's traffic says nothing. */
static void blind_spots(const struct wire_counts *c, struct buffer *out)
{
    share(out, "blind_encrypted", c->octets_encrypted, c->octets_payload, "of the payload is encrypted");
    share(out, "blind_unknown", c->octets_unknown, c->octets_payload, "of the payload is of no known protocol");
    share(out, "blind_cut", c->octets_cut, c->octets + c->octets_cut, "of the octets on the wire were cut away");
    share(out, "blind_one_sided", c->flows_one_sided, c->flows, "of the flows were seen from one side alone");
}

void metrics_text(const struct metrics *m, struct buffer *out)
{
    line(out, "frames", m->frames, "frames in all inputs");
#define LINE(name, about) line_if(out, #name, m->wire.name, about);
    WIRE_COUNTS(LINE)
#undef LINE
    blind_spots(&m->wire, out);
    line_if(out, "events", m->events, "read from feeds");
    line_if(out, "events_passed", m->events_passed,
            "records of feeds that are no event, as an EVE record but an alert");
    line_if(out, "events_refused", m->events_refused, "records of feeds that could not be read");
    line(out, "observables", m->hits.observables, "values seen");
    line(out, "indicators", m->indicators, "asked for");
    line(out, "findings", m->told, "told");
    line_if(out, "repeats", m->hits.repeats, "sightings that counted a finding up");
    line_if(out, "told_early", m->hits.at_once, "findings told before their flow ended, for want of room");
    line_if(out, "matches_beyond", m->hits.unmatched, "matches of one value beyond what is told");
    line_if(out, "not_valid", m->hits.invalid, "matches left out because no source was valid then");
    line(out, "held", m->held_max, "findings held for their order, at most");
    double seconds = (double)m->replay_ns / 1e9;
    buffer_format(out, "%-18s %15.3f  seconds to read and compile indicators\n", "load", (double)m->load_ns / 1e9);
    buffer_format(out, "%-18s %15.3f  seconds of replay", "replay", seconds);
    if (m->replay_ns > 0 && m->frames)
        buffer_format(out, " (%.0f frames/s)", (double)m->frames / seconds);
    if (m->replay_ns > 0 && m->events)
        buffer_format(out, " (%.0f events/s)", (double)m->events / seconds);
    buffer_char(out, '\n');
}
