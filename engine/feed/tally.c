/*
 * Words are few, so they are looked for one by one.
 */
#include "feed/tally.h"

#include "base/fail.h"

#include <inttypes.h>

const char *tally_reason_name(enum tally_reason r)
{
    static const char *const names[] = {[TALLY_NO_JSON] = "no JSON",
                                        [TALLY_TOO_LONG] = "too long",
                                        [TALLY_NO_EVENT] = "no event",
                                        [TALLY_NO_TIME] = "no time",
                                        [TALLY_OUT_OF_TIME] = "time that cannot be"};
    return names[r];
}

void tally_word(struct tally_words *w, struct bytes word)
{
    int64_t known = progress_read(&w->known);
    word = bytes_until(word, TALLY_WORD_MAX);
    counter_add(&w->all, 1);
    for (int64_t i = 0; i < known; i++)
        if (bytes_equal(bytes_of(w->word[i].text, w->word[i].len), word)) {
            counter_add(&w->word[i].count, 1);
            return;
        }
    if (known == TALLY_WORDS) {
        counter_add(&w->others, 1);
        return;
    }
    w->word[known].len = (uint8_t)word.len;
    if (word.len)
        memcpy(w->word[known].text, word.at, word.len);
    counter_add(&w->word[known].count, 1);
    progress_tell(&w->known, known + 1);
}

uint64_t tally_refused(const struct tally *t)
{
    uint64_t sum = 0;
    for (int r = 0; r < TALLY_REASONS; r++)
        sum += counter_read(&t->refused[r]);
    return sum;
}

static void separate(struct buffer *out, size_t begun)
{
    if (out->len > begun)
        buffer_text(out, "; ");
}

static void write_refused(const struct tally *t, struct buffer *out)
{
    uint64_t sum = tally_refused(t);
    const char *between = " (";
    if (!sum)
        return;
    buffer_format(out, "%" PRIu64 " record%s refused", sum, sum == 1 ? "" : "s");
    for (int r = 0; r < TALLY_REASONS; r++) {
        uint64_t count = counter_read(&t->refused[r]);
        if (!count)
            continue;
        buffer_format(out, "%s%" PRIu64 " %s", between, count, tally_reason_name((enum tally_reason)r));
        between = ", ";
    }
    buffer_char(out, ')');
}

/* The most frequent first; of equals, the first met. */
static void write_words(const struct tally_words *w, const char *what, size_t begun, struct buffer *out)
{
    int64_t known = progress_read(&w->known);
    bool written[TALLY_WORDS] = {false};
    char quote[4 * FAIL_QUOTE_MAX + 4];
    uint64_t all = counter_read(&w->all), others = counter_read(&w->others);
    if (!known)
        return;
    separate(out, begun);
    buffer_format(out, "%" PRIu64 " event%s of unknown %s", all, all == 1 ? "" : "s", what);
    for (int64_t n = 0; n < known; n++) {
        int64_t most = -1;
        for (int64_t i = 0; i < known; i++)
            if (!written[i] && (most < 0 || counter_read(&w->word[i].count) > counter_read(&w->word[most].count)))
                most = i;
        written[most] = true;
        buffer_format(out, "%s '%s' %" PRIu64, n ? "," : ":",
                      fail_quote(bytes_of(w->word[most].text, w->word[most].len), quote),
                      counter_read(&w->word[most].count));
    }
    if (others)
        buffer_format(out, ", others %" PRIu64, others);
}

static void write_count(const struct counter *c, const char *one, const char *many, size_t begun, struct buffer *out)
{
    uint64_t count = counter_read(c);
    if (!count)
        return;
    separate(out, begun);
    buffer_format(out, "%" PRIu64 " %s", count, count == 1 ? one : many);
}

void tally_write(const struct tally *t, struct buffer *out)
{
    size_t begun = out->len;
    write_refused(t, out);
    write_words(&t->classes, "class", begun, out);
    write_words(&t->countries, "country", begun, out);
    write_words(&t->labels, "TLP, taken as red", begun, out);
    write_count(&t->values, "value left out", "values left out", begun, out);
    write_count(&t->beyond, "value beyond an event's room", "values beyond an event's room", begun, out);
}
