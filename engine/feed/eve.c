/*
 * Suricata's EVE: an object a record; those of event_type `alert` are events, all others pass. What the packet was is
 * in the objects beside `alert` (http, dns, tls, …), with the keys of Suricata 4 to 8.
 *
 * An alert's packet may go either way, so its addresses are only the source's and destination's where the rule says
 * who is whom (`alert.source`, `alert.target`, from its keyword `target`); else the sender's and receiver's.
 */
#include "feed/event_reader.h"

#include "base/text.h"

#include <stdio.h>

/* What Suricata's and Emerging Threats' classification.config call a class, and what it is in RSIT. */
static const struct {
    const char *said, *type;
} classes[] = {
    {"A Network Trojan was detected", "infected-system"},
    {"A TCP connection was detected", "other"},
    {"A client was using an unusual port", "ids-alert"},
    {"A suspicious filename was detected", "ids-alert"},
    {"A suspicious string was detected", "ids-alert"},
    {"A system call was detected", "ids-alert"},
    {"Access to a potentially vulnerable web application", "exploit"},
    {"An attempted login using a suspicious username was detected", "brute-force"},
    {"Attempt to login by a default username and password", "brute-force"},
    {"Attempted Administrator Privilege Gain", "exploit"},
    {"Attempted Denial of Service", "dos"},
    {"Attempted Information Leak", "scanner"},
    {"Attempted User Privilege Gain", "exploit"},
    {"Crypto Currency Mining Activity Detected", "infected-system"},
    {"Decode of an RPC Query", "ids-alert"},
    {"Denial of Service", "dos"},
    {"Detection of a Denial of Service Attack", "dos"},
    {"Detection of a Network Scan", "scanner"},
    {"Detection of a non-standard protocol or event", "ids-alert"},
    {"Device Retrieving External IP Address Detected", "ids-alert"},
    {"Domain Observed Used for C2 Detected", "c2-server"},
    {"Executable code was detected", "exploit"},
    {"Exploit Kit Activity Detected", "malware-distribution"},
    {"Generic ICMP event", "ids-alert"},
    {"Generic Protocol Command Decode", "ids-alert"},
    {"Inappropriate Content was Detected", "other"},
    {"Information Leak", "data-leak"},
    {"Large Scale Information Leak", "data-leak"},
    {"Malware Command and Control Activity Detected", "c2-server"},
    {"Misc Attack", "ids-alert"},
    {"Misc activity", "ids-alert"},
    {"Not Suspicious Traffic", "other"},
    {"Possible Social Engineering Attempted", "social-engineering"},
    {"Possibly Unwanted Program Detected", "infected-system"},
    {"Potential Corporate Privacy Violation", "ids-alert"},
    {"Potentially Bad Traffic", "ids-alert"},
    {"Successful Administrator Privilege Gain", "privileged-account-compromise"},
    {"Successful Credential Theft Detected", "unprivileged-account-compromise"},
    {"Successful User Privilege Gain", "unprivileged-account-compromise"},
    {"Targeted Malicious Activity was Detected", "system-compromise"},
    {"Unknown Traffic", "undetermined"},
    {"Unsuccessful User Privilege Gain", "exploit"},
    {"Web Application Attack", "exploit"},
};

/* What is kept until the record is whole. */
enum slot {
    EVENT_TYPE,
    TIME,
    SENSOR,
    CATEGORY,
    GENERATOR,
    SIGNATURE,
    REVISION,
    FLOW,
    SENDER,
    SENDER_PORT,
    RECEIVER,
    RECEIVER_PORT,
    SOURCE,
    SOURCE_PORT,
    TARGET,
    TARGET_PORT,
    HTTP_HOST,
    HTTP_PORT,
    HTTP_URL,
    KEPT,
};

typedef void taken(struct event_reader *r, enum where where, struct bytes text);

static void user_agent(struct event_reader *r, enum where where, struct bytes text)
{
    event_add(r, OBSERVABLE_USER_AGENT, where, text);
}

static void file_name(struct event_reader *r, enum where where, struct bytes text)
{
    size_t at = text.len;
    while (at && text.at[at - 1] != '/' && text.at[at - 1] != '\\')
        at--;
    event_add(r, OBSERVABLE_FILE_NAME, where, bytes_from(text, at));
}

static void ja3(struct event_reader *r, enum where where, struct bytes text)
{
    event_add(r, OBSERVABLE_JA3, where, text);
}

static void ja3s(struct event_reader *r, enum where where, struct bytes text)
{
    event_add(r, OBSERVABLE_JA3S, where, text);
}

