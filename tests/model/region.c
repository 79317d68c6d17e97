/*
 * Facts of region: what the compiled-in file says, and how mistakes in a file of one's own are told.
 */
#include "model/region.h"

#include "base/buffer.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdio.h>

static void take_mistake(void *to, const char *text)
{
    buffer_format(to, "%s\n", text);
}

static struct regions *built_in(void)
{
    struct buffer mistakes = {0};
    struct regions *r = regions_read(regions_built_in(), "regions.yaml", take_mistake, &mistakes);
    cr_assert(r, "%.*s", (int)mistakes.len, mistakes.at);
    return r;
}

static int64_t day(const char *text)
{
    int64_t ns;
    bool date_only;
    cr_assert(text_time(bytes_text(text), &ns, &date_only), "%s", text);
    return ns;
}

Test(region, knows_the_35_states_in_five_sub_regions)
{
    static const struct {
        const char *slug, *codes;
    } all[] = {
        {"north-america", "CA MX US"},
        {"central-america", "BZ CR GT HN NI PA SV"},
        {"caribbean", "AG BB BS CU DM DO GD GY HT JM KN LC SR TT VC"},
        {"andean", "BO CO EC PE VE"},
        {"southern-cone", "AR BR CL PY UY"},
    };
    struct regions *r = built_in();
    unsigned states = 0;
    cr_expect_eq(r->subregions, 5);
    for (size_t i = 0; i < 5; i++) {
        cr_expect_str_eq(r->subregion[i].slug, all[i].slug);
        for (const char *c = all[i].codes; *c; c += c[2] ? 3 : 2, states++) {
            char code[3] = {c[0], c[1]};
            unsigned place = region_place(r, code);
            cr_assert(place < r->states, "%s", code);
            cr_expect_str_eq(region_of(r, code), all[i].slug, "%s", code);
            cr_expect_gt(strlen(r->place[place].name), 2);
            cr_expect_gt(strlen(r->place[place].name_es), 2);
        }
    }
    cr_expect_eq(states, 35);
    cr_expect_eq(r->states, 35);
    regions_free(r);
}

Test(region, finds_a_place_by_its_code_and_nothing_by_another)
{
    static const char *const none[] = {"", "C", "ZZ", "ES", "EU", "CLX", "C ", "1L", "\xc3\xa7"};
    struct regions *r = built_in();
    cr_expect_str_eq(region_of(r, "cl"), "southern-cone");
    cr_expect_str_eq(region_of(r, "PR"), "caribbean");
    cr_expect_geq(region_place(r, "PR"), r->states, "a territory is no state");
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        cr_expect_null(region_of(r, none[i]), "%s", none[i]);
        cr_expect_not(region_member(r, none[i], 0));
    }
    cr_expect_eq(region_subregion_named(r, bytes_text("andean")), 3);
    cr_expect_eq(region_subregion_named(r, bytes_text("antarctica")), REGION_NONE);
    regions_free(r);
}

/* The OAS's own pages; rules/regions.yaml names them. */
Test(region, tells_the_standing_in_the_oas_at_a_time)
{
    static const struct {
        const char *code, *when, *standing;
        bool member;
    } cases[] = {
        {"CL", "1948-04-29", "none", false},     {"CL", "1948-04-30", "member", true},
        {"CA", "1990-01-07", "none", false},     {"CA", "1990-01-08", "member", true},
        {"GY", "2026-11-21", "member", true},    {"CU", "1962-01-30", "member", true},
        {"CU", "1962-01-31", "suspended", true}, {"CU", "2009-06-03", "absent", true},
        {"HN", "2009-07-03", "member", true},    {"HN", "2009-07-04", "suspended", true},
        {"HN", "2011-06-01", "member", true},    {"NI", "2023-11-18", "member", true},
        {"NI", "2023-11-19", "left", false},     {"VE", "2019-04-26", "member", true},
        {"VE", "2026-01-01", "disputed", true},  {"PR", "2026-01-01", "none", false},
    };
    struct regions *r = built_in();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t at = day(cases[i].when);
        cr_expect_str_eq(region_standing_name(region_standing_at(r, cases[i].code, at)), cases[i].standing, "%s %s",
                         cases[i].code, cases[i].when);
        cr_expect_eq(region_member(r, cases[i].code, at), cases[i].member, "%s %s", cases[i].code, cases[i].when);
    }
    unsigned in_1948 = 0, in_1992 = 0;
    for (unsigned i = 0; i < r->states; i++) {
        in_1948 += region_member(r, r->place[i].code, day("1948-12-31"));
        in_1992 += region_member(r, r->place[i].code, day("1992-01-01"));
    }
    cr_expect_eq(in_1948, 21);
    cr_expect_eq(in_1992, 35);
    regions_free(r);
}

static bool are_neighbours(const struct regions *r, const char *a, const char *b)
{
    const struct region_place *p = &r->place[region_place(r, a)];
    for (unsigned i = 0; i < p->neighbours; i++)
        if (p->neighbour[i] == region_place(r, b))
            return true;
    return false;
}

