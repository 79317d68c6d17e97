/*
 * Facts of key files: what is written can be read again, nothing is written over, and what others may read is refused.
 */
#include "run/keys.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The pairs of libzmq's manual (zmq_curve(7)). */
#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"
#define OTHER  "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static const struct zmtp_keys pair = {PUBLIC, SECRET};

static char folder[64];

static const char *at(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/vigia-keys-XXXXXX");
    cr_assert(mkdtemp(folder));
}

static void remove_folder(void)
{
    unlink(at("cl.key"));
    unlink(at("cl.pub"));
    cr_expect_eq(rmdir(folder), 0, "nothing else is left behind");
}

TestSuite(keys, .init = make_folder, .fini = remove_folder);

static void write_file(const char *path, mode_t mode, const char *content)
{
    FILE *file = fopen(path, "w");
    cr_assert(file);
    fputs(content, file);
    fclose(file);
    cr_assert_eq(chmod(path, mode), 0);
}

static void expect_content(const char *path, mode_t mode, const char *content)
{
    char text[512] = "";
    struct stat status;
    FILE *file = fopen(path, "r");
    cr_assert(file, "%s", path);
    cr_expect_gt(fread(text, 1, sizeof text - 1, file), 0);
    fclose(file);
    cr_expect_str_eq(text, content);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, mode, "%s: %o", path, status.st_mode);
}

static const char pair_file[] =
    "# CURVE key pair of vigia: keep it secret\npublic-key: \"" PUBLIC "\"\nsecret-key: \"" SECRET "\"\n";
static const char public_file[] = "# CURVE public key of vigia\npublic-key: \"" PUBLIC "\"\n";

Test(keys, writes_a_pair_for_its_owner_and_a_public_key_for_all)
{
    struct fail why = {0};
    struct zmtp_keys keys;
    char public[ZMTP_KEY_TEXT];
    umask(022);
    cr_assert(keys_write(at("cl"), &pair, &why), "%s", why.text);
    expect_content(at("cl.key"), 0600, pair_file);
    expect_content(at("cl.pub"), 0644, public_file);
    cr_assert(keys_read(at("cl.key"), &keys, &why), "%s", why.text);
    cr_expect_str_eq(keys.public_key, PUBLIC);
    cr_expect_str_eq(keys.secret_key, SECRET);
    cr_assert(keys_read_public(at("cl.pub"), public, &why), "%s", why.text);
    cr_expect_str_eq(public, PUBLIC);
}

Test(keys, reads_what_it_made_itself)
{
    struct fail why = {0};
    for (int i = 0; i < 20; i++) {
        struct zmtp_keys made, keys;
        zmtp_keys_make(&made);
        cr_assert(keys_write(at("cl"), &made, &why), "%s", why.text);
        cr_assert(keys_read(at("cl.key"), &keys, &why), "%s", why.text);
        cr_expect_str_eq(keys.public_key, made.public_key);
        cr_expect_str_eq(keys.secret_key, made.secret_key);
        unlink(at("cl.key"));
        unlink(at("cl.pub"));
    }
}

Test(keys, are_never_written_over)
{
    struct fail why = {0};
    write_file(at("cl.key"), 0600, "mine");
    cr_expect_not(keys_write(at("cl"), &pair, &why));
    cr_expect(strstr(why.text, "cl.key: File exists"), "%s", why.text);
    expect_content(at("cl.key"), 0600, "mine");
    cr_expect_eq(access(at("cl.pub"), F_OK), -1);
    unlink(at("cl.key"));

    why = (struct fail){0};
    write_file(at("cl.pub"), 0600, "mine");
    cr_expect_not(keys_write(at("cl"), &pair, &why));
    cr_expect(strstr(why.text, "cl.pub: File exists"), "%s", why.text);
    expect_content(at("cl.pub"), 0600, "mine");
    cr_expect_eq(access(at("cl.key"), F_OK), -1, "half a pair is none");
    unlink(at("cl.pub"));

    why = (struct fail){0};
    cr_assert_eq(symlink(at("elsewhere"), at("cl.key")), 0);
    cr_expect_not(keys_write(at("cl"), &pair, &why));
    cr_expect_eq(access(at("elsewhere"), F_OK), -1, "nor through a link");
}

static const struct {
    mode_t mode;
    bool good;
} modes[] = {{0600, true},  {0400, true},  {0700, true},  {0644, false}, {0640, false},
             {0604, false}, {0660, false}, {0601, false}, {0620, false}};

