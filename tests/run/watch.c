/*
 * Facts of what a watch notices: which numbers it takes to be missing, where heartbeats of several tiers come in turn.
 */
#include "run/watch.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { SECOND_MS = 1000 };

static const char PLACE[] = "inproc://watch";

struct scene {
    struct zmtp *zmtp;
    struct zmtp_socket *publisher;
    struct watch watch;
    unsigned shown;
    char said[1024];
    int64_t now_ns;
};

static void show(void *to, struct bytes topic, struct bytes json, bool fetched)
{
    struct scene *s = to;
    (void)topic, (void)json, (void)fetched;
    s->shown++;
}

static void say(void *to, const char *text)
{
    struct scene *s = to;
    size_t len = strlen(s->said);
    snprintf(s->said + len, sizeof s->said - len, "%s\n", text);
}

static void begin(struct scene *s, char *const *prefixes, int count)
{
    struct fail why = {.text = ""};
    struct bytes peer, topic, body;
    *s = (struct scene){.zmtp = zmtp_new(), .now_ns = 1};
    s->watch = (struct watch){
        .show = show, .say = say, .to = s, .endpoint = PLACE, .prefixes = prefixes, .prefix_count = count};
    s->publisher = zmtp_publisher(s->zmtp, PLACE, NULL, &why);
    cr_assert(s->publisher, "%s", why.text);
    s->watch.telling = zmtp_subscriber(s->zmtp, PLACE, NULL, NULL, &why);
    cr_assert(s->watch.telling, "%s", why.text);
    watch_init(&s->watch);
    zmtp_subscribe(s->watch.telling, "");
    cr_assert(zmtp_wait(&s->publisher, 1, SECOND_MS));
    cr_assert(zmtp_receive(s->publisher, &peer, &topic, &body));
}

static void end(struct scene *s)
{
    zmtp_close(s->watch.telling);
    zmtp_close(s->publisher);
    zmtp_free(s->zmtp);
    watch_clear(&s->watch);
}

static void tell(struct scene *s, const char *topic, const char *json)
{
    cr_assert(zmtp_send(s->publisher, bytes_text(topic), bytes_text(json)));
    cr_assert(zmtp_wait(&s->watch.telling, 1, SECOND_MS));
    watch_turn(&s->watch, s->now_ns);
}

static void expect_said(const struct scene *s, const char *expected)
{
    cr_expect_str_eq(s->said, expected);
}

Test(watch, notices_what_was_passed_over_and_what_only_a_heartbeat_knows)
{
    struct scene s;
    begin(&s, NULL, 0);
    tell(&s, "status.green.ZZ.heartbeat", "{\"topics\":{\"hit.green.CL.spam\":4}}");
    tell(&s, "hit.green.CL.spam", "{\"seq\":5}");
    tell(&s, "hit.green.CL.spam", "{\"seq\":8}");
    tell(&s, "hit.green.CL.spam", "{\"seq\":8}");
    tell(&s, "status.green.ZZ.heartbeat", "{\"topics\":{\"hit.green.CL.spam\":10,\"hit.green.PE.spam\":2}}");
    expect_said(&s, "hit.green.CL.spam: missed 6 to 7\nhit.green.CL.spam: missed 9 to 10\n"
                    "hit.green.PE.spam: missed 1 to 2\n");
    cr_expect_eq(s.shown, 2);
    cr_expect_eq(s.watch.missed, 6);
    end(&s);
}

Test(watch, comes_in_where_the_first_heartbeat_of_each_tier_is)
{
    struct scene s;
    begin(&s, NULL, 0);
    tell(&s, "status.clear.ZZ.heartbeat", "{\"topics\":{}}");
    s.now_ns = 1000;
    tell(&s, "status.amber-strict.ZZ.heartbeat", "{\"topics\":{\"hit.amber-strict.CL.spam\":7}}");
    tell(&s, "status.red.ZZ.heartbeat", "{\"topics\":{\"hit.red.CL.spam\":9}}");
    expect_said(&s, "");
    tell(&s, "status.clear.ZZ.heartbeat", "{\"topics\":{\"hit.clear.CL.spam\":1}}");
    tell(&s, "status.red.ZZ.heartbeat", "{\"topics\":{\"hit.red.CL.spam\":10}}");
    expect_said(&s, "hit.clear.CL.spam: missed 1 to 1\nhit.red.CL.spam: missed 10 to 10\n");
    end(&s);
}

Test(watch, heeds_only_the_topics_that_were_asked_for)
{
    static char trends[] = "trend.", green[] = "hit.green.";
    char *const prefixes[] = {trends, green};
    struct scene s;
    begin(&s, prefixes, 2);
    tell(&s, "status.green.ZZ.heartbeat", "{\"topics\":{}}");
    tell(&s, "status.amber.ZZ.heartbeat", "{\"topics\":{}}");
    tell(&s, "status.amber.ZZ.heartbeat", "{\"topics\":{\"hit.amber.CL.spam\":3}}");
    tell(&s, "hit.amber.CL.spam", "{\"seq\":5}");
    tell(&s, "status.green.ZZ.heartbeat",
         "{\"topics\":{\"hit.green.CL.spam\":1,\"correlation.green.andean.campaign\":1}}");
    expect_said(&s, "hit.green.CL.spam: missed 1 to 1\n");
    cr_expect_eq(s.shown, 0);
    end(&s);
}

Test(watch, names_whom_it_does_not_hear)
{
    struct scene s;
    begin(&s, NULL, 0);
    watch_turn(&s.watch, 1);
    watch_turn(&s.watch, 1 + WATCH_QUIET_NS);
    expect_said(&s, "no heartbeat for 5 s: the publisher at inproc://watch is away, or the way to it; waiting\n");
    end(&s);
}