static void ja4(struct event_reader *r, enum where where, struct bytes text)
{
    event_add(r, OBSERVABLE_JA4, where, text);
}

static void hassh(struct event_reader *r, enum where where, struct bytes text)
{
    event_add(r, OBSERVABLE_HASSH, where, text);
}

/* SHA-1, with colons. */
static void fingerprint(struct event_reader *r, enum where where, struct bytes text)
{
    event_add(r, OBSERVABLE_X509_SHA1, where, text);
}

/* `<a@b.example>`, `A B <a@b.example>` or bare. */
static void mailbox(struct event_reader *r, enum where where, struct bytes text)
{
    size_t at = bytes_find(text, '<');
    if (at < text.len)
        text = bytes_from(text, at + 1);
    event_add_email(r, where, bytes_until(text, bytes_find(text, '>')));
}

/* Of an answer: an address or a name; other kinds of record hold neither. */
static void answer(struct event_reader *r, enum where where, struct bytes text)
{
    struct address a;
    if (address_read(text, &a))
        event_add_host(r, where, text);
}

static const struct key {
    const char *path;
    enum slot slot; /* or KEPT: */
    taken *take;    /* what to do with it at once, in the order of the record */
} keys[] = {
    /* in byte order */
    {"alert.category", CATEGORY, NULL},
    {"alert.gid", GENERATOR, NULL},
    {"alert.rev", REVISION, NULL},
    {"alert.signature_id", SIGNATURE, NULL},
    {"alert.source.ip", SOURCE, NULL},
    {"alert.source.port", SOURCE_PORT, NULL},
    {"alert.target.ip", TARGET, NULL},
    {"alert.target.port", TARGET_PORT, NULL},
    {"dest_ip", RECEIVER, NULL},
    {"dest_port", RECEIVER_PORT, NULL},
    {"dns.answer.rrname", KEPT, event_add_host},
    {"dns.answers[].rdata", KEPT, answer},
    {"dns.answers[].rrname", KEPT, event_add_host},
    {"dns.grouped.AAAA[]", KEPT, answer},
    {"dns.grouped.A[]", KEPT, answer},
    {"dns.grouped.CNAME[]", KEPT, event_add_host},
    {"dns.queries[].rrname", KEPT, event_add_host},
    {"dns.query[].rrname", KEPT, event_add_host},
    {"dns.rdata", KEPT, answer},
    {"dns.rrname", KEPT, event_add_host},
    {"email.cc[]", KEPT, mailbox},
    {"email.from", KEPT, mailbox},
    {"email.to[]", KEPT, mailbox},
    {"event_type", EVENT_TYPE, NULL},
    {"fileinfo.filename", KEPT, file_name},
    {"fileinfo.md5", KEPT, event_add_hash},
    {"fileinfo.sha1", KEPT, event_add_hash},
    {"fileinfo.sha256", KEPT, event_add_hash},
    {"files[].filename", KEPT, file_name},
    {"files[].md5", KEPT, event_add_hash},
    {"files[].sha1", KEPT, event_add_hash},
    {"files[].sha256", KEPT, event_add_hash},
    {"flow_id", FLOW, NULL},
    {"host", SENSOR, NULL},
    {"http.hostname", HTTP_HOST, NULL},
    {"http.http_port", HTTP_PORT, NULL},
    {"http.http_user_agent", KEPT, user_agent},
    {"http.url", HTTP_URL, NULL},
    {"quic.ja3.hash", KEPT, ja3},
    {"quic.ja3s.hash", KEPT, ja3s},
    {"quic.ja4", KEPT, ja4},
    {"quic.sni", KEPT, event_add_host},
    {"smtp.helo", KEPT, event_add_host},
    {"smtp.mail_from", KEPT, mailbox},
    {"smtp.rcpt_to[]", KEPT, mailbox},
    {"src_ip", SENDER, NULL},
    {"src_port", SENDER_PORT, NULL},
    {"ssh.client.hassh.hash", KEPT, hassh},
    {"ssh.server.hassh.hash", KEPT, hassh},
    {"timestamp", TIME, NULL},
    {"tls.fingerprint", KEPT, fingerprint},
    {"tls.ja3.hash", KEPT, ja3},
    {"tls.ja3s.hash", KEPT, ja3s},
    {"tls.ja4", KEPT, ja4},
    {"tls.sni", KEPT, event_add_host},
    {"tls.subjectaltname[]", KEPT, event_add_host},
};

enum { KEYS = sizeof keys / sizeof *keys };

struct reading {
    struct event_reader *r;
    struct bytes kept[KEPT];
    bool other; /* no alert */
};

