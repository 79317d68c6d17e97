/* What is linked, when it is told, and to whom. */
#include "correlate/correlate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MINUTE INT64_C(60000000000)

enum { TOLD_MAX = 64 };

static struct correlation *told[TOLD_MAX];
static unsigned told_count;

static void keep(void *to, struct correlation *c)
{
    (void)to;
    cr_assert_lt(told_count, TOLD_MAX);
    told[told_count++] = c;
}

static struct correlator *fresh(void)
{
    return correlator_new(&(struct correlate_rule){.window_ns = 60 * MINUTE, .countries = 2}, keep, NULL);
}

/* One member, told of when it was seen. */
static void see(struct correlator *c, uint64_t indicator, const char *country, int64_t minute, enum tlp tlp)
{
    static unsigned number;
    char id[FINDING_ID_MAX];
    char room[OBSERVABLE_VALUE_MAX];
    struct indicator_key key;
    struct fail warning = {.text = ""}, why = {.text = ""};
    snprintf(id, sizeof id, "00000000-0000-5000-8000-%012u", ++number);
    cr_assert(indicator_key_read(OBSERVABLE_DOMAIN_NAME, bytes_text("bad.example"), room, &key, &warning, &why));
    struct correlate_member m = {.indicator = indicator,
                                 .key = &key,
                                 .id = id,
                                 .country = country,
                                 .time_ns = minute * MINUTE,
                                 .generation = 7,
                                 .category = CATEGORY_UNDETERMINED,
                                 .tlp = tlp,
                                 .confidence = 50};
    correlator_see(c, &m, m.time_ns);
}

static void expect(unsigned n, enum finding_status status, unsigned countries, uint64_t members)
{
    cr_assert_lt(n, told_count, "only %u were told", told_count);
    struct correlation_shown s = correlation_shown(told[n], TLP_RED);
    cr_assert_eq(told[n]->status, status, "%u: %s", n, finding_status_name(told[n]->status));
    cr_assert_eq(s.countries, countries, "%u: %u countries", n, s.countries);
    cr_assert_eq(s.members, members, "%u: %lu members", n, s.members);
}

Test(correlate, tells_of_an_indicator_that_two_countries_met_within_a_window)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    cr_assert_eq(told_count, 0);
    see(c, 1, "PE", 60, TLP_GREEN);
    cr_assert_eq(told_count, 1);
    expect(0, FINDING_OPENED, 2, 2);
    cr_assert_eq(told[0]->evidence_count, 2);
    cr_assert_eq(told[0]->first_ns, 0);
    cr_assert_eq(told[0]->last_ns, 60 * MINUTE);
    cr_assert(bytes_equal(told[0]->value, bytes_text("bad.example")));
    correlator_free(c);
}

Test(correlate, tells_nothing_of_one_country_of_no_country_nor_of_different_indicators)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "CL", 1, TLP_GREEN);
    see(c, 1, "ZZ", 2, TLP_GREEN);
    see(c, 2, "PE", 3, TLP_GREEN);
    cr_assert_eq(told_count, 0);
    correlator_free(c);
}

Test(correlate, does_not_link_what_a_window_parts)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "PE", 61, TLP_GREEN);
    cr_assert_eq(told_count, 0);
    see(c, 1, "CL", 121, TLP_GREEN); /* within a window of the second */
    expect(0, FINDING_OPENED, 2, 2);
    correlator_free(c);
}

Test(correlate, links_what_was_seen_earlier_and_comes_later_and_counts_what_comes_too_late)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 100, TLP_GREEN);
    see(c, 1, "PE", 39, TLP_GREEN);
    cr_assert_eq(told_count, 0);
    cr_assert_eq(correlator_counts(c).late, 1);
    see(c, 1, "PE", 40, TLP_GREEN);
    expect(0, FINDING_OPENED, 2, 2);
    cr_assert_eq(told[0]->first_ns, 40 * MINUTE);
    correlator_free(c);
}

