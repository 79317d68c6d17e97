/*
 * A reader of tag, length, value, and the two or three paths through a certificate that lead to names.
 */
#include "wire/x509.h"

enum {
    TAG_BOOLEAN = 0x01,
    TAG_OCTETS = 0x04,
    TAG_OID = 0x06,
    TAG_BMP_STRING = 0x1e,
    TAG_SEQUENCE = 0x30,
    TAG_SET = 0x31,
    TAG_VERSION = 0xa0,
    TAG_EXTENSIONS = 0xa3,
    NAME_EMAIL = 0x81, /* GeneralName: rfc822Name [1], dNSName [2], uniformResourceIdentifier [6], iPAddress [7] */
    NAME_DNS = 0x82,
    NAME_URI = 0x86,
    NAME_ADDRESS = 0x87,
    TAG_LONG = 0x1f, /* a tag number that goes on */
    LENGTH_LONG = 0x80,
    LENGTH_OCTETS_MAX = 4,
};

static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};
static const uint8_t oid_email[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};
static const uint8_t oid_alt_name[] = {0x55, 0x1d, 0x11};

static void refuse(struct cursor *c)
{
    c->overrun = true;
    c->at = c->end;
}

/* The next value, whatever it is. */
static uint8_t next(struct cursor *c, struct cursor *content)
{
    uint8_t tag = cursor_u8(c);
    size_t length = cursor_u8(c);
    if ((tag & TAG_LONG) == TAG_LONG || length == LENGTH_LONG || length > LENGTH_LONG + LENGTH_OCTETS_MAX)
        refuse(c);
    if (length > LENGTH_LONG) {
        size_t octets = length - LENGTH_LONG;
        for (length = 0; octets; octets--)
            length = length << 8 | cursor_u8(c);
    }
    *content = cursor_child(c, length);
    return tag;
}

/* The next value, which must have this tag. */
static struct cursor enter(struct cursor *c, uint8_t tag)
{
    struct cursor content;
    if (next(c, &content) != tag)
        refuse(c);
    return c->overrun ? *c : content;
}

static bool begins_with(const struct cursor *c, uint8_t tag)
{
    return cursor_left(c) && *c->at == tag;
}

/* Extensions: of each its OID, perhaps whether it is critical, and its value in an octet string. */
static void find_alt_name(struct cursor *extensions, struct x509 *out)
{
    while (cursor_left(extensions)) {
        struct cursor extension = enter(extensions, TAG_SEQUENCE);
        struct cursor oid = enter(&extension, TAG_OID);
        if (begins_with(&extension, TAG_BOOLEAN))
            (void)enter(&extension, TAG_BOOLEAN);
        struct cursor value = enter(&extension, TAG_OCTETS);
        extensions->overrun |= extension.overrun;
        if (bytes_equal(cursor_rest(&oid), bytes_of(oid_alt_name, sizeof oid_alt_name))) {
            out->names = enter(&value, TAG_SEQUENCE);
            extensions->overrun |= value.overrun;
            return;
        }
    }
}

bool x509_read(struct bytes der, struct x509 *out)
{
    struct cursor c = cursor_of(der), skipped, nothing = cursor_of(bytes_from(der, der.len));
    *out = (struct x509){.issuer = nothing, .subject = nothing, .names = nothing};
    struct cursor certificate = enter(&c, TAG_SEQUENCE);
    struct cursor body = enter(&certificate, TAG_SEQUENCE);
    if (begins_with(&body, TAG_VERSION))
        next(&body, &skipped);
    next(&body, &skipped); /* serial number */
    next(&body, &skipped); /* signature algorithm */
    out->issuer = enter(&body, TAG_SEQUENCE);
    next(&body, &skipped); /* validity */
    out->subject = enter(&body, TAG_SEQUENCE);
    next(&body, &skipped); /* public key */
    while (cursor_left(&body)) {
        struct cursor part;
        if (next(&body, &part) != TAG_EXTENSIONS)
            continue;
        struct cursor extensions = enter(&part, TAG_SEQUENCE);
        find_alt_name(&extensions, out);
        body.overrun |= part.overrun || extensions.overrun;
    }
    return !body.overrun;
}

/* BMPString: two octets a character (X.690, 8.23.8). */
static struct bytes narrow(struct bytes wide, uint8_t room[X509_NAME_MAX])
{
    size_t len = wide.len / 2 < X509_NAME_MAX ? wide.len / 2 : X509_NAME_MAX;
    for (size_t i = 0; i < len; i++) {
        if (wide.at[2 * i])
            return bytes_of(room, 0);
        room[i] = wide.at[2 * i + 1];
    }
    return bytes_of(room, len);
}

bool x509_next_attribute(struct cursor *name, struct x509_value *out, uint8_t room[X509_NAME_MAX])
{
    while (cursor_left(name)) {
        struct cursor set = enter(name, TAG_SET);
        if (cursor_left(&set) == 0)
            continue;
        struct cursor attribute = enter(&set, TAG_SEQUENCE);
        struct cursor oid = enter(&attribute, TAG_OID), value;
        uint8_t tag = next(&attribute, &value);
        if (attribute.overrun) {
            refuse(name);
            return false;
        }
        struct bytes type = cursor_rest(&oid);
        bool common = bytes_equal(type, bytes_of(oid_common_name, sizeof oid_common_name));
        if (!common && !bytes_equal(type, bytes_of(oid_email, sizeof oid_email)))
            continue;
        out->kind = common ? X509_COMMON_NAME : X509_EMAIL;
        out->text = tag == TAG_BMP_STRING ? narrow(cursor_rest(&value), room) : cursor_rest(&value);
        return true;
    }
    return false;
}

bool x509_next_name(struct cursor *names, struct x509_value *out)
{
    while (cursor_left(names)) {
        struct cursor value;
        uint8_t tag = next(names, &value);
        out->text = cursor_rest(&value);
        switch (names->overrun ? 0 : tag) {
        case NAME_EMAIL: out->kind = X509_EMAIL; return true;
        case NAME_DNS: out->kind = X509_DNS; return true;
        case NAME_URI: out->kind = X509_URI; return true;
        case NAME_ADDRESS: out->kind = X509_ADDRESS; return true;
        default: break;
        }
    }
    return false;
}
