#!/usr/bin/python3
"""community.py VIGIA: the flows of others' captures have the Community IDs that others published for them.

The specification's baseline (corelight/community-id-spec) names the id of each packet of its captures, that of Zeek's
plugin (corelight/zeek-community-id) the ids of each of its own. Every one must be seen, and no other. Published single
values, as those of pycommunityid's README, are in tests/model/tuple.c.
"""
import json
import pathlib
import re
import subprocess
import sys

DATA = pathlib.Path("../shared/data/permissive/pcap")
SPEC = DATA / "community-id"
ZEEK = DATA / "community-id-zeek/tests"


def flows(vigia, capture):
    """Of each flow its id and its ends."""
    out = subprocess.run([vigia, "observe", "--format", "json", capture], stdout=subprocess.PIPE, check=True).stdout
    for line in out.splitlines():
        flow = json.loads(line)["flow"]
        yield flow["community_id"], frozenset((flow["src_ip"], flow["dest_ip"]))


def expect(name, seen, expected):
    for what, values in (("is missing", expected - seen), ("is too much", seen - expected)):
        for value in sorted(values, key=str):
            print(f"{name}: {value} {what}")
    return seen != expected


def spec(vigia):
    baseline = json.loads((SPEC / "baseline/baseline_deflt.json").read_text())
    expected = {(row["communityid"], frozenset((row["saddr"], row["daddr"]))) for row in baseline}
    wrong = expect("baseline", set(flows(vigia, SPEC / "pcaps/combined.pcap.gz")), expected)
    for name in ("icmp", "udp", "arp"):
        seen = set(flows(vigia, SPEC / f"pcaps/{name}.pcap"))
        wrong += expect(name, seen, seen & expected if name != "arp" else set())
    return wrong


def zeek(vigia):
    wrong = 0
    for name in ("icmp", "ipv6", "tcp", "udp"):
        baseline = (ZEEK / f"Baseline/communityid.run-pcaps/{name}.pcap.out").read_text()
        expected = set(re.findall(r"-> (1:\S+)", baseline))
        seen = {i for i, _ in flows(vigia, ZEEK / f"Traces/{name}.pcap")}
        wrong += expect(f"Zeek's {name}", seen, expected)
    return wrong


def main():
    if not SPEC.exists():
        print("skipped: no shared data")
        return 77
    return min(1, spec(sys.argv[1]) + zeek(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
