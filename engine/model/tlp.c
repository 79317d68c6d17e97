/*
 * Labels are compared letter by letter; a label that is none of TLP's is refused, never taken for a laxer one.
 */
#include "model/tlp.h"

static const struct {
    const char *text;
    enum tlp tlp;
} labels[] = {
    {"clear", TLP_CLEAR},
    {"green", TLP_GREEN},
    {"amber", TLP_AMBER},
    {"amber+strict", TLP_AMBER_STRICT},
    {"red", TLP_RED},
    {"white", TLP_CLEAR},               /* TLP 1 */
    {"amber-strict", TLP_AMBER_STRICT}, /* as topics and file names write it */
};

bool tlp_read(struct bytes text, enum tlp *out)
{
    text = bytes_trim(text);
    if (bytes_alike(bytes_until(text, 4), "tlp:"))
        text = bytes_from(text, 4);
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
        if (bytes_alike(text, labels[i].text)) {
            *out = labels[i].tlp;
            return true;
        }
    return false;
}

const char *tlp_name(enum tlp t)
{
    return labels[t].text; /* the first five stand in the enum's order */
}
