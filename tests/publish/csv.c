/*
 * Facts of the CSV form, with Python's csv module as the other reader.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "told.h"

static const struct output_style plain;

static char *file_of(const struct example *e)
{
    struct buffer out = {0};
    output_csv.head(&out, e->finding.kind == FINDING_OBSERVED, &plain);
    output_csv.write(&out, &e->told, &plain);
    buffer_char(&out, 0);
    return out.at;
}

Test(csv, writes_a_head_line_and_a_line_for_each_finding)
{
    struct example e;
    char expected[1024], id[FINDING_ID_MAX];
    example_init(&e);
    finding_id(&e.finding, e.sensor.name, &e.indicator.key, id);
    snprintf(
        expected, sizeof expected,
        "timestamp,kind,status,id,severity,type,value,where,indicator,match,feeds,src_ip,src_port,dest_ip,dest_port,"
        "proto,direction,state,file,packet,country,category,tlp,confidence,count,first_seen,last_seen\r\n"
        "2026-11-21T02:00:00.123456Z,hit,opened,%s,high,domain-name,c2.bad.example,tls.sni,bad.example,suffix,"
        "urlhaus;own,128.232.110.120,34855,66.35.250.204,80,TCP,outbound,established,tap.pcap,1734,CL,"
        "malicious-code/c2-server,red,80,3,2026-11-21T02:00:00.123456Z,2026-11-21T02:00:07.000000Z\r\n",
        id);
    char *file = file_of(&e);
    cr_expect_str_eq(file, expected);
    free(file);
}

Test(csv, writes_an_observation)
{
    struct example e;
    example_observed(&e);
    char *file = file_of(&e);
    cr_expect_str_eq(file,
                     "timestamp,type,value,where,src_ip,src_port,dest_ip,dest_port,proto,direction,state,file,packet,"
                     "ech\r\n"
                     "2026-11-21T02:00:00.123456Z,domain-name,c2.bad.example,tls.sni,128.232.110.120,34855,"
                     "66.35.250.204,80,TCP,outbound,established,tap.pcap,1734,false\r\n");
    free(file);
    e.finding.where = WHERE_DNS_QUERY;
    e.finding.tuple.proto = 47;
    e.finding.tuple.src_port = e.finding.tuple.dst_port = 0;
    file = file_of(&e);
    cr_expect(strstr(file, ",dns.query,128.232.110.120,,66.35.250.204,,47,outbound,established,tap.pcap,1734,\r\n"));
    free(file);
}

Test(csv, leaves_empty_what_is_not_known)
{
    struct example e;
    example_init(&e);
    e.told.source_count = 1;
    e.sources[0].confidence = INDICATOR_CONFIDENCE_UNKNOWN;
    e.sensor.country[0] = 0;
    char *file = file_of(&e);
    cr_expect(strstr(file, ",1734,ZZ,malicious-code/malware-distribution,amber,,3,"), "%s", file);
    free(file);
}

static const struct {
    struct bytes value;
    const char *read; /* what a reader of CSV gets */
} values[] = {
    {{(const uint8_t *)"plain", 5}, "plain"},
    {{(const uint8_t *)"a,b", 3}, "a,b"},
    {{(const uint8_t *)"say \"hi\"", 8}, "say \"hi\""},
    {{(const uint8_t *)"\"", 1}, "\""},
    {{(const uint8_t *)"=cmd|' /C calc'!A0", 18}, "'=cmd|' /C calc'!A0"},
    {{(const uint8_t *)"+1", 2}, "'+1"},
    {{(const uint8_t *)"-1,2", 4}, "'-1,2"},
    {{(const uint8_t *)"@SUM(A1)", 8}, "'@SUM(A1)"},
    {{(const uint8_t *)"'=quoted", 8}, "''=quoted"},
    {{(const uint8_t *)"a=b", 3}, "a=b"},
    {{(const uint8_t *)"\t=1\r\n", 5}, "\\x09=1\\x0d\\x0a"},
    {{(const uint8_t *)"nul\0esc\x1b", 8}, "nul\\x00esc\\x1b"},
    {{(const uint8_t *)"caf\xc3\xa9", 5}, "caf\xc3\xa9"},
    {{(const uint8_t *)"caf\xe9", 4}, "caf\\xe9"},
    {{(const uint8_t *)" kept ", 6}, " kept "},
};

/* The value that Python's csv module reads in the first line, for `value`; NULL without Python. */
static char *python_reads(const char *file)
{
    char path[] = "/tmp/vigia-csv-XXXXXX", command[512];
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, file, strlen(file)) == (ssize_t)strlen(file));
    close(fd);
    snprintf(command, sizeof command,
             "python3 -c 'import csv,sys\n"
             "rows=list(csv.DictReader(open(sys.argv[1],newline=\"\",encoding=\"utf-8\"),strict=True))\n"
             "assert len(rows)==1 and None not in rows[0] and rows[0][\"first_seen\"][:4]==\"2026\"\n"
             "sys.stdout.buffer.write(rows[0][\"value\"].encode())' %s",
             path);
    FILE *python = popen(command, "r");
    static char read[512];
    size_t len = python ? fread(read, 1, sizeof read - 1, python) : 0;
    int status = python ? pclose(python) : -1;
    unlink(path);
    read[len] = 0;
    return status == 0 ? read : NULL;
}

Test(csv, is_read_by_others_as_it_was_meant)
{
    if (system("python3 -c 'import csv' 2>/dev/null") != 0)
        cr_skip_test("skipped: no Python");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct example e;
        example_init(&e);
        example_value(&e, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, values[i].value, text_of(""));
        char *file = file_of(&e);
        const char *read = python_reads(file);
        cr_expect(read && strcmp(read, values[i].read) == 0, "line %zu: %s in %s", i, read ? read : "(nothing)", file);
        free(file);
    }
}

Test(csv, marks_as_text_what_a_spreadsheet_would_compute)
{
    struct example e;
    example_init(&e);
    e.indicator.key.only = true;
    e.sources[0].feed = text_of("@feed");
    e.told.file = "-";
    char *file = file_of(&e);
    cr_expect(strstr(file, ",tls.sni,'=bad.example,suffix,'@feed;own,"), "%s", file);
    cr_expect(strstr(file, ",established,'-,1734,"), "%s", file);
    free(file);
}

Test(csv, keeps_a_finding_on_one_line)
{
    struct example e;
    char hostile[256];
    example_init(&e);
    for (int i = 0; i < 256; i++)
        hostile[i] = (char)i;
    example_value(&e, OBSERVABLE_USER_AGENT, WHERE_HTTP_USER_AGENT, bytes_of(hostile, 256), text_of(""));
    e.sources[0].feed = bytes_of(hostile, 256);
    struct buffer out = {0};
    output_csv.write(&out, &e.told, &plain);
    for (size_t i = 0; i + 2 < out.len; i++)
        cr_assert((uint8_t)out.at[i] >= 0x20 && (uint8_t)out.at[i] < 0x7f, "octet %zu", i);
    buffer_free(&out);
}
