#!/usr/bin/python3
"""soak.py VIGIA [--seconds N] [--mbps N]: the daemon on a tap at full speed, and a reload every 5 s, for N seconds (600).

A pair of veths in a network namespace; tcpreplay sends the shared captures of Ethernet and the sample, preloaded and
over and over, as fast as it can (or at --mbps). Two sets of indicators take turns, each time with one that is new, so
that no two generations are alike and each one hits. A subscriber reads every message. At the end:

  - every packet that was sent was counted by the daemon, or by the kernel as lost; none was lost;
  - each topic's seq went up by one from 1 to the last that the journal has: no gap, no repeat, each `updated` behind
    its `opened`;
  - each reload brought a generation, and none failed;
  - memory is flat: the median RSS of the last third is at most 3 % above that of the second (in the first
    one, what has a limit fills: flows, the journal's cache of 32 MiB);
  - it ended well.

What was seen is printed as it goes and at the end. Needs root, ip (iproute2), tcpreplay and pyzmq; exits with 77 where
they are missing.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import signal
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import live
from live import Skip, same, wait_for

RELOAD_S = 5
JUDGED_S = 180  # a run that is shorter fills caches for too much of its time to say that memory is flat
ROWS = 50_000  # of each set of indicators, beside those that hit
NAMES = 200  # that pass by, of which each set has the half
FLAT = 1.03
FRAME_MAX = 9014  # what the veths take
SHARED = pathlib.Path("../shared/data").resolve()


def frames_of(path):
    """The whole Ethernet frames of a capture that tcpreplay can send; none where it is no such capture."""
    octets = path.read_bytes()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}
    order = order.get(octets[:4])
    if not order or struct.unpack_from(order + "I", octets, 20)[0] != 1:
        return
    at = 24
    while at + 16 <= len(octets):
        captured, whole = struct.unpack_from(order + "II", octets, at + 8)
        frame = octets[at + 16:at + 16 + captured]
        if captured == whole == len(frame) and 14 <= captured <= FRAME_MAX:
            yield frame
        at += 16 + captured


def mix(path):
    """All that there is, in one capture; how many frames it has."""
    sources = sorted(p for p in SHARED.rglob("*.pcap") if p.is_file()) if SHARED.is_dir() else []
    if not sources:
        print("no shared data: the sample alone")
    frames = [f for source in [live.SAMPLE, *sources] for f in frames_of(source)]
    with open(path, "wb") as file:
        file.write(live.CAPTURE)
        file.writelines(live.record(frame, n / 1e6) for n, frame in enumerate(frames))
    octets = sum(map(len, frames))
    print(f"{len(frames)} frames of {len(sources) + 1} captures, {octets / len(frames):.0f} octets each")


def names_in(path):
    """Some of the names that pass by."""
    out = live.vigia("observe", "--format", "json", path).stdout
    seen = sorted({o["value"] for o in map(json.loads, out.splitlines())
                   if o["type"] == "domain-name" and re.fullmatch(r"([a-z0-9-]{1,63}\.)+[a-z]{2,63}", o["value"])})
    return seen[::len(seen) // NAMES + 1]


class Counts(live.Subscriber):
    """Keeps of each topic its last seq, and what is wrong with what it hears."""

    def __init__(self, endpoint):
        self.last, self.opened, self.wrong = collections.Counter(), set(), []
        self.statuses, self.heartbeats, self.folded = collections.Counter(), 0, 0
        super().__init__(endpoint)

    def run(self):
        while not self.over:
            if self.socket.poll(50):
                topic, body = self.socket.recv_multipart()
                self.hear(topic.decode(), json.loads(body))
        self.socket.close()

    def hear(self, topic, finding):
        if topic.startswith("status."):
            self.heartbeats += 1
            return
        if finding["seq"] != self.last[topic] + 1:
            self.wrong.append(f"{topic}: {finding['seq']} after {self.last[topic]}")
        self.last[topic] = finding["seq"]
        self.statuses[finding["status"]] += 1
        self.folded += finding.get("folded", 0)
        if finding["status"] == "opened":
            self.opened.add((topic, finding["id"]))
        elif (topic, finding["id"]) not in self.opened:
            self.wrong.append(f"{topic}: {finding['id']} is updated and was never opened")


def memory_of(pid):
    """Resident, and its part that is no file or shared mapping; kB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return [int(re.search(rf"{name}:\s*(\d+)", text).group(1)) for name in ("VmRSS", "RssAnon")]


class Sets:
    """The sets of indicators that take turns."""

    def __init__(self, folder, names):
        self.folder, self.names, self.turn = folder, names, 0
        live.timeless(folder)
        rows = (folder / "sample-indicators.csv").read_text().splitlines()
        self.columns, self.sample = rows[0], rows[1:]
        same(self.columns.split(",")[:2], ["type", "value"])
        self.write()

    def write(self):
        """The sample's, but every other one in every other set, and one that was never there."""
        blank = "," * (len(self.columns.split(",")) - 2)  # type and value come first
        names = [*self.names[self.turn % 2::2], *(f"n{n}.{'ab'[self.turn % 2]}.example" for n in range(ROWS)), f"turn-{self.turn}.example"]
        kept = [row for n, row in enumerate(self.sample) if n % 4 == 0 or n % 2 == self.turn % 2]
        self.turn += 1
        return live.indicators(self.folder, *kept, *(f"domain-name,{name}{blank}" for name in names), name="set.csv",
                               columns=self.columns)


