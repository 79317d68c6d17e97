/* Certificates are made by libcrypto, which is the oracle of what stands where in their DER. */
#include <criterion/criterion.h>
#include <openssl/x509v3.h>

#include "make.h"
#include "wire/x509.h"

static void add_name(X509_NAME *name, const char *type, int form, const char *text)
{
    cr_assert(X509_NAME_add_entry_by_txt(name, type, form, (const unsigned char *)text, -1, -1, 0));
}

/* A certificate of these names; `others`: as OpenSSL's configuration writes subjectAltName, NULL for none. */
static struct bytes certificate(X509_NAME *subject, X509_NAME *issuer, const char *others, long version)
{
    X509 *c = X509_new();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    cr_assert(c && key && X509_set_version(c, version) && ASN1_INTEGER_set(X509_get_serialNumber(c), 77));
    cr_assert(X509_gmtime_adj(X509_getm_notBefore(c), 0) && X509_gmtime_adj(X509_getm_notAfter(c), 3600));
    cr_assert(X509_set_subject_name(c, subject) && X509_set_issuer_name(c, issuer) && X509_set_pubkey(c, key));
    if (others) {
        static const char critical[] = "critical,CA:TRUE";
        X509_EXTENSION *first = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, critical);
        X509_EXTENSION *second = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, others);
        cr_assert(first && second && X509_add_ext(c, first, -1) && X509_add_ext(c, second, -1));
        X509_EXTENSION_free(first);
        X509_EXTENSION_free(second);
    }
    cr_assert(X509_sign(c, key, EVP_sha256()));
    unsigned char *der = NULL;
    int len = i2d_X509(c, &der);
    cr_assert_gt(len, 0);
    struct bytes out = alone(bytes_of(der, (size_t)len));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
    X509_free(c);
    return out;
}

static struct bytes usual(const char *others, long version)
{
    static const unsigned char wide[] = "\0w\0i\0d\0e";
    X509_NAME *subject = X509_NAME_new(), *issuer = X509_NAME_new();
    add_name(subject, "C", MBSTRING_ASC, "CL");
    add_name(subject, "O", MBSTRING_ASC, "An Organisation with a name that is as long as one may be");
    add_name(subject, "CN", MBSTRING_ASC, "*.bad.example");
    add_name(subject, "emailAddress", MBSTRING_ASC, "root@bad.example");
    cr_assert(X509_NAME_add_entry_by_txt(issuer, "CN", V_ASN1_BMPSTRING, wide, sizeof wide - 1, -1, 0));
    add_name(issuer, "CN", MBSTRING_UTF8, "Autoridad Ra\xc3\xadz");
    struct bytes der = certificate(subject, issuer, others, version);
    X509_NAME_free(subject);
    X509_NAME_free(issuer);
    return der;
}

static void write_value(struct buffer *b, const struct x509_value *v)
{
    static const char *const names[] = {"CN", "email", "dns", "uri", "address"};
    buffer_format(b, "%s ", names[v->kind]);
    for (size_t i = 0; i < v->text.len; i++)
        buffer_format(b, v->kind == X509_ADDRESS ? "%02x" : "%c", v->text.at[i]);
    buffer_char(b, '\n');
}

/* All names, one a line; `*whole` as the reader says. */
static const char *names_of(struct bytes der, struct buffer *b, bool *whole)
{
    struct x509 x;
    struct x509_value v;
    uint8_t room[X509_NAME_MAX];
    buffer_clear(b);
    *whole = x509_read(der, &x);
    buffer_text(b, "subject\n");
    while (x509_next_attribute(&x.subject, &v, room))
        write_value(b, &v);
    buffer_text(b, "issuer\n");
    while (x509_next_attribute(&x.issuer, &v, room))
        write_value(b, &v);
    buffer_text(b, "others\n");
    while (x509_next_name(&x.names, &v))
        write_value(b, &v);
    *whole &= !x.subject.overrun && !x.issuer.overrun && !x.names.overrun;
    buffer_char(b, '\0');
    b->len--;
    return b->at;
}

