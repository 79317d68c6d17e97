/*
 * One heap of notes at a time: heard together, due together, written together.
 */
#include "run/ledger.h"

#include <assert.h>
#include <stdlib.h>

struct ledger {
    struct ring *const *rings;
    unsigned ring_count;
    struct ledger_note *notes[LEDGER_NOTES];
    unsigned count;
    unsigned ahead[LEDGER_LISTENERS]; /* findings still to be taken before the notes are due */
    int64_t since_ns;                 /* INT64_MAX: not yet */
    int64_t retry_ns;                 /* not before; 0: the journal is well */
};

struct ledger *ledger_new(struct ring *const *rings, unsigned count)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (!l)
        abort();
    l->rings = rings;
    l->ring_count = count;
    l->since_ns = INT64_MAX;
    return l;
}

struct ledger_note *ledger_note(const struct journal_file *file, bool gone)
{
    struct ledger_note *n = malloc(sizeof *n + file->name.len);
    if (!n)
        abort();
    *n = (struct ledger_note){.file = *file, .gone = gone};
    memcpy(n + 1, file->name.at, file->name.len);
    n->file.name.at = (const uint8_t *)(n + 1);
    return n;
}

void ledger_hear(struct ledger *l, struct ring *const *rings, unsigned count)
{
    assert(count <= LEDGER_LISTENERS);
    if (l->count)
        return;
    for (unsigned i = 0; i < l->ring_count; i++)
        for (struct ledger_note *n; l->count < LEDGER_NOTES && (n = ring_pop(l->rings[i]));)
            l->notes[l->count++] = n;
    for (unsigned i = 0; l->count && i < count; i++)
        l->ahead[i] = ring_count(rings[i]);
}

void ledger_pass(struct ledger *l, unsigned listener, unsigned count)
{
    l->ahead[listener] -= count < l->ahead[listener] ? count : l->ahead[listener];
}

int64_t ledger_since(struct ledger *l, int64_t now_ns)
{
    unsigned ahead = 0;
    for (unsigned i = 0; i < LEDGER_LISTENERS; i++)
        ahead |= l->ahead[i];
    if (l->count && !ahead && l->since_ns == INT64_MAX)
        l->since_ns = now_ns;
    return l->since_ns;
}

static void forget(struct ledger *l)
{
    while (l->count)
        free(l->notes[--l->count]);
    l->since_ns = INT64_MAX;
}

static bool write_all(struct ledger *l, struct journal *j, struct fail *why)
{
    if (!journal_begin(j, why))
        return false;
    for (unsigned i = 0; i < l->count; i++) {
        const struct ledger_note *n = l->notes[i];
        if (n->gone ? journal_forget(j, &n->file, why) : journal_take(j, &n->file, why))
            continue;
        journal_rollback(j);
        return false;
    }
    return journal_commit(j, why);
}

bool ledger_write(struct ledger *l, struct journal *j, int64_t now_ns, struct fail *why)
{
    if (now_ns < l->retry_ns)
        return true;
    bool known = l->retry_ns != 0;
    bool written = write_all(l, j, why);
    l->retry_ns = written ? 0 : now_ns + LEDGER_RETRY_NS;
    if (written)
        forget(l);
    return written || known;
}

bool ledger_finish(struct ledger *l, struct journal *j, struct fail *why)
{
    for (;;) {
        ledger_hear(l, NULL, 0);
        if (!l->count)
            return true;
        if (!write_all(l, j, why))
            return false;
        forget(l);
    }
}

void ledger_free(struct ledger *l)
{
    forget(l);
    free(l);
}