Test(keys, are_refused_where_others_may_read_them)
{
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct fail why = {0};
        struct zmtp_keys keys;
        char mode[16];
        write_file(at("cl.key"), modes[i].mode, pair_file);
        snprintf(mode, sizeof mode, "(mode %04o)", modes[i].mode);
        cr_expect_eq(keys_read(at("cl.key"), &keys, &why), modes[i].good, "%o: %s", modes[i].mode, why.text);
        cr_expect(modes[i].good || strstr(why.text, mode), "%s", why.text);
        cr_expect_eq(*keys.secret_key != 0, modes[i].good);
        unlink(at("cl.key"));
    }
}

static const struct {
    const char *content, *reason;
} files[] = {
    {pair_file, ""},
    {"secret-key: \"" SECRET "\"\n", ""},
    {"\n\r\n  secret-key:\"" SECRET "\"  \r\n", ""},
    {"", "holds no secret-key"},
    {public_file, "holds no secret-key"},
    {"public-key: \"" OTHER "\"\nsecret-key: \"" SECRET "\"\n", "its public-key belongs to another secret-key"},
    {"secret-key: \"" SECRET "\"\nsecret-key: \"" SECRET "\"\n", "line 2: expected one secret-key of 40 letters"},
    {"secret-key: " SECRET "\n", "line 1: expected one secret-key"},
    {"secret-key: \"" SECRET "x\"\n", "line 1: expected one secret-key"},
    {"secret-key: \"short\"\n", "line 1: expected one secret-key"},
    {"secret-key: \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%c~\"\n", "line 1: expected one secret-key"},
    {"secret-key\n", "line 1: expected one secret-key"},
    {"public-key: \"x\"\n", "line 1: expected one public-key"},
    {"# \ncurve\n", "line 2: expected public-key or secret-key"},
};

Test(keys, name_what_is_wrong_and_show_no_secret)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct fail why = {0};
        struct zmtp_keys keys;
        write_file(at("cl.key"), 0600, files[i].content);
        cr_expect_eq(keys_read(at("cl.key"), &keys, &why), !*files[i].reason, "%s: %s", files[i].content, why.text);
        cr_expect(strstr(why.text, files[i].reason), "%s", why.text);
        cr_expect_null(strstr(why.text, "ahhC2ac"));
        cr_expect_str_eq(keys.public_key, *files[i].reason ? "" : PUBLIC);
    }
}

Test(keys, of_others_are_public_ones_alone)
{
    char public[ZMTP_KEY_TEXT];
    struct fail why = {0};
    write_file(at("cl.key"), 0600, pair_file);
    cr_expect_not(keys_read_public(at("cl.key"), public, &why));
    cr_expect(strstr(why.text, "cl.key: holds a secret-key"), "%s", why.text);
    why = (struct fail){0};
    write_file(at("cl.pub"), 0644, "# nothing\n");
    cr_expect_not(keys_read_public(at("cl.pub"), public, &why));
    cr_expect(strstr(why.text, "holds no public-key"), "%s", why.text);
}

Test(keys, are_no_folders_pipes_or_endless_files)
{
    struct zmtp_keys keys;
    struct fail why = {0};
    cr_expect_not(keys_read(folder, &keys, &why));
    cr_expect(strstr(why.text, "is no file"), "%s", why.text);
    why = (struct fail){0};
    cr_expect_not(keys_read(at("none"), &keys, &why));
    cr_expect(strstr(why.text, "none: No such file"), "%s", why.text);
    why = (struct fail){0};
    cr_assert_eq(mkfifo(at("cl.pub"), 0600), 0);
    cr_expect_not(keys_read(at("cl.pub"), &keys, &why), "and does not wait for a writer");
    unlink(at("cl.pub"));
    why = (struct fail){0};
    static char endless[KEYS_FILE_MAX + 2];
    memset(endless, '#', KEYS_FILE_MAX + 1);
    write_file(at("cl.key"), 0600, endless);
    cr_expect_not(keys_read(at("cl.key"), &keys, &why));
    cr_expect(strstr(why.text, "larger"), "%s", why.text);
    endless[KEYS_FILE_MAX] = 0;
    why = (struct fail){0};
    write_file(at("cl.key"), 0600, endless);
    cr_expect_not(keys_read(at("cl.key"), &keys, &why));
    cr_expect(strstr(why.text, "holds no secret-key"), "%s", why.text);
}
