#include <criterion/criterion.h>

#include "model/tlp.h"

Test(tlp, reads_labels_as_people_write_them)
{
    static const struct {
        const char *text;
        enum tlp tlp;
    } cases[] = {
        {"clear", TLP_CLEAR},
        {"green", TLP_GREEN},
        {"amber", TLP_AMBER},
        {"amber+strict", TLP_AMBER_STRICT},
        {"red", TLP_RED},
        {"TLP:RED", TLP_RED},
        {"tlp:amber+strict", TLP_AMBER_STRICT}, /* MISP's tag */
        {"TLP:AMBER+STRICT", TLP_AMBER_STRICT}, /* FIRST's own spelling */
        {"amber-strict", TLP_AMBER_STRICT},
        {"Tlp:White", TLP_CLEAR},
        {"WHITE", TLP_CLEAR},
        {" green\r\n", TLP_GREEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum tlp tlp = TLP_RED + 1;
        cr_expect(tlp_read(bytes_text(cases[i].text), &tlp), "%s", cases[i].text);
        cr_expect_eq(tlp, cases[i].tlp, "%s", cases[i].text);
    }
}

Test(tlp, takes_nothing_else_for_a_label)
{
    static const char *const refused[] = {"",           "tlp:",      "amber+",     "amber+stric", "ambe", "ambers",
                                          "tlp:green:", "pap:green", "tlp:ex:chr", "unclear",     "1",    "tlp: green"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        enum tlp tlp = TLP_RED;
        cr_expect_not(tlp_read(bytes_text(refused[i]), &tlp), "%s", refused[i]);
        cr_expect_eq(tlp, TLP_RED, "untouched: %s", refused[i]);
    }
    cr_expect_not(tlp_read(bytes_of("red\0", 4), &(enum tlp){0}));
}

Test(tlp, reads_every_name_that_it_gives_and_orders_them_by_strictness)
{
    static const char *const names[] = {"clear", "green", "amber", "amber+strict", "red"};
    for (int i = TLP_CLEAR; i <= TLP_RED; i++) {
        enum tlp tlp;
        cr_expect_str_eq(tlp_name((enum tlp)i), names[i]);
        cr_expect(tlp_read(bytes_text(names[i]), &tlp));
        cr_expect_eq(tlp, (enum tlp)i);
        cr_expect_eq(tlp_stricter(tlp, TLP_AMBER), i > TLP_AMBER ? (enum tlp)i : TLP_AMBER);
    }
}
