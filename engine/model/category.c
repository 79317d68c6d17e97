/*
 * RSIT version 1003 as one table; other people's names for its types as a second one that points into it by name.
 */
#include "model/category.h"

#include <assert.h>

static const struct {
    const char *class, *type;
} taxonomy[] = {
    {"abusive-content", "spam"},
    {"abusive-content", "harmful-speech"},
    {"abusive-content", "violence"},
    {"malicious-code", "infected-system"},
    {"malicious-code", "c2-server"},
    {"malicious-code", "malware-distribution"},
    {"malicious-code", "malware-configuration"},
    {"information-gathering", "scanner"},
    {"information-gathering", "sniffing"},
    {"information-gathering", "social-engineering"},
    {"intrusion-attempts", "ids-alert"},
    {"intrusion-attempts", "brute-force"},
    {"intrusion-attempts", "exploit"},
    {"intrusions", "privileged-account-compromise"},
    {"intrusions", "unprivileged-account-compromise"},
    {"intrusions", "application-compromise"},
    {"intrusions", "system-compromise"},
    {"intrusions", "burglary"},
    {"availability", "dos"},
    {"availability", "ddos"},
    {"availability", "misconfiguration"},
    {"availability", "sabotage"},
    {"availability", "outage"},
    {"information-content-security", "unauthorised-information-access"},
    {"information-content-security", "unauthorised-information-modification"},
    {"information-content-security", "data-loss"},
    {"information-content-security", "data-leak"},
    {"fraud", "unauthorised-use-of-resources"},
    {"fraud", "copyright"},
    {"fraud", "masquerade"},
    {"fraud", "phishing"},
    {"vulnerable", "weak-crypto"},
    {"vulnerable", "ddos-amplifier"},
    {"vulnerable", "potentially-unwanted-accessible"},
    {"vulnerable", "information-disclosure"},
    {"vulnerable", "vulnerable-system"},
    {"other", "other"},
    {"other", "undetermined"},
    {"test", "test"},
};

enum { CATEGORY_TEXT_MAX = 96 };

static_assert(sizeof taxonomy / sizeof *taxonomy == CATEGORIES, "all of it");

const category_id CATEGORY_UNDETERMINED = CATEGORIES - 2;

/* Blanks and underscores are hyphens here. */
static const struct {
    const char *name, *type;
} other_names[] = {
    /* IntelMQ's own types and spellings */
    {"blacklist", "other"},
    {"dga-domain", "c2-server"},
    {"proxy", "other"},
    {"tor", "other"},
    {"unauthorized-information-access", "unauthorised-information-access"},
    {"unauthorized-information-modification", "unauthorised-information-modification"},
    {"unauthorized-use-of-resources", "unauthorised-use-of-resources"},
    /* IntelMQ before 3.0 */
    {"backdoor", "system-compromise"},
    {"botnet-drone", "infected-system"},
    {"c&c", "c2-server"},
    {"c2server", "c2-server"},
    {"compromised", "system-compromise"},
    {"dropzone", "other"},
    {"leak", "data-leak"},
    {"ransomware", "infected-system"},
    {"unauthorized-command", "system-compromise"},
    {"unauthorized-login", "system-compromise"},
    {"unknown", "undetermined"},
    {"vulnerable-client", "vulnerable-system"},
    {"vulnerable-service", "vulnerable-system"},
    /* csirt-americas, where it differs from RSIT */
    {"botnet", "infected-system"},
    {"compromise", "system-compromise"},
    {"cryptojacking", "infected-system"},
    {"defacement", "application-compromise"},
    {"fastflux", "c2-server"},
    {"infoleak", "data-leak"},
    {"malware", "infected-system"},
    {"sqli", "exploit"},
    {"vulnerability", "vulnerable-system"},
    {"xss", "exploit"},
};

/* Lower case, hyphens for blanks and underscores, `=` for `/` and no quotes, so that `class="type"` and `class/type`
 * are one form. False when the text is too long to be any name. */
static bool flatten(struct bytes text, char out[CATEGORY_TEXT_MAX])
{
    size_t len = 0;
    if (text.len >= CATEGORY_TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)bytes_lower(text.at[i]);
        if (c == '"')
            continue;
        out[len++] = c == ' ' || c == '_' ? '-' : c == '=' ? '/' : c;
    }
    out[len] = 0;
    return true;
}

static bool find(const char *class, const char *type, category_id *out)
{
    for (category_id c = 0; c < CATEGORIES; c++)
        if (strcmp(taxonomy[c].type, type) == 0 && (!class || strcmp(taxonomy[c].class, class) == 0)) {
            *out = c;
            return true;
        }
    return false;
}

bool category_read(struct bytes text, category_id *out)
{
    char flat[CATEGORY_TEXT_MAX];
    if (!flatten(bytes_trim(text), flat))
        return false;

    char *name = strncmp(flat, "rsit:", 5) == 0              ? flat + 5
                 : strncmp(flat, "csirt-americas:", 15) == 0 ? flat + 15
                                                             : flat;
    char *slash = strchr(name, '/');
    if (slash) {
        *slash = 0;
        return find(name, slash + 1, out);
    }
    for (size_t i = 0; i < sizeof other_names / sizeof *other_names; i++)
        if (strcmp(other_names[i].name, name) == 0)
            return find(NULL, other_names[i].type, out);
    return find(NULL, name, out);
}

const char *category_class(category_id c)
{
    return taxonomy[c].class;
}

const char *category_type(category_id c)
{
    return taxonomy[c].type;
}