Test(x509, reads_names_of_every_kind)
{
    struct buffer b = {.at = NULL};
    bool whole;
    struct bytes der = usual("DNS:a.example,DNS:*.b.example,IP:192.0.2.7,IP:2001:db8::7,URI:https://u.example/x,"
                             "email:m@e.example,RID:1.2.3.4,DNS:last.example",
                             2);
    cr_expect_str_eq(names_of(der, &b, &whole), "subject\nCN *.bad.example\nemail root@bad.example\n"
                                                "issuer\nCN wide\nCN Autoridad Ra\xc3\xadz\n"
                                                "others\ndns a.example\ndns *.b.example\naddress c0000207\n"
                                                "address 20010db8000000000000000000000007\nuri https://u.example/x\n"
                                                "email m@e.example\ndns last.example\n");
    cr_expect(whole);
    alone_free(der);
    der = usual(NULL, 0); /* version 1, which has neither a version nor extensions */
    cr_expect_str_eq(names_of(der, &b, &whole), "subject\nCN *.bad.example\nemail root@bad.example\n"
                                                "issuer\nCN wide\nCN Autoridad Ra\xc3\xadz\nothers\n");
    cr_expect(whole);
    alone_free(der);
    buffer_free(&b);
}

/* What was told of the front part stays the same, and a cut is noticed wherever it is. */
Test(x509, notices_every_cut)
{
    struct buffer b = {.at = NULL};
    struct bytes der = usual("DNS:a.example", 2);
    bool whole;
    size_t signed_part = der.len - 80; /* nothing behind it is looked at */
    for (size_t len = 0; len < signed_part; len++) {
        struct bytes cut = alone(bytes_until(der, len));
        names_of(cut, &b, &whole);
        cr_expect(!whole, "cut to %zu", len);
        alone_free(cut);
    }
    alone_free(der);
    buffer_free(&b);
}

static const struct {
    const char *about, *hex;
} refused_cases[] = {
    {"nothing", ""},
    {"an indefinite length", "3080 30 02 0500 0000"},
    {"a length of five octets", "30 8500000000 02 0500"},
    {"a length beyond the end", "30 7f 3000"},
    {"a length near the end of all numbers", "30 84ffffffff 3000"},
    {"a tag of more octets", "3f 81 02 0500"},
    {"no sequence", "04 02 3000"},
};

Test(x509, refuses_what_is_no_der)
{
    for (size_t i = 0; i < sizeof refused_cases / sizeof *refused_cases; i++) {
        struct buffer hex = {.at = NULL}, b = {.at = NULL};
        bool whole;
        put_hex(&hex, refused_cases[i].hex);
        struct bytes der = alone(buffer_bytes(&hex));
        cr_expect_str_eq(names_of(der, &b, &whole), "subject\nissuer\nothers\n", "%s", refused_cases[i].about);
        cr_expect(!whole, "%s", refused_cases[i].about);
        alone_free(der);
        buffer_free(&hex);
        buffer_free(&b);
    }
}

Test(x509, reads_damaged_certificates_to_their_end)
{
    uint64_t state = 509;
    struct buffer b = {.at = NULL};
    struct bytes der = usual("DNS:a.example,IP:192.0.2.7", 2);
    bool whole;
    for (int round = 0; round < 20000; round++) {
        struct bytes copy = alone(der);
        uint8_t *at = (uint8_t *)(uintptr_t)copy.at;
        for (uint32_t n = 1 + dice(&state, 4); n-- > 0;)
            at[dice(&state, (uint32_t)copy.len)] = (uint8_t)dice(&state, 256);
        names_of(copy, &b, &whole);
        alone_free(copy);
    }
    alone_free(der);
    buffer_free(&b);
}
