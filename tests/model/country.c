#include <criterion/criterion.h>

#include "model/country.h"

/* ISO 3166-1 (2024): 249 codes. */
Test(country, knows_as_many_as_are_assigned)
{
    int count = 0;
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++)
            count += country_read(bytes_of((char[]){a, b}, 2), (char[3]){""});
    cr_expect_eq(count, 249 + 2, "and XK and UK");
}

Test(country, reads_two_letters_in_any_case)
{
    static const char *const cases[][2] = {
        {"CL", "CL"}, {"br", "BR"}, {"Us", "US"}, {"uk", "GB"}, {"XK", "XK"}, {"SX", "SX"},
        {"BQ", "BQ"}, {"ss", "SS"}, {"XX", ""},   {"ZZ", ""},   {"EU", ""},   {"AP", ""},
        {"AN", ""},   {"C", ""},    {"CHL", ""},  {"C1", ""},   {"", ""},     {"\xc3\xb1", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[3] = "";
        cr_expect_eq(country_read(bytes_text(cases[i][0]), out), cases[i][1][0] != 0, "%s", cases[i][0]);
        cr_expect_str_eq(out, cases[i][1], "%s", cases[i][0]);
    }
}