def link(wire, name, what):
    return int(wire.run("cat", f"/sys/class/net/{name}/statistics/{what}"))


def heard_of(status):
    return live.frames_of(status), status["sensors"][0]["lost"]


def watch(options, daemon, sets, replaying):
    """Reloads, and looks at what it takes, until all is sent. (seconds, RSS, anonymous) of each second."""
    begun = time.monotonic()
    samples, reloads = [], 0
    while replaying.poll() is None:
        time.sleep(max(0, len(samples) + 1 - (time.monotonic() - begun)))
        now = time.monotonic() - begun
        samples.append((now, *memory_of(daemon.process.pid)))
        if now >= (reloads + 1) * RELOAD_S:
            sets.write()
            daemon.process.send_signal(signal.SIGHUP)
            reloads += 1
            frames, lost = heard_of(daemon.status())
            print(f"{now:5.0f} s: {frames / now / 1000:7.0f} k packets/s, {lost} lost, "
                  f"{samples[-1][1] / 1024:.0f} MiB ({samples[-1][2] / 1024:.0f} of its own), "
                  f"generation {daemon.status()['generation']}", flush=True)
        assert now < options.seconds + 60, "tcpreplay does not end"
    return samples, reloads, time.monotonic() - begun


def settled(daemon, sent):
    """The status once all that was sent has been heard, or no more comes."""
    before = None
    for _ in range(40):
        status = daemon.status()
        heard = heard_of(status)
        if sum(heard) >= sent or heard == before:
            return status
        before = heard
        time.sleep(1)
    return status


def judge_memory(samples):
    third = len(samples) // 3
    second, last = (statistics.median(s[1] for s in samples[n * third:(n + 1) * third]) for n in (1, 2))
    print(f"memory: {second / 1024:.1f} MiB in the second third, {last / 1024:.1f} in the last "
          f"({(last / second - 1) * 100:+.1f} %)")
    if samples[-1][0] < JUDGED_S - 1:
        print(f"not judged: it ran for less than {JUDGED_S} s")
        return []
    return [] if last <= second * FLAT else [f"memory grew by {(last / second - 1) * 100:.1f} %"]


def soak(options, folder):
    live.needs_zmq()
    mix(folder / "mix.pcap")
    sets = Sets(folder, names_in(folder / "mix.pcap"))
    rate = ["--topspeed"] if options.mbps is None else [f"--mbps={options.mbps}"]
    sensor = f"{{name: office, interface: there{options.sensor}}}"
    with live.Wire() as wire, \
            live.Daemon(folder, [sensor], [folder / "set.csv"], within=wire.within,
                        more=f"flood: {{rate: {options.rate}}}") as daemon:
        daemon.start()
        first = daemon.status()["generation"]
        with Counts(daemon.endpoint) as subscriber:
            wait_for("a heartbeat", lambda: subscriber.heartbeats > 0)
            with open(folder / "tcpreplay", "w+", encoding="utf-8") as said, \
                    subprocess.Popen([*wire.within, "tcpreplay", "-q", "--preload-pcap", "--loop=0",
                                      f"--duration={options.seconds}", *rate, "-i", "here", folder / "mix.pcap"],
                                     stdout=said, stderr=said) as replaying:
                try:
                    samples, reloads, seconds = watch(options, daemon, sets, replaying)
                finally:
                    replaying.kill()
                said.seek(0)
                sent = int(re.search(r"Successful packets: *(\d+)", said.read()).group(1))
            passed = link(wire, "there", "rx_packets")
            status = settled(daemon, passed)
            wait_for("the last generation", lambda: not daemon.status()["building"])
            same(daemon.process.poll(), None)
            last = daemon.status()["generation"]
            log = daemon.stop()
            journal = sqlite3.connect(f"file:{folder}/vigia.db?mode=ro", uri=True)
            told = dict(journal.execute("SELECT name, last FROM topic"))
            journal.close()
            wait_for("the last message", lambda: dict(subscriber.last) == told or subscriber.wrong)
        wrong = subscriber.wrong[:5]
    frames, lost = heard_of(status)
    print(f"sent {sent} in {seconds:.1f} s: {sent / seconds / 1000:.0f} k packets/s; passed {passed}, "
          f"counted {frames}, lost {lost}")
    print(f"told {sum(told.values())} in {len(told)} topics ({dict(subscriber.statuses)}, {subscriber.folded} folded); "
          f"{reloads} reloads, generation {first} to {last}")
    wrong += judge_memory(samples)
    if not sent == passed == frames + lost:
        wrong.append(f"sent {sent}, passed {passed}, counted {frames} and lost {lost}")
    if lost:
        wrong.append(f"{lost} of {sent} packets lost ({lost / sent * 100:.3f} %)")
    if status["wire"]["dropped"]:
        wrong.append(f"{status['wire']['dropped']} findings dropped")
    if not told:
        wrong.append("nothing was told")
    if last - first < reloads:
        wrong.append(f"{reloads} reloads, generation {first} to {last}")
    wrong += [line for line in log.splitlines() if " error: " in line][:5]
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("vigia")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--mbps", type=float, help="at most; without it, as fast as tcpreplay can")
    parser.add_argument("--rate", type=int, default=600, help="flood.rate")
    parser.add_argument("--sensor", default="", help="more settings of the sensor, as ', buffer: 64M'")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vigia-soak-") as folder:
        try:
            wrong = soak(options, pathlib.Path(folder))
        except Skip as why:
            print(f"skipped: {why}")
            sys.exit(77)
    for text in wrong:
        print(f"not ok: {text}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