Test(region, has_neighbours_over_land_and_near_ones_over_sea)
{
    static const char *const near[][2] = {
        {"CL", "AR"}, {"CL", "PE"}, {"BR", "SR"}, {"BR", "VE"}, {"HT", "DO"}, {"GY", "SR"}, {"PA", "CO"},
        {"TT", "VE"}, {"US", "CU"}, {"CU", "JM"}, {"LC", "VC"}, {"AG", "KN"}, {"SV", "NI"},
    };
    static const char *const far[][2] = {{"CL", "BR"}, {"EC", "BR"}, {"US", "GT"},
                                         {"TT", "BB"}, {"JM", "BS"}, {"CL", "UY"}};
    struct regions *r = built_in();
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        cr_expect(are_neighbours(r, near[i][0], near[i][1]), "%s %s", near[i][0], near[i][1]);
        cr_expect(are_neighbours(r, near[i][1], near[i][0]), "%s %s", near[i][1], near[i][0]);
    }
    for (size_t i = 0; i < sizeof far / sizeof *far; i++)
        cr_expect_not(are_neighbours(r, far[i][0], far[i][1]), "%s %s", far[i][0], far[i][1]);
    cr_expect_eq(r->place[region_place(r, "BR")].neighbours, 9, "all of South America but Chile and Ecuador");
    regions_free(r);
}

/* A scan that grows from state to state can reach each of them. */
Test(region, joins_all_states_by_neighbours)
{
    struct regions *r = built_in();
    bool reached[REGION_PLACES_MAX] = {true};
    unsigned queue[REGION_PLACES_MAX] = {0}, from = 0, count = 1;
    while (from < count) {
        const struct region_place *p = &r->place[queue[from++]];
        for (unsigned i = 0; i < p->neighbours; i++)
            if (!reached[p->neighbour[i]]) {
                reached[p->neighbour[i]] = true;
                queue[count++] = p->neighbour[i];
            }
    }
    cr_expect_eq(count, r->states);
    regions_free(r);
}

#define TWO "subregions:\n  one-side: {name: One, name_es: Uno}\nstates:\n"
#define A_  "  - {code: AA, name: A, name_es: A, subregion: one-side, oas: {2001-01-01: member}, neighbours: [BB]}\n"
#define B_  "  - {code: BB, name: B, name_es: B, subregion: one-side, oas: {}, neighbours: [AA]}\n"

Test(region, reads_a_file_of_ones_own)
{
    struct buffer mistakes = {0};
    struct regions *r = regions_read(bytes_text(TWO A_ B_), "r.yaml", take_mistake, &mistakes);
    cr_assert(r, "%.*s", (int)mistakes.len, mistakes.at);
    cr_expect_eq(r->states, 2);
    cr_expect_null(region_of(r, "CL"));
    cr_expect_str_eq(region_of(r, "BB"), "one-side");
    cr_expect_not(region_member(r, "BB", INT64_MAX));
    regions_free(r);
}

Test(region, names_file_line_and_what_was_expected)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"[]", "r.yaml: line 1: the file: expected a map of subregions, states and territories, found a list\n"},
        {"a: b: c", "r.yaml: line 1, column 5: mapping values are not allowed in this context\n"},
        {"states: []\n", "r.yaml: line 1: subregions: expected a map, found nothing\n"},
        {TWO A_ B_ "land: []\n",
         "r.yaml: line 6: the file: expected one of subregions, states, territories, found \"land\"\n"},
        {TWO A_ B_ A_, "r.yaml: line 6: states[2].code: expected a country's two capital letters (ISO 3166), no two "
                       "alike, found \"AA\"\n"},
        {TWO A_, "r.yaml: line 4: AA.neighbours: expected the code of another state of this file, each once, found "
                 "\"BB\"\n"},
        {TWO A_ "  - {code: BB, name: B, name_es: B, subregion: one-side, oas: {}, neighbours: []}\n",
         "r.yaml: line 4: AA.neighbours: expected a state that has this one among its neighbours too, found \"BB\"\n"},
        {TWO "  - {code: AA, name: A, name_es: A, subregion: two, oas: {}, neighbours: []}\n",
         "r.yaml: line 4: AA.subregion: expected one of the sub-regions above, found \"two\"\n"},
        {TWO "  - {code: AA, name: A, name_es: A, subregion: one-side, oas: {2001-01-01: friend}, neighbours: []}\n",
         "r.yaml: line 4: AA.oas: expected member, suspended, absent, disputed or left, found \"friend\"\n"},
        {TWO "  - {code: AA, name: A, name_es: A, subregion: one-side,\n"
             "     oas: {2001-01-01: member, 2000-01-01: left}, neighbours: []}\n",
         "r.yaml: line 5: AA.oas: expected a day behind the one before, 8 at most, found \"2000-01-01\"\n"},
        {TWO "  - {code: AA, name_es: A, subregion: one-side, oas: {}, neighbours: []}\n",
         "r.yaml: line 4: AA.name: expected a name, found nothing\n"},
        {"subregions: {Cone.1: {}}\nstates: []\n",
         "r.yaml: line 1: subregions.Cone.1: expected a slug such as southern-cone with a map of names, 32 at most, "
         "found \"Cone.1\"\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer told = {0};
        cr_expect_null(regions_read(bytes_text(cases[i].text), "r.yaml", take_mistake, &told));
        buffer_char(&told, 0);
        cr_expect_str_eq(told.at, cases[i].told);
        buffer_free(&told);
    }
}