static bool visit(void *to, struct bytes path, const struct json_value *v)
{
    struct reading *at = to;
    const struct key *key = event_key(path, keys, KEYS, sizeof *keys);
    if (!key || (v->kind != JSON_STRING && v->kind != JSON_NUMBER))
        return true;
    if (key->slot == KEPT) {
        if (v->kind == JSON_STRING)
            key->take(at->r, WHERE_EVENT_TEXT, v->text);
        return true;
    }
    at->kept[key->slot] = v->text;
    at->other = key->slot == EVENT_TYPE && !bytes_equal(v->text, bytes_text("alert"));
    return !at->other;
}

static void add_end(struct event_reader *r, enum where where, struct bytes ip, struct bytes port)
{
    event_add_address(r, where, ip);
    event_add_ip_port(r, where, ip, port);
}

/* Suricata tells the host without port and the URL as it was asked for: mostly a path, of a proxy whole. */
static void add_url(struct event_reader *r, const struct bytes *kept)
{
    struct bytes host = kept[HTTP_HOST], port = kept[HTTP_PORT], path = kept[HTTP_URL];
    if (path.len && path.at[0] != '/') {
        event_add_url(r, WHERE_EVENT_TEXT, path);
    } else if (host.len && path.len && host.len + path.len + 32 < sizeof r->url) {
        bool six = bytes_find(host, ':') < host.len;
        int len =
            snprintf(r->url, sizeof r->url, six ? "http://[%.*s]%s%.*s%.*s" : "http://%.*s%s%.*s%.*s", (int)host.len,
                     (const char *)host.at, port.len ? ":" : "", (int)(port.len < 6 ? port.len : 0),
                     (const char *)port.at, (int)path.len, (const char *)path.at);
        event_add_url(r, WHERE_EVENT_TEXT, bytes_of(r->url, (size_t)len));
    }
    event_add_host(r, WHERE_EVENT_TEXT, host);
}

static void set_category(struct event_reader *r, struct bytes said)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (bytes_alike(said, classes[i].said)) {
            category_read(bytes_text(classes[i].type), &r->event.category);
            return;
        }
    event_set_category(r, said);
}

/* The rule and the flow; without a flow the record's digest names it better. */
static void set_reference(struct event_reader *r, const struct bytes *kept)
{
    int len = 0;
    char *out = r->reference;
    if (!kept[SIGNATURE].len || !kept[FLOW].len)
        return;
    static const enum slot parts[] = {GENERATOR, SIGNATURE, REVISION, FLOW};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct bytes part = bytes_until(kept[parts[i]], 24);
        len += sprintf(out + len, "%s%.*s",
                       i == 0             ? ""
                       : parts[i] == FLOW ? "/"
                                          : ":",
                       (int)part.len, part.len ? (const char *)part.at : "");
    }
    r->event.reference = event_text(bytes_of(out, (size_t)len));
}

static enum event_verdict read_event(struct event_reader *r, struct bytes frame, struct fail *why)
{
    struct reading at = {.r = r};
    if (!json_read(r->json, frame, visit, &at, why))
        return event_refuse(r, TALLY_NO_JSON);
    if (at.other) {
        r->event.observable_count = 0;
        return EVENT_PASSED;
    }
    if (!at.kept[EVENT_TYPE].len) {
        fail_set(why, "expected an event_type, found none");
        return event_refuse(r, TALLY_NO_EVENT);
    }
    bool named = at.kept[SOURCE].len && at.kept[TARGET].len;
    event_set_time(r, at.kept[TIME]);
    if (at.kept[CATEGORY].len)
        set_category(r, at.kept[CATEGORY]);
    if (at.kept[SENSOR].len)
        r->event.reporter = event_text(at.kept[SENSOR]);
    set_reference(r, at.kept);
    add_end(r, WHERE_EVENT_SOURCE, at.kept[named ? SOURCE : SENDER], at.kept[named ? SOURCE_PORT : SENDER_PORT]);
    add_end(r, WHERE_EVENT_DESTINATION, at.kept[named ? TARGET : RECEIVER],
            at.kept[named ? TARGET_PORT : RECEIVER_PORT]);
    add_url(r, at.kept);
    return EVENT_TAKEN;
}

static bool probe(struct bytes head)
{
    static const char *const marks[] = {"event_type", "timestamp", NULL};
    return event_head_has(head, marks);
}

const struct format format_eve = {
    .name = "eve",
    .about = "Suricata's EVE, a JSON object a line; its alerts are events",
    .probe = probe,
    .read_event = read_event,
};
