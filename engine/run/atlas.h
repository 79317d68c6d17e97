/*
 * atlas: where things are: the regions that hold, the countries of addresses, and by both the places of a finding.
 *
 * Immutable once it is open; any thread asks. The daemon's regions are those of the start; its countries are read again
 * at each reload and swapped whole.
 */
#ifndef VIGIA_RUN_ATLAS_H
#define VIGIA_RUN_ATLAS_H

#include "feed/place.h"
#include "model/finding.h"
#include "model/region.h"
#include "run/config.h"

struct atlas {
    struct regions *regions;
    struct places *places; /* NULL: no file says where an address is */
};

/* Reads the configured files, or what is compiled in. What is wrong is named on stderr with file and line, the first
 * ATLAS_NAMED lines of each file; `*failed` is set. False when there are no regions to go by: then nothing is held. */
enum { ATLAS_NAMED = 20 };

bool atlas_open(struct atlas *a, const struct config *c, bool *failed);

/* The same, and a line for each file of what was taken, for `vigia check`. */
bool atlas_check(struct atlas *a, const struct config *c, struct buffer *report, bool *failed);

void atlas_close(struct atlas *a);

/* The countries alone, for a reload. NULL where no file is named; `*whole` is cleared when one could not be read to its
 * end. places_free ends it. */
struct places *atlas_places(const struct config *c, bool *whole);

/* Notes the countries of both ends of the flow, as far as they are no home networks and known: `country` is the
 * affected end's (the one in a home network; else the one that is not the indicator; of names and the like the
 * client), `remote_country` the other one's. Empty: whoever encodes it knows the sensor. */
void atlas_place(const struct places *p, struct finding *f);

#endif
