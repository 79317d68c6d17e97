/*
 * NDJSON: one JSON object a line, for programs. It goes to the owner's own file or terminal, so it is the rendition of
 * the strictest tier: everything.
 */
#include "publish/output.h"

static void write_line(struct buffer *out, const struct told *t, const struct output_style *style)
{
    (void)style;
    if (t->finding && t->finding->kind == FINDING_OBSERVED)
        encode_observed_json(t, out);
    else
        encode_json(t, TLP_RED, out);
    buffer_char(out, '\n');
}

const struct output output_json = {
    .name = "json",
    .about = "one JSON object a line (NDJSON)",
    .write = write_line,
};
