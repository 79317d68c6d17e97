/*
 * The table of detectors.
 */
#include "trend/detector.h"

#include <math.h>
#include <string.h>

static const struct detector *const detectors[] = {
    &detector_ears_c1,
    &detector_ears_c2,
    &detector_ears_c3,
};

enum { DETECTORS = sizeof detectors / sizeof *detectors };

const struct judgement judgement_none = {.expected = NAN, .lower = NAN, .upper = NAN};

const struct detector *detector_default(void)
{
    return &detector_ears_c2;
}

const struct detector *detector_named(const char *name)
{
    for (unsigned i = 0; i < DETECTORS; i++)
        if (strcmp(detectors[i]->name, name) == 0)
            return detectors[i];
    return NULL;
}

const struct detector *detector_at(unsigned index)
{
    return index < DETECTORS ? detectors[index] : NULL;
}
