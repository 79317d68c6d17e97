#include "make.h"

#include "wire/timeline.h"

enum { INPUTS_MAX = 8 };

/* One letter a frame; its time is the number behind it, in seconds. `!` is an octet that begins no whole record. */
static struct bytes pcap_of(const char *frames)
{
    struct buffer b = {.at = NULL};
    put_hex(&b, "a1b2c3d4 0002 0004 00000000 00000000 0000ffff 00000001");
    for (const char *at = frames; *at; at += strspn(at, " ")) {
        char letter = *at++;
        char *end;
        if (letter == '!') {
            put8(&b, 0);
            continue;
        }
        put32(&b, (uint32_t)strtoul(at, &end, 10));
        put_hex(&b, "00000000 00000001 00000001");
        put8(&b, (unsigned char)letter);
        at = end;
    }
    struct bytes file = alone(buffer_bytes(&b));
    buffer_free(&b);
    return file;
}

struct merge_case {
    const char *name;
    const char *in[INPUTS_MAX];
    const char *merged; /* letter, number of the input, greatest second so far */
};

static const struct merge_case merge_cases[] = {
    {"nothing", {NULL}, ""},
    {"empty", {""}, ""},
    {"one", {"a1 b2 c3"}, "a0@1 b0@2 c0@3 "},
    {"two", {"a1 b3 c5", "d2 e4 f6"}, "a0@1 d1@2 b0@3 e1@4 c0@5 f1@6 "},
    {"one behind the other", {"a4 b5", "c1 d2"}, "c1@1 d1@2 a0@4 b0@5 "},
    {"ties go by the order of the inputs", {"a1 b1 c2", "d1 e2", "f1"}, "a0@1 b0@1 d1@1 f2@1 c0@2 e1@2 "},
    {"an order of its own is kept", {"a5 b1 c2", "d3 e6"}, "d1@3 a0@5 b0@5 c0@5 e1@6 "},
    {"empty ones between", {"", "a2", "", "b1", ""}, "b3@1 a1@2 "},
    {"five", {"a3", "b1 c9", "d2", "e4 f5", "g1 h4"}, "b1@1 g4@1 d2@2 a0@3 e3@4 h4@4 f3@5 c1@9 "},
    {"a broken one ends, the others go on", {"a1 b3 !", "c2 d4"}, "a0@1 c1@2 b0@3 d1@4 "},
    {"1970", {"a0", "b0"}, "a0@0 b1@0 "},
};

Test(timeline, merges_by_time_and_keeps_the_order_of_each)
{
    static const struct capture_refill no_refills[INPUTS_MAX];
    static const uint32_t numbers[INPUTS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
    static struct capture captures[INPUTS_MAX];
    for (size_t i = 0; i < sizeof merge_cases / sizeof *merge_cases; i++) {
        const struct merge_case *c = &merge_cases[i];
        const struct capture *inputs[INPUTS_MAX];
        struct bytes files[INPUTS_MAX];
        struct fail why = {.text = ""};
        uint32_t count = 0;
        uint64_t octets = 0;
        for (; count < INPUTS_MAX && c->in[count]; count++) {
            files[count] = pcap_of(c->in[count]);
            octets += files[count].len;
            cr_assert(capture_open(&captures[count], files[count], &why));
            inputs[count] = &captures[count];
        }
        struct timeline t;
        struct frame f;
        uint32_t input;
        char merged[512] = "";
        timeline_init(&t, inputs, numbers, no_refills, count);
        while (timeline_next(&t, &f, &input))
            sprintf(merged + strlen(merged), "%c%u@%lld ", f.octets.at[0], input, (long long)t.clock_ns / 1000000000);
        cr_expect_not(timeline_next(&t, &f, &input));
        cr_expect_str_eq(merged, c->merged, "%s: %s", c->name, merged);
        cr_expect_eq(timeline_passed(&t), octets, "%s", c->name);
        for (uint32_t n = 0; n < count; n++) {
            bool damaged = timeline_damage(&t, n)[0];
            cr_expect_eq(damaged, (strchr(c->in[n], '!') != NULL), "%s", c->name);
            alone_free(files[n]);
        }
        timeline_clear(&t);
    }
}

Test(timeline, gives_its_inputs_the_numbers_they_came_with)
{
    static const struct capture_refill no_refills[2];
    static const uint32_t numbers[] = {7, 3};
    static struct capture captures[2];
    struct bytes files[] = {pcap_of("a1"), pcap_of("b1")};
    struct fail why = {.text = ""};
    cr_assert(capture_open(&captures[0], files[0], &why) && capture_open(&captures[1], files[1], &why));
    const struct capture *inputs[] = {&captures[0], &captures[1]};
    struct timeline t;
    struct frame f;
    uint32_t input;
    timeline_init(&t, inputs, numbers, no_refills, 2);
    cr_expect(timeline_next(&t, &f, &input) && input == 3, "a tie goes by the number");
    cr_expect(timeline_next(&t, &f, &input) && input == 7);
    timeline_clear(&t);
    alone_free(files[0]);
    alone_free(files[1]);
}

/* The plain way: look at every head each time. */
Test(timeline, merges_any_inputs_as_a_plain_search_does)
{
    static const struct capture_refill no_refills[INPUTS_MAX];
    static const uint32_t numbers[INPUTS_MAX] = {0, 1, 2, 3, 4, 5, 6, 7};
    static struct capture captures[INPUTS_MAX];
    uint64_t state = 20261121;
    for (int round = 0; round < 200; round++) {
        uint32_t count = 1 + dice(&state, INPUTS_MAX);
        const struct capture *inputs[INPUTS_MAX];
        struct bytes files[INPUTS_MAX];
        uint32_t seconds[INPUTS_MAX][20], lens[INPUTS_MAX], at[INPUTS_MAX] = {0};
        struct fail why = {.text = ""};
        for (uint32_t n = 0; n < count; n++) {
            char text[512] = "";
            lens[n] = dice(&state, 20);
            for (uint32_t k = 0; k < lens[n]; k++) {
                seconds[n][k] = dice(&state, 10);
                sprintf(text + strlen(text), "%c%u ", 'a' + (int)k, seconds[n][k]);
            }
            files[n] = pcap_of(text);
            cr_assert(capture_open(&captures[n], files[n], &why));
            inputs[n] = &captures[n];
        }
        struct timeline t;
        struct frame f;
        uint32_t input;
        timeline_init(&t, inputs, numbers, no_refills, count);
        for (;;) {
            uint32_t least = count;
            for (uint32_t n = 0; n < count; n++)
                if (at[n] < lens[n] && (least == count || seconds[n][at[n]] < seconds[least][at[least]]))
                    least = n;
            bool more = timeline_next(&t, &f, &input);
            cr_assert_eq(more, least < count);
            if (!more)
                break;
            cr_assert_eq(input, least);
            cr_assert_eq(f.octets.at[0], 'a' + at[least]);
            at[least]++;
        }
        timeline_clear(&t);
        for (uint32_t n = 0; n < count; n++)
            alone_free(files[n]);
    }
}
