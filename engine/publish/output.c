/*
 * The table itself, and the look-up of a name in it.
 */
#include "publish/output.h"

const struct output *const outputs[] = {&output_json, &output_text, &output_csv, NULL};

const struct output *output_named(const char *name)
{
    for (const struct output *const *o = outputs; *o; o++)
        if (strcmp((*o)->name, name) == 0)
            return *o;
    return NULL;
}
