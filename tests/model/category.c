#include <criterion/criterion.h>
#include <stdio.h>

#include "model/category.h"

Test(category, knows_all_of_rsit_1003)
{
    static const struct {
        const char *class;
        const char *types[6];
    } rsit[] = {
        {"abusive-content", {"spam", "harmful-speech", "violence"}},
        {"malicious-code", {"infected-system", "c2-server", "malware-distribution", "malware-configuration"}},
        {"information-gathering", {"scanner", "sniffing", "social-engineering"}},
        {"intrusion-attempts", {"ids-alert", "brute-force", "exploit"}},
        {"intrusions",
         {"privileged-account-compromise", "unprivileged-account-compromise", "application-compromise",
          "system-compromise", "burglary"}},
        {"availability", {"dos", "ddos", "misconfiguration", "sabotage", "outage"}},
        {"information-content-security",
         {"unauthorised-information-access", "unauthorised-information-modification", "data-loss", "data-leak"}},
        {"fraud", {"unauthorised-use-of-resources", "copyright", "masquerade", "phishing"}},
        {"vulnerable",
         {"weak-crypto", "ddos-amplifier", "potentially-unwanted-accessible", "information-disclosure",
          "vulnerable-system"}},
        {"other", {"other", "undetermined"}},
        {"test", {"test"}},
    };
    unsigned types = 0;
    for (size_t i = 0; i < sizeof rsit / sizeof *rsit; i++)
        for (const char *const *type = rsit[i].types; *type; type++, types++) {
            char tag[128], slash[128];
            snprintf(tag, sizeof tag, "rsit:%s=\"%s\"", rsit[i].class, *type);
            snprintf(slash, sizeof slash, "%s/%s", rsit[i].class, *type);
            const char *const forms[] = {*type, tag, slash};
            for (size_t k = 0; k < 3; k++) {
                category_id c = 255;
                cr_assert(category_read(bytes_text(forms[k]), &c), "%s", forms[k]);
                cr_expect_str_eq(category_class(c), rsit[i].class);
                cr_expect_str_eq(category_type(c), *type);
            }
        }
    cr_expect_eq(types, 39 /* 38 and "test" */);
}

Test(category, reads_the_names_of_others)
{
    static const struct {
        const char *text, *type;
    } cases[] = {
        {"C2-Server", "c2-server"},
        {"C2 server", "c2-server"},
        {"infected_system", "infected-system"},
        {"unauthorized-use-of-resources", "unauthorised-use-of-resources"}, /* IntelMQ */
        {"blacklist", "other"},
        {"c&c", "c2-server"}, /* IntelMQ before 3.0 */
        {"botnet drone", "infected-system"},
        {"vulnerable service", "vulnerable-system"},
        {"unknown", "undetermined"},
        {"leak", "data-leak"},
        {"csirt-americas:defacement", "application-compromise"},
        {"csirt-americas:malware", "infected-system"},
        {"csirt-americas:ddos", "ddos"},
        {"csirt-americas:phishing", "phishing"},
        {"csirt-americas:spam", "spam"},
        {"csirt-americas:botnet", "infected-system"},
        {"csirt-americas:fastflux", "c2-server"},
        {"csirt-americas:cryptojacking", "infected-system"},
        {"csirt-americas:xss", "exploit"},
        {"csirt-americas:sqli", "exploit"},
        {"csirt-americas:vulnerability", "vulnerable-system"},
        {"csirt-americas:infoleak", "data-leak"},
        {"csirt-americas:compromise", "system-compromise"},
        {"csirt-americas:other", "other"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        category_id c = 255;
        cr_assert(category_read(bytes_text(cases[i].text), &c), "%s", cases[i].text);
        cr_expect_str_eq(category_type(c), cases[i].type, "%s", cases[i].text);
    }
}

Test(category, refuses_what_is_none)
{
    static const char *const refused[] = {"",      "c2",           "fraud/c2-server",     "/phishing",     "fraud/",
                                          "rsit:", "phishing\n x", "rsit:fraud=\"spam\"", "malicious-code"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        category_id c = 7;
        cr_expect_not(category_read(bytes_text(refused[i]), &c), "%s", refused[i]);
        cr_expect_eq(c, 7);
    }
    char longest[4096];
    memset(longest, 'a', sizeof longest);
    cr_expect_not(category_read(bytes_of(longest, sizeof longest), &(category_id){0}));
}

Test(category, has_a_name_for_not_knowing)
{
    cr_expect_str_eq(category_class(CATEGORY_UNDETERMINED), "other");
    cr_expect_str_eq(category_type(CATEGORY_UNDETERMINED), "undetermined");
}