Test(correlate, tells_again_when_a_country_joins_and_when_members_have_doubled_with_one_id)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "PE", 1, TLP_GREEN);
    see(c, 1, "PE", 2, TLP_GREEN);
    cr_assert_eq(told_count, 1);
    see(c, 1, "PE", 3, TLP_GREEN);
    expect(1, FINDING_UPDATED, 2, 4);
    see(c, 1, "UY", 4, TLP_GREEN);
    expect(2, FINDING_UPDATED, 3, 5);
    char first[IDENTITY_MAX], third[IDENTITY_MAX];
    correlation_id(told[0], first);
    correlation_id(told[2], third);
    cr_assert_str_eq(first, third);
    correlator_free(c);
}

Test(correlate, closes_what_falls_silent_and_only_what_was_told)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "PE", 1, TLP_GREEN);
    see(c, 2, "PE", 2, TLP_GREEN);
    correlator_pass(c, 61 * MINUTE);
    cr_assert_eq(told_count, 1);
    correlator_pass(c, 63 * MINUTE);
    cr_assert_eq(told_count, 2);
    expect(1, FINDING_CLOSED, 2, 2);
    cr_assert_eq(correlator_counts(c).open, 0);
    see(c, 1, "CL", 200, TLP_GREEN); /* an incident of its own */
    see(c, 1, "PE", 201, TLP_GREEN);
    expect(2, FINDING_OPENED, 2, 2);
    char first[IDENTITY_MAX], second[IDENTITY_MAX];
    correlation_id(told[0], first);
    correlation_id(told[2], second);
    cr_assert_str_neq(first, second);
    correlator_free(c);
}

Test(correlate, tells_a_tier_only_of_what_it_was_told_of)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "PE", 1, TLP_AMBER);
    cr_assert_eq(told_count, 1);
    cr_assert_not(correlation_shown(told[0], TLP_GREEN).told);
    cr_assert(correlation_shown(told[0], TLP_AMBER).told);
    cr_assert_eq(correlation_shown(told[0], TLP_AMBER).tlp, TLP_AMBER);
    cr_assert_not(told[0]->tiers[TLP_AMBER].opened);

    see(c, 1, "PE", 2, TLP_GREEN); /* now green readers know both */
    cr_assert_eq(told_count, 2);
    cr_assert(correlation_shown(told[1], TLP_GREEN).told);
    cr_assert_eq(correlation_shown(told[1], TLP_GREEN).members, 2);
    cr_assert_not(told[1]->tiers[TLP_GREEN].opened);
    cr_assert(told[1]->tiers[TLP_AMBER].opened);
    correlator_free(c);
}

Test(correlate, keeps_so_many_ids_and_the_first_of_each_country_and_counts_the_rest)
{
    struct correlator *c = fresh();
    for (int i = 0; i < 100; i++)
        see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "PE", 0, TLP_GREEN);
    cr_assert_eq(told_count, 1);
    cr_assert_eq(told[0]->evidence_count, CORRELATION_EVIDENCE_MAX / 2 + 1);
    expect(0, FINDING_OPENED, 2, 101);
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'D'; b++)
            see(c, 1, (char[]){a, b, 0}, 1, TLP_GREEN);
    cr_assert_eq(told[told_count - 1]->country_count, CORRELATION_COUNTRIES_MAX);
    cr_assert_eq(told[told_count - 1]->evidence_count, CORRELATION_EVIDENCE_MAX);
    correlator_free(c);
}

Test(correlate, closes_the_one_that_was_silent_longest_where_there_is_room_for_no_more)
{
    struct correlator *c = fresh();
    see(c, 1, "CL", 0, TLP_GREEN);
    see(c, 1, "PE", 0, TLP_GREEN);
    for (uint64_t i = 2; i <= CORRELATE_INCIDENTS_MAX; i++)
        see(c, i, "CL", 0, TLP_GREEN);
    cr_assert_eq(told_count, 1);
    see(c, CORRELATE_INCIDENTS_MAX + 1, "CL", 0, TLP_GREEN);
    expect(1, FINDING_CLOSED, 2, 2);
    cr_assert_eq(correlator_counts(c).evicted, 1);
    cr_assert_eq(correlator_counts(c).open, CORRELATE_INCIDENTS_MAX);
    correlator_free(c);
}
