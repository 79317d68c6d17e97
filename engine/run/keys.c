/*
 * The lines are few and their form is ours, so they are read here: a YAML tree would leave copies of a secret behind.
 */
#include "run/keys.h"

#include "base/buffer.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PUBLIC "public-key"
#define SECRET "secret-key"

enum { KEY_OCTETS = ZMTP_KEY_TEXT - 1 };

/* ---- writing */

static bool write_all(int fd, struct bytes content)
{
    while (content.len) {
        ssize_t n = write(fd, content.at, content.len);
        if (n < 0 && errno != EINTR)
            return false;
        content = bytes_from(content, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

static bool write_new(const char *path, mode_t mode, struct bytes content, struct fail *why)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return fail_set(why, "%s: %s", path, strerror(errno));
    bool good = write_all(fd, content);
    int error = errno;
    if (close(fd) != 0 && good) {
        error = errno;
        good = false;
    }
    if (good)
        return true;
    unlink(path);
    return fail_set(why, "%s: %s", path, strerror(error));
}

static void line(struct buffer *out, const char *name, const char *key)
{
    buffer_format(out, "%s: \"%s\"\n", name, key);
}

static const char *named(struct buffer *path, const char *name, const char *ending)
{
    buffer_format(path, "%s%s", name, ending);
    buffer_char(path, 0);
    return path->at;
}

bool keys_write(const char *name, const struct zmtp_keys *keys, struct fail *why)
{
    struct buffer pair_path = {.at = NULL}, public_path = {.at = NULL}, pair = {.at = NULL}, public = {.at = NULL};
    named(&pair_path, name, ".key");
    named(&public_path, name, ".pub");
    buffer_text(&pair, "# CURVE key pair of vigia: keep it secret\n");
    line(&pair, PUBLIC, keys->public_key);
    line(&pair, SECRET, keys->secret_key);
    buffer_text(&public, "# CURVE public key of vigia\n");
    line(&public, PUBLIC, keys->public_key);

    bool good = write_new(pair_path.at, 0600, buffer_bytes(&pair), why);
    if (good && !write_new(public_path.at, 0644, buffer_bytes(&public), why)) {
        unlink(pair_path.at);
        good = false;
    }
    explicit_bzero(pair.at, pair.len);
    buffer_free(&pair);
    buffer_free(&public);
    buffer_free(&pair_path);
    buffer_free(&public_path);
    return good;
}

/* ---- reading */

/* `NAME: "KEY"`, of Z85's letters, which hold no quote. */
static bool read_key(struct bytes value, char out[ZMTP_KEY_TEXT])
{
    value = bytes_trim(value);
    if (value.len != KEY_OCTETS + 2 || value.at[0] != '"' || value.at[value.len - 1] != '"')
        return false;
    for (size_t i = 1; i <= KEY_OCTETS; i++)
        if (value.at[i] <= ' ' || value.at[i] >= 0x7f || strchr("\"\\'`,;_~|", value.at[i]))
            return false;
    memcpy(out, value.at + 1, KEY_OCTETS);
    out[KEY_OCTETS] = 0;
    return true;
}

/* A secret is never quoted in a reason. */
static bool read_lines(struct bytes content, struct zmtp_keys *keys, struct fail *why)
{
    struct bytes text;
    for (unsigned number = 1; text_line(&content, &text); number++) {
        text = bytes_trim(text);
        if (text.len == 0 || text.at[0] == '#')
            continue;
        size_t colon = bytes_find(text, ':');
        bool public = bytes_alike(bytes_until(text, colon), PUBLIC),
             secret = bytes_alike(bytes_until(text, colon), SECRET);
        char *key = public ? keys->public_key : keys->secret_key;
        if (!public && !secret)
            return fail_set(why, "line %u: expected " PUBLIC " or " SECRET, number);
        if (*key || !read_key(bytes_from(text, colon + 1), key))
            return fail_set(why,
                            "line %u: expected one "
                            "%s"
                            " of 40 letters of Z85 in quotes",
                            number, public ? PUBLIC : SECRET);
    }
    return true;
}

static bool check_mode(const struct stat *status, bool secret, struct fail *why)
{
    if (!S_ISREG(status->st_mode))
        return fail_set(why, "is no file");
    if (secret && status->st_mode & 077)
        return fail_set(why, "others may read it (mode %04o): chmod 600 it, or make a new pair",
                        (unsigned)status->st_mode & 07777);
    return true;
}

static bool read_open(int fd, struct zmtp_keys *keys, bool secret, struct fail *why)
{
    struct stat status;
    char content[KEYS_FILE_MAX + 1];
    size_t len = 0;
    ssize_t n = 0;
    if (fstat(fd, &status) != 0)
        return fail_set(why, "%s", strerror(errno));
    if (!check_mode(&status, secret, why))
        return false;
    while (len < sizeof content && (n = read(fd, content + len, sizeof content - len)) > 0)
        len += (size_t)n;
    bool good = n < 0                 ? fail_set(why, "%s", strerror(errno))
                : len > KEYS_FILE_MAX ? fail_set(why, "larger than %d octets: no key", KEYS_FILE_MAX)
                                      : read_lines(bytes_of(content, len), keys, why);
    explicit_bzero(content, sizeof content);
    return good;
}

static bool read_file(const char *path, struct zmtp_keys *keys, bool secret, struct fail *why)
{
    *keys = (struct zmtp_keys){.public_key = ""};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return fail_set(why, "%s", strerror(errno));
    bool good = read_open(fd, keys, secret, why);
    close(fd);
    return good;
}

static bool complete(struct zmtp_keys *keys, struct fail *why)
{
    char said[ZMTP_KEY_TEXT];
    memcpy(said, keys->public_key, sizeof said);
    if (!*keys->secret_key)
        return fail_set(why, "holds no " SECRET);
    if (!zmtp_keys_complete(keys))
        return fail_set(why, "its " SECRET " is none");
    if (*said && strcmp(said, keys->public_key) != 0)
        return fail_set(why, "its " PUBLIC " belongs to another " SECRET);
    return true;
}

bool keys_read(const char *path, struct zmtp_keys *keys, struct fail *why)
{
    if (read_file(path, keys, true, why) && complete(keys, why))
        return true;
    explicit_bzero(keys, sizeof *keys);
    return fail_at(why, "%s", path);
}

bool keys_read_public(const char *path, char public_key[ZMTP_KEY_TEXT], struct fail *why)
{
    struct zmtp_keys keys;
    bool good = read_file(path, &keys, false, why);
    if (good && *keys.secret_key)
        good = fail_set(why, "holds a " SECRET ", which nobody else should have: give its NAME.pub");
    else if (good && !*keys.public_key)
        good = fail_set(why, "holds no " PUBLIC);
    if (good)
        memcpy(public_key, keys.public_key, ZMTP_KEY_TEXT);
    explicit_bzero(&keys, sizeof keys);
    return good || fail_at(why, "%s", path);
}
