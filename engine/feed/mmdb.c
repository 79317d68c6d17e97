/*
 * MaxMind DB (libmaxminddb; MaxMind-DB spec 2.0): a binary tree over the bits of addresses, whose leaves are records.
 *
 * The tree is walked whole and its leaves go into the table of all networks, so that a database and other files
 * together mean what they mean alone. The country of a record is `country.iso_code`, else
 * `registered_country.iso_code`, else a text `country_code` or `country`, as free databases have it.
 *
 * In a tree over IPv6, IPv4 stands below ::/96, and other prefixes (::ffff:0:0/96, 2002::/16, 2001::/32) may lead to
 * the same nodes once more. Those are not followed: an address of 6to4 or Teredo has no country here.
 */
#include "feed/place.h"
#include "model/country.h"

#include <assert.h>
#include <maxminddb.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    V6_BITS = 128,
    V4_BITS = 32,
    V4_AT = 96,             /* where IPv4 stands in a tree over IPv6 */
    MARKER_WITHIN = 131072, /* the metadata lie in the last 128 KiB and begin with a marker */
    VISITS_A_NODE = 16,     /* on average; more is no tree, but one that leads to itself */
};

static const char marker[] = "\xab\xcd\xefMaxMind.com";

struct walk {
    MMDB_s db;
    struct place_reading *r;
    struct fail *why;
    struct address path; /* the bits from the root to here */
    bool v6;
    uint32_t v4_node; /* where IPv4 begins in a tree over IPv6 */
    uint64_t visits;
};

static bool probe(struct bytes content)
{
    struct bytes end = bytes_from(content, content.len > MARKER_WITHIN ? content.len - MARKER_WITHIN : 0);
    return memmem(end.at, end.len, marker, sizeof marker - 1);
}

/* ---- records */

static bool text_at(MMDB_entry_s *entry, const char *const *path, char country[3])
{
    MMDB_entry_data_s data;
    int status = MMDB_aget_value(entry, &data, path);
    return status == MMDB_SUCCESS && data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING &&
           country_read(bytes_of(data.utf8_string, data.data_size), country);
}

static bool country_of(MMDB_entry_s *entry, char country[3])
{
    static const char *const paths[][3] = {{"country", "iso_code", NULL},
                                           {"registered_country", "iso_code", NULL},
                                           {"country_code", NULL},
                                           {"country", NULL}};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (text_at(entry, paths[i], country))
            return true;
    return false;
}

/* The network that the path's first `bits` name. */
static struct block network(const struct walk *w, unsigned bits)
{
    struct block b = {.address = w->path, .bits = (uint8_t)bits};
    if (!w->v6) {
        b.address = address_v4(w->path.octet);
        b.bits = (uint8_t)(bits + ADDRESS_V4_BITS);
    }
    return b;
}

/* Whether the first `bits` of the path are those of ::/96, as far as they go. */
static bool is_above_v4(const struct walk *w, unsigned bits)
{
    static const uint8_t zero[V4_AT / 8];
    return w->v6 && bits <= V4_AT && memcmp(w->path.octet, zero, sizeof zero) == 0;
}

static bool take_leaf(struct walk *w, MMDB_entry_s *entry, unsigned bits)
{
    char country[3];
    struct block b = network(w, bits);
    if (!country_of(entry, country)) {
        w->r->report->unplaced++;
        return true;
    }
    if (is_above_v4(w, bits)) { /* all of IPv4, and nothing that is IPv6 */
        b.address = address_v4((const uint8_t[4]){0});
        b.bits = ADDRESS_V4_BITS;
    } else if (is_above_v4(w, V4_AT)) {
        b.address = address_v4(w->path.octet + V4_AT / 8);
    }
    return place_network(w->r, &b, country, w->why);
}

/* ---- the tree */

static bool walk_node(struct walk *w, uint32_t node, unsigned bits);

static bool take_child(struct walk *w, uint64_t record, uint8_t type, MMDB_entry_s *entry, unsigned bits)
{
    switch (type) {
    case MMDB_RECORD_TYPE_EMPTY: return true;
    case MMDB_RECORD_TYPE_DATA: return take_leaf(w, entry, bits);
    case MMDB_RECORD_TYPE_SEARCH_NODE: return walk_node(w, (uint32_t)record, bits);
    default: return fail_set(w->why, "a node of its tree points nowhere");
    }
}

static void set_bit(struct walk *w, unsigned bit, bool on)
{
    uint8_t mask = (uint8_t)(0x80 >> bit % 8);
    w->path.octet[bit / 8] = (uint8_t)(on ? w->path.octet[bit / 8] | mask : w->path.octet[bit / 8] & ~mask);
}

/* As deep as an address has bits. */
static bool walk_node(struct walk *w, uint32_t node, unsigned bits)
{
    MMDB_search_node_s n;
    if (w->v6 && node == w->v4_node && bits > 0 && !is_above_v4(w, bits))
        return true; /* IPv4 by another name */
    if (bits == (w->v6 ? V6_BITS : V4_BITS))
        return fail_set(w->why, "its tree is deeper than an address");
    if (w->visits++ > (uint64_t)w->db.metadata.node_count * VISITS_A_NODE)
        return fail_set(w->why, "its tree is none: it leads to itself");
    if (MMDB_read_node(&w->db, node, &n) != MMDB_SUCCESS)
        return fail_set(w->why, "a node of its tree cannot be read");
    bool good = take_child(w, n.left_record, n.left_record_type, &n.left_record_entry, bits + 1);
    set_bit(w, bits, true);
    good = good && take_child(w, n.right_record, n.right_record_type, &n.right_record_entry, bits + 1);
    set_bit(w, bits, false);
    return good;
}

static bool walk(struct walk *w)
{
    uint16_t version = w->db.metadata.ip_version;
    if (version != 4 && version != 6)
        return fail_set(w->why, "expected a tree over IPv4 or IPv6, found version %u", version);
    w->v6 = version == 6;
    w->v4_node = w->db.ipv4_start_node.netmask == V4_AT ? w->db.ipv4_start_node.node_value : UINT32_MAX;
    return walk_node(w, 0, 0);
}

/* ---- the file */

/* The library opens paths only: the content, which may have been packed, gets one. */
static int lend(struct bytes content, char path[64])
{
    int fd = memfd_create("mmdb", MFD_CLOEXEC);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    for (size_t done = 0; fd >= 0 && done < content.len;) {
        ssize_t n = write(fd, content.at + done, content.len - done);
        if (n <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    return fd;
}

static bool read_database(struct bytes content, struct place_reading *r, struct fail *why)
{
    char path[64];
    struct walk w = {.r = r, .why = why};
    int fd = lend(content, path);
    if (fd < 0)
        return fail_set(why, "no memory to unpack it into");
    int status = MMDB_open(path, MMDB_MODE_MMAP, &w.db);
    close(fd);
    if (status != MMDB_SUCCESS)
        return fail_set(why, "%s", MMDB_strerror(status));
    bool good = walk(&w);
    MMDB_close(&w.db);
    return good;
}

const struct place_format place_mmdb = {.name = "mmdb", .probe = probe, .read = read_database};
