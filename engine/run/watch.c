/*
 * A table of topics with their last numbers.
 */
#include "run/watch.h"

#include "base/hash.h"
#include "model/tlp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char heartbeat_end[] = ".ZZ.heartbeat";

void watch_init(struct watch *w)
{
    table_init(&w->table, WATCH_TOPICS_MAX);
    w->topics = NULL;
    w->json = json_reader_new();
}

static bool is_asked_for(const struct watch *w, struct bytes topic)
{
    for (int i = 0; i < w->prefix_count; i++)
        if (bytes_start_with(topic, w->prefixes[i]))
            return true;
    return w->prefix_count == 0;
}

/* NULL when there is no room for another, or its name is too long to be one. `*known`: it was there. */
static struct watch_topic *topic_of(struct watch *w, struct bytes name, bool *known)
{
    uint64_t hash = hash_fixed(name.at, name.len);
    *known = true;
    for (uint32_t slot = table_first(&w->table, hash); slot != TABLE_NONE; slot = table_next(&w->table, hash, slot)) {
        struct watch_topic *t = &w->topics[table_value(&w->table, slot)];
        if (bytes_equal(bytes_text(t->name), name))
            return t;
    }
    *known = false;
    if (w->count == WATCH_TOPICS_MAX || name.len >= WATCH_TOPIC_OCTETS)
        return NULL;
    if (!(w->count & (w->count - 1))) {
        w->topics = realloc(w->topics, (w->count ? 2 * w->count : 1) * sizeof *w->topics);
        if (!w->topics)
            abort();
    }
    struct watch_topic *t = &w->topics[w->count];
    *t = (struct watch_topic){.seen = 0};
    memcpy(t->name, name.at, name.len);
    table_add(&w->table, hash, w->count++);
    return t;
}

/* Publications `from` to `to` of this topic are missing. */
static void miss(struct watch *w, struct watch_topic *t, uint64_t from, uint64_t to)
{
    char text[WATCH_TOPIC_OCTETS + 128];
    from = from > t->asked + 1 ? from : t->asked + 1;
    if (from > to)
        return;
    t->asked = to;
    w->missed += to - from + 1;
    snprintf(text, sizeof text, "%s: missed %" PRIu64 " to %" PRIu64 "%s", t->name, from, to,
             w->asking ? ", asked for" : "");
    w->say(w->to, text);
    int len = snprintf(text, sizeof text, "{\"from\":%" PRIu64 ",\"to\":%" PRIu64 "}", from, to);
    if (w->asking)
        zmtp_send(w->asking, bytes_text(t->name), bytes_of(text, (size_t)len));
}

static bool take_seq(void *to, struct bytes path, const struct json_value *v)
{
    uint64_t *seq = to;
    if (!bytes_equal(path, bytes_text("seq")) || v->kind != JSON_NUMBER || !v->integer)
        return true;
    *seq = (uint64_t)v->number;
    return false;
}

static void heard(struct watch *w, struct bytes name, struct bytes json)
{
    struct fail why = {.text = ""};
    uint64_t seq = 0;
    bool known;
    if (!is_asked_for(w, name))
        return;
    json_read(w->json, json, take_seq, &seq, &why);
    struct watch_topic *t = topic_of(w, name, &known);
    if (t && seq && known && seq <= t->seen)
        return; /* told again */
    if (t && known && seq > t->seen + 1)
        miss(w, t, t->seen + 1, seq - 1);
    if (t && seq)
        t->seen = seq;
    w->show(w->to, name, json, false);
}

/* What was told is known to the heartbeat behind it. One that knows less is of a publisher that has lost its journal:
 * none of what it told since was shown. */
static void begin_anew(struct watch *w, struct watch_topic *t)
{
    char text[WATCH_TOPIC_OCTETS + 64];
    snprintf(text, sizeof text, "%s: the publisher counts from 1 again", t->name);
    w->say(w->to, text);
    t->seen = t->asked = 0;
}

/* What a heartbeat knows of each topic that we hear. The first one of its tier says where we came in. */
static bool take_beat(void *to, struct bytes path, const struct json_value *v)
{
    struct watch *w = to;
    static const char topics[] = "topics.";
    if (!bytes_start_with(path, topics) || v->kind != JSON_NUMBER || !v->integer)
        return true;
    bool known;
    uint64_t seq = (uint64_t)v->number;
    struct bytes name = bytes_from(path, sizeof topics - 1);
    struct watch_topic *t = is_asked_for(w, name) ? topic_of(w, name, &known) : NULL;
    if (!t)
        return true;
    if (known && seq < t->seen)
        begin_anew(w, t);
    if ((known || w->tiers & w->tier) && seq > t->seen)
        miss(w, t, t->seen + 1, seq);
    if (seq > t->seen)
        t->seen = seq;
    return true;
}

static bool is_heartbeat(struct bytes topic)
{
    size_t len = sizeof heartbeat_end - 1;
    return topic.len > len && memcmp(topic.at + topic.len - len, heartbeat_end, len) == 0;
}

/* One bit for each; all that we do not know share one. The tier is the second part of the topic. */
static uint8_t tier_of(struct bytes topic)
{
    enum tlp tlp = TLP_CLEAR;
    topic = bytes_from(topic, bytes_find(topic, '.') + 1);
    bool known = tlp_read(bytes_until(topic, bytes_find(topic, '.')), &tlp);
    return (uint8_t)(1u << (known ? (int)tlp : TLP_RED + 1));
}

/* Says when heartbeats stop, and when they come again. */
static void heed_silence(struct watch *w, bool beat, int64_t now_ns)
{
    char text[WATCH_ENDPOINT_SHOWN + 128];
    int64_t since_ns = w->heard_ns ? w->heard_ns : w->begun_ns;
    int seconds = (int)((now_ns - since_ns) / 1000000000);
    if (!beat && !w->away && now_ns - since_ns >= WATCH_QUIET_NS) {
        w->away = true;
        snprintf(text, sizeof text, "no heartbeat for %d s: the publisher at %.*s is away, or the way to it; waiting",
                 seconds, WATCH_ENDPOINT_SHOWN, w->endpoint);
        w->say(w->to, text);
    } else if (beat && w->away) {
        w->away = false;
        snprintf(text, sizeof text, "the publisher is heard %s after %d s", w->heard_ns ? "again" : "now", seconds);
        w->say(w->to, text);
    }
}

bool watch_turn(struct watch *w, int64_t now_ns)
{
    struct bytes peer, topic, body;
    bool did = false;
    bool beat = false;
    for (int n = 0; n < 1024 && zmtp_receive(w->telling, &peer, &topic, &body); n++, did = true) {
        struct fail why = {.text = ""};
        if (!is_heartbeat(topic)) {
            heard(w, topic, body);
            continue;
        }
        w->tier = tier_of(topic);
        json_read(w->json, body, take_beat, w, &why);
        w->tiers |= w->tier;
        beat = true;
    }
    for (int n = 0; w->asking && n < 1024 && zmtp_receive(w->asking, &peer, &topic, &body); n++, did = true) {
        if (!topic.len)
            continue; /* the end of an answer */
        w->fetched++;
        w->show(w->to, topic, body, true);
    }
    if (!w->begun_ns)
        w->begun_ns = now_ns;
    heed_silence(w, beat, now_ns);
    if (beat)
        w->heard_ns = now_ns;
    return did;
}

void watch_clear(struct watch *w)
{
    json_reader_free(w->json);
    table_free(&w->table);
    free(w->topics);
}
