/*
 * pcap: how fast does libpcap alone hand out the packets of a file? pcap_next_ex to the end, and nothing else. Nobody
 * who reads captures through libpcap can be faster.
 */
#include "measure.h"

#include <pcap/pcap.h>

static bool ask(const char *path, struct measured *out, struct fail *why)
{
    char reason[PCAP_ERRBUF_SIZE];
    pcap_t *p = pcap_open_offline(path, reason);
    if (!p)
        return fail_set(why, "%s", reason);
    struct pcap_pkthdr *head;
    const u_char *octets;
    int got;
    while ((got = pcap_next_ex(p, &head, &octets)) == 1) {
        out->things++;
        out->octets += head->caplen;
    }
    if (got != PCAP_ERROR_BREAK)
        fail_set(why, "%s", pcap_geterr(p));
    pcap_close(p);
    return got == PCAP_ERROR_BREAK;
}

int main(int argc, char **argv)
{
    return measure("libpcap", "packets", ask, argc, argv);
}
