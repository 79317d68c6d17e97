#!/usr/bin/python3
"""live.py VIGIA [N/OF] [WORD...]: the daemon as those outside see it, one fact a line.

Each fact is a function whose name says what holds; with WORDs, only facts whose name holds one of them; with N/OF, that
part of them. A fact has its own daemon in a folder of its own; its sockets are files in there (ipc), but where TCP is
what the fact is about. What a fact waits for, it waits for at most WAIT seconds. Python's standard library, and pyzmq
for those that subscribe; facts about interfaces make a network namespace with a pair of veths in it, which needs root.
"""
import collections
import contextlib
import csv
import gzip
import json
import lzma
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zipfile

try:
    import zmq
except ImportError:
    zmq = None

VIGIA = os.path.abspath(sys.argv[1])
DATA = pathlib.Path("tests/data").resolve()
SUBSCRIBE = pathlib.Path("docs/subscribe.py").resolve()
SAMPLE = DATA / "sample.pcap"
SAMPLE_INDICATORS = [DATA / "sample-indicators.csv", DATA / "sample-list.txt"]
DONE, INPUT, USAGE = 0, 1, 2  # exit statuses
WAIT = 20  # seconds
TIERS = ("clear", "green", "amber", "amber-strict", "red")

FACTS = []


def fact(function):
    FACTS.append(function)
    return function


class Skip(Exception):
    pass


def same(got, expected):
    assert got == expected, f"expected {expected!r}, got {got!r}"


def holds(text, *parts):
    for part in parts:
        assert part in text, f"expected {part!r} in {text!r}"


def wait_for(what, ready, seconds=WAIT):
    """What `ready` gives, once it is true."""
    end = time.monotonic() + seconds
    while True:
        got = ready()
        if got:
            return got
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)


def needs_zmq():
    if zmq is None:
        raise Skip("no pyzmq")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- running


def vigia(*args, status=DONE):
    """Runs it to its end, and expects this status."""
    done = subprocess.run([VIGIA, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=WAIT, check=False)
    assert done.returncode == status, f"{args}: expected status {status}, got {done.returncode}: {done.stderr}"
    return done


def findings_of(text):
    return [json.loads(line) for line in text.splitlines()]


class Daemon:
    """`vigia run` in `folder`, with a vigia.yaml of this text behind what all have in common."""

    def __init__(self, folder, sensors, indicators=(), more="", endpoint=None, within=()):
        self.folder, self.within, self.process, self.starts = folder, list(within), None, 0
        self.endpoint = endpoint or f"ipc://{folder}/tell"
        self.replay = f"ipc://{folder}/replay"
        self.sensors, self.more = sensors, more
        self.configure(indicators)

    def configure(self, indicators, sensors=None, more=None):
        lines = ["threads: 2", "sensor: {name: office, country: CL, tlp: green, home: [192.0.2.0/24, 2001:db8:10::/48]}",
                 "sensors:", *(f"  - {s}" for s in (sensors or self.sensors)), "indicators:",
                 *(f"  - {{file: {i}}}" for i in indicators),
                 f"publish: {{endpoint: '{self.endpoint}', replay: '{self.replay}'{self.key()}}}",
                 "flood: {rate: 1000000, burst: 1000000}" if "flood" not in self.more else "",
                 self.more if more is None else more]
        for name in ("vigia.yaml", "ask.yaml"):  # the second for those who ask, when the first is broken on purpose
            (self.folder / name).write_text("\n".join(lines) + "\n")

    def key(self):
        return ""

    def start(self, running=True):
        self.log = self.folder / f"log.{self.starts}"
        self.starts += 1
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.within, VIGIA, "run", "-c", str(self.folder / "vigia.yaml")],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if running:
            self.said("running:")
        return self

    def heard(self):
        return self.log.read_text("utf-8", "replace")

    def said(self, *parts, seconds=WAIT):
        """Waits until it has said all this."""
        def ready():
            said = self.heard()
            assert self.process.poll() is None or all(part in said for part in parts), f"it ended: {said}"
            return all(part in said for part in parts) and said
        try:
            return wait_for(parts, ready, seconds)
        except AssertionError as why:
            raise AssertionError(f"{why}; it said {self.heard()[-1500:]!r}") from None

    def ask(self, command="status"):
        return vigia(command, "-c", self.folder / "ask.yaml", *(["--format", "json"] if command == "status" else []))

    def status(self):
        return json.loads(self.ask().stdout)

    def hits(self, *more):
        return findings_of(vigia("hits", "-c", self.folder / "ask.yaml", "--format", "json", *more).stdout)

    def ends(self, status=DONE):
        same((self.process.wait(WAIT), self.heard())[0], status)
        return self.heard()

    def stop(self):
        """As an operator does; what it told until its end is in its journal then."""
        self.process.terminate()
        return self.ends()

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Subscriber(threading.Thread):
    """Hears everything from now on: (topic, JSON as it was told). `until` waits for what is true of its messages."""

    def __init__(self, endpoint, prefix=b"", more=lambda s: None):
        super().__init__(daemon=True)
        needs_zmq()
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.RCVHWM, 0)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, 20)
        more(self.socket)
        self.socket.setsockopt(zmq.SUBSCRIBE, prefix)
        self.socket.connect(endpoint)
        self.messages, self.over = [], False
        self.start()

    def run(self):
        while not self.over:
            if self.socket.poll(50):
                self.messages.append(tuple(self.socket.recv_multipart()))
        self.socket.close()

    def findings(self):
        """(topic, finding) of each, heartbeats left out."""
        return [(topic.decode(), json.loads(body)) for topic, body in list(self.messages)
                if not topic.startswith(b"status.")]

    def beats(self):
        return [(topic.decode(), json.loads(body)) for topic, body in list(self.messages)
                if topic.endswith(b".heartbeat")]

    def until(self, what, ready, seconds=WAIT):
        return wait_for(what, lambda: ready(self), seconds)

    def connected(self):
        """A heartbeat has come, so everything that is told from now on will."""
        count = len(self.beats())
        self.until("a heartbeat", lambda s: len(s.beats()) > count)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.join(WAIT)
        self.context.term()


def replayed(endpoint, topic, first=1, last=2**53):
    """What the replay endpoint answers: (topic, JSON as it was told) of each, and the end."""
    context = zmq.Context()
    with context.socket(zmq.DEALER) as asking:
        asking.setsockopt(zmq.LINGER, 0)
        asking.connect(endpoint)
        asking.send_multipart([b"", topic.encode(), json.dumps({"from": first, "to": last}).encode()])
        got = []
        while True:
            assert asking.poll(WAIT * 1000), "the replay endpoint does not answer"
            empty, name, body = asking.recv_multipart()
            same(empty, b"")
            if not name:
                break
            got.append((name, body))
    context.term()
    return got, json.loads(body)


def gapless(findings):
    """The seqs of each topic go from 1 up by one."""
    last = collections.Counter()
    for topic, finding in findings:
        same((topic, finding["seq"]), (topic, last[topic] + 1))
        last[topic] += 1
    return last


# ---- captures

BEGIN = 1_772_460_000  # 2026-03-02T14:00:00Z
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
HERE, THERE, RESOLVER = ("192.0.2.11", 40001), ("203.0.113.80", 80), ("198.51.100.53", 53)


def address(text):
    return bytes(map(int, text.split(".")))


def checksum(octets):
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def ethernet(src, dst, proto, segment):
    """A frame around an IPv4 packet. Transport checksums are left out (0), which nobody asks for."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, proto, 0, address(src), address(dst))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return bytes.fromhex("020000000002 020000000001 0800") + head + segment


def tcp(src, dst, seq, ack, flags, payload=b""):
    return ethernet(src[0], dst[0], 6,
                    struct.pack(">HHIIBBHHH", src[1], dst[1], seq, ack, 0x50, flags, 65535, 0, 0) + payload)


def query(n, name):
    """A DNS query of its own flow."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    message = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", 1, 1)
    src = (f"192.0.2.{n // 50000 % 250 + 1}", 1024 + n % 50000)
    return ethernet(src[0], RESOLVER[0], 17, struct.pack(">HHHH", src[1], 53, 8 + len(message), 0) + message)


def answer(n):
    """The resolver's, to `query` of the same number; without names."""
    message = struct.pack(">HHHHHH", 7, 0x8180, 0, 0, 0, 0)
    dst = (f"192.0.2.{n // 50000 % 250 + 1}", 1024 + n % 50000)
    return ethernet(RESOLVER[0], dst[0], 17, struct.pack(">HHHH", 53, dst[1], 8 + len(message), 0) + message)


CAPTURE = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def record(frame, at=0.0):
    us = round((BEGIN + at) * 1_000_000)
    return struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), len(frame)) + frame


def capture(frames, at=0.0):
    """Frames a millisecond apart."""
    return CAPTURE + b"".join(record(frame, at + n / 1000) for n, frame in enumerate(frames))


def queries(count, domain="bad.example", first=0):
    return capture([query(first + n, f"n{first + n}.{domain}") for n in range(count)], first / 1000)


def packets_of(octets):
    """Of a pcap file, little endian."""
    count, at = 0, 24
    while at < len(octets):
        at += 16 + struct.unpack_from("<I", octets, at + 8)[0]
        count += 1
    return count


def put(folder, name, octets):
    """As a writer should: whole, under its name at once."""
    (folder / f".{name}").write_bytes(octets)
    (folder / f".{name}").rename(folder / name)


def push(where, octets):
    """To a TCP port, or a UNIX socket."""
    with socket.socket(socket.AF_UNIX if isinstance(where, str) else socket.AF_INET) as s:
        s.connect(where)
        s.sendall(octets)


def indicators(folder, *rows, name="indicators.csv", columns="type,value,tlp"):
    (folder / f".{name}").write_text("\n".join([columns, *rows]) + "\n")
    (folder / f".{name}").rename(folder / name)
    return folder / name


BAD = "domain-name,bad.example,green"


def inbox(tmp):
    (tmp / "in").mkdir(exist_ok=True)
    return tmp / "in"


def folder_daemon(tmp, *rows, **more):
    inbox(tmp)
    return Daemon(tmp, ["{name: office, folder: in}"], [indicators(tmp, *(rows or (BAD,)))], **more)


# ---- findings are those of replay


def essence(finding):
    """What a finding says apart from who told it, when and how often."""
    flow, seen = finding["flow"], finding["observable"]
    return (seen["type"], seen["value"], seen["where"], finding["indicator"]["type"], finding["indicator"]["value"],
            flow["src_ip"], flow.get("src_port"), flow["dest_ip"], flow.get("dest_port"), flow["proto"], flow["state"],
            finding["count"])


def last_of_each(findings):
    return {f["id"]: f for f in findings}


def replay_of(*inputs, values=SAMPLE_INDICATORS, name="office", tmp=None):
    config = tmp / "replay.yaml"
    config.write_text(f"sensor: {{name: {name}, country: CL, tlp: green, home: [192.0.2.0/24, 2001:db8:10::/48]}}\n")
    args = [a for value in values for a in ("-i", value)]
    return findings_of(vigia("replay", "-c", config, "--strict-validity", *args, *inputs).stdout)


def sample_is_told_as_in_replay(tmp, sensor, bring):
    expected = replay_of(SAMPLE, tmp=tmp)
    with Daemon(tmp, [sensor], SAMPLE_INDICATORS) as daemon:
        daemon.start()
        bring()
        wait_for("all packets", lambda: daemon.status()["telling"]["findings"] >= len(expected))
        daemon.stop()
        got = last_of_each(daemon.hits())
    same(sorted(map(essence, got.values())), sorted(map(essence, expected)))
    same(sorted(got), sorted(f["id"] for f in expected))


@fact
def tells_of_a_folder_what_replay_tells(tmp):
    folder = inbox(tmp)
    sample_is_told_as_in_replay(tmp, "{name: office, folder: in}", lambda: put(folder, "a.pcap", SAMPLE.read_bytes()))


@fact
def tells_of_a_tcp_port_what_replay_tells(tmp):
    port = free_port()
    sample_is_told_as_in_replay(tmp, f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}",
                                lambda: push(("127.0.0.1", port), SAMPLE.read_bytes()))


@fact
def tells_of_a_unix_socket_what_replay_tells(tmp):
    sample_is_told_as_in_replay(tmp, f"{{name: office, listen: 'unix://{tmp}/push'}}",
                                lambda: push(f"{tmp}/push", SAMPLE.read_bytes()))


@fact
def tells_of_a_fifo_what_replay_tells_and_hears_the_next_writer(tmp):
    def bring():
        for part in (SAMPLE.read_bytes(), queries(1, "none.example")):
            (tmp / "fifo").write_bytes(part)
    with Daemon(tmp, [f"{{name: office, listen: 'fifo://{tmp}/fifo'}}"], SAMPLE_INDICATORS) as daemon:
        daemon.start()
        bring()
        packets = packets_of(SAMPLE.read_bytes()) + 1
        wait_for("all packets", lambda: daemon.status()["sensors"][0]["heard"] == packets)
        daemon.stop()
        assert not (tmp / "fifo").exists(), "it made it, and leaves it"
        expected = replay_of(SAMPLE, tmp=tmp)
        same(sorted(last_of_each(daemon.hits())), sorted(f["id"] for f in expected))


@fact
def leaves_what_is_no_fifo_where_it_should_listen(tmp):
    (tmp / "fifo").write_text("mine")
    with Daemon(tmp, [f"{{name: office, listen: 'fifo://{tmp}/fifo'}}"]) as daemon:
        daemon.start(running=False)
        holds(daemon.ends(USAGE), "fifo", "File exists")
        same((tmp / "fifo").read_text(), "mine")


# ---- taps


def timeless(tmp):
    """The sample's indicators, valid at any time: what goes over a wire happens today."""
    with open(SAMPLE_INDICATORS[0], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with open(tmp / "sample-indicators.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, [name for name in rows[0] if name and not name.startswith("valid_")],
                             extrasaction="ignore")
        out.writeheader()
        out.writerows(rows)
    return [tmp / "sample-indicators.csv", SAMPLE_INDICATORS[1]]


class Wire:
    """A pair of veths in a network namespace of its own: what is sent into `here` comes out of `there`."""

    def __init__(self):
        if os.geteuid() != 0:
            raise Skip("not root")
        if not shutil.which("ip"):
            raise Skip("no ip (iproute2)")
        self.name = f"vigia-{os.getpid()}-{time.monotonic_ns() % 1000000}"
        made = subprocess.run(["ip", "netns", "add", self.name], capture_output=True, text=True, check=False)
        if made.returncode:
            raise Skip(f"no network namespaces here: {made.stderr.strip()}")
        self.within = ["ip", "netns", "exec", self.name]

    def run(self, *command):
        return subprocess.run([*self.within, *map(str, command)], capture_output=True, text=True, check=True,
                              timeout=WAIT).stdout

    def plug(self):
        self.run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there")
        for name in ("here", "there"):
            self.run("sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6")  # sends on its own
            self.run("ip", "link", "set", name, "mtu", "9000", "up")

    def unplug(self):
        self.run("ip", "link", "del", "here")

    def send(self, path, rate="--topspeed"):
        if not shutil.which("tcpreplay"):
            raise Skip("no tcpreplay")
        out = self.run("tcpreplay", "-q", rate, "-i", "here", path)
        return int(re.search(r"Successful packets: *(\d+)", out).group(1))

    def __enter__(self):
        try:
            self.plug()
        except subprocess.CalledProcessError as why:
            self.__exit__()
            raise Skip(f"no veth here: {why.stderr.strip()}") from None
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], check=False)


def frames_of(status):
    wire = status["wire"]
    return sum(wire[name] for name in ("packets", "not_ip", "cut", "malformed", "link_unknown"))


@fact
def tells_of_an_interface_what_replay_tells_and_counts_every_packet(tmp):
    values = timeless(tmp)
    expected = replay_of(SAMPLE, values=values, tmp=tmp)
    with Wire() as wire, Daemon(tmp, ["{name: office, interface: there}"], values,
                                within=wire.within) as daemon:
        daemon.start()
        sent = wire.send(SAMPLE, "--pps=1000")
        wait_for("all packets", lambda: frames_of(daemon.status()) >= sent, 5)
        status = daemon.status()
        daemon.stop()
        got = last_of_each(daemon.hits())
    same((frames_of(status), status["sensors"][0]["lost"]), (sent, 0))
    same(sorted(map(essence, got.values())), sorted(map(essence, expected)))


@fact
def counts_every_packet_at_full_speed(tmp):
    (tmp / "many.pcap").write_bytes(queries(20000))
    with Wire() as wire, Daemon(tmp, ["{name: office, interface: there}"], [indicators(tmp, BAD)],
                                within=wire.within) as daemon:
        daemon.start()
        sent = wire.send(tmp / "many.pcap")
        wait_for("all packets", lambda: frames_of(daemon.status()) >= sent, 5)
        wait_for("all findings", lambda: daemon.status()["telling"]["findings"] >= sent)
        status = daemon.status()
        daemon.stop()
        same((sent, frames_of(status), status["sensors"][0]["lost"]), (20000, sent, 0))
        same(len(last_of_each(daemon.hits())), sent)


@fact
def hears_an_interface_again_that_went_away_and_came_back(tmp):
    with Wire() as wire, Daemon(tmp, ["{name: office, interface: there}"], [indicators(tmp, BAD)],
                                within=wire.within) as daemon:
        daemon.start()
        for n, name in enumerate(("before.pcap", "after.pcap")):
            (tmp / name).write_bytes(queries(5, first=10 * n))
            wire.send(tmp / name)
            wait_for("the findings", lambda n=n: daemon.status()["telling"]["findings"] == 5 * (n + 1))
            if n == 0:
                wire.unplug()
                daemon.said("there", "went away")
                same(daemon.status()["sensors"][0]["away"], True)
                wire.plug()
                daemon.said("is back")
                same(daemon.status()["sensors"][0]["away"], False)
        wait_for("the count", lambda: daemon.status()["sensors"][0]["heard"] == 10, 2)
        daemon.stop()


# ---- generations


@fact
def takes_new_indicators_by_signal_by_command_and_when_a_file_changes(tmp):
    port = free_port()
    path = indicators(tmp, BAD)
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [path]) as daemon, \
            socket.socket() as talk:
        daemon.start()
        talk.connect(("127.0.0.1", port))
        talk.sendall(CAPTURE + record(tcp(HERE, THERE, 1000, 0, SYN)) + record(tcp(THERE, HERE, 9000, 1001, SYN | ACK)))
        sent, at = 2, 1001
        for n in range(3):  # three reloads in one running flow
            name = f"worse-{n}.example"
            indicators(tmp, BAD, *(f"domain-name,worse-{k}.example,green" for k in range(n + 1)))
            if n == 0:
                daemon.process.send_signal(signal.SIGHUP)
            elif n == 1:
                daemon.ask("reload")
            wait_for("the generation", lambda n=n: daemon.status()["indicators"] == n + 2 and
                     not daemon.status()["building"])
            request = f"GET /{n} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode()
            talk.sendall(record(tcp(HERE, THERE, at, 9001, PSH | ACK, request), n + 1))
            sent, at = sent + 1, at + len(request)
            generation = daemon.status()["generation"]
            found = wait_for("the finding", lambda name=name: [f for f in daemon.hits("--indicator", name)
                                                               if f["observable"]["where"] == "http.host"])
            same([f["generation"] for f in found], [generation])
        wait_for("the count", lambda: daemon.status()["wire"]["packets"] == sent, 2)
        daemon.stop()


@fact
def asks_new_indicators_of_the_addresses_of_running_flows(tmp):
    port, silent = free_port(), ("192.0.2.12", 40002)
    path = indicators(tmp, BAD, f"ipv4-addr,{HERE[0]},green")
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [path]) as daemon, \
            socket.socket() as talk:
        def told(value, *more):
            return [(f["status"], f["count"], f["flow"]["state"], f["flow"]["src_port"])
                    for f in daemon.hits("--indicator", value, *more)]

        daemon.start()
        talk.connect(("127.0.0.1", port))
        talk.sendall(CAPTURE)
        for who in (HERE, silent):
            talk.sendall(record(tcp(who, THERE, 1000, 0, SYN)) + record(tcp(THERE, who, 9000, 1001, SYN | ACK)))
        wait_for("packets", lambda: daemon.status()["wire"]["packets"] == 4)
        wait_for("what was known", lambda: told(HERE[0]))
        seen = daemon.status()["wire"]["observables"]
        for n in range(2):  # the first brings the address, the second nothing that concerns this flow
            indicators(tmp, BAD, f"ipv4-addr,{HERE[0]},green", f"ipv4-addr,{THERE[0]},green",
                       f"ip-port,{THERE[0]}:{THERE[1]},green", *[f"domain-name,n{k}.example,green" for k in range(n)])
            daemon.ask("reload")
            wait_for("the generation", lambda n=n: daemon.status()["indicators"] == 4 + n and
                     not daemon.status()["building"])
            if n == 0:
                same(told(THERE[0]), [])  # no packet, no news
            talk.sendall(record(tcp(HERE, THERE, 1001 + n, 9001, PSH | ACK, b"h"), n + 1) +
                         record(tcp(THERE, HERE, 9001, 1002 + n, ACK), n + 1))
            wait_for("the finding", lambda: told(THERE[0]))
        wait_for("the count", lambda: daemon.status()["wire"]["packets"] == 8, 2)
        same(daemon.status()["wire"]["observables"], seen)
        daemon.stop()
        for value in (THERE[0], f"{THERE[0]}:{THERE[1]}"):
            same(told(value), [("opened", 1, "established", HERE[1])])
        same(told(HERE[0]), [("opened", 1, "attempted", HERE[1]), ("updated", 1, "established", HERE[1])])
        same(len(last_of_each(daemon.hits("--indicator", HERE[0]))), 1)


@fact
def loses_no_packet_over_reloads(tmp):
    port = free_port()
    indicators(tmp, BAD)
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [tmp / "indicators.csv"]) as daemon, \
            socket.socket() as talk:
        daemon.start()
        talk.connect(("127.0.0.1", port))
        talk.sendall(CAPTURE)
        for n in range(20):
            indicators(tmp, BAD, f"domain-name,n{n}.example,green")
            daemon.process.send_signal(signal.SIGHUP)
            talk.sendall(queries(1000, first=1000 * n)[len(CAPTURE):])
            time.sleep(0.02)
        wait_for("the findings", lambda: daemon.status()["telling"]["findings"] >= 20000)
        wait_for("the count", lambda: daemon.status()["wire"]["packets"] == 20000, 2)
        same(daemon.status()["wire"]["dropped"], 0)
        daemon.stop()
        hits = daemon.hits()
        same((len(hits), len(last_of_each(hits))), (20000, 20000))
        assert len({f["generation"] for f in hits}) > 2, "no reload came in between"


@fact
def keeps_its_generation_when_the_next_cannot_be_built_and_says_why(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        generation = daemon.status()["generation"]
        good = (tmp / "vigia.yaml").read_text()
        broken = [("threads: many\n" + good.replace("threads: 2\n", ""), ("vigia.yaml", "threads", "many")),
                  ("sensors: [\n", ("vigia.yaml",)),
                  (good.replace("indicators.csv", "missing.csv"), ("missing.csv",))]
        for text, reasons in broken:
            (tmp / "vigia.yaml").write_text(text)
            daemon.process.send_signal(signal.SIGHUP)
            said = daemon.said(*reasons, "stays in place")
            holds(said, *reasons)
            daemon.log.write_text("")  # what it says next stands alone
            same((daemon.status()["generation"], daemon.status()["indicators"]), (generation, 1))
        (tmp / "vigia.yaml").write_text(good)
        daemon.process.send_signal(signal.SIGHUP)
        generation += 1
        wait_for("the good one", lambda: daemon.status()["generation"] == generation)
        (tmp / "indicators.csv").write_bytes(b"\x7fELF\0\0\0\0\1\2\3")  # seen without being told
        daemon.said("indicators.csv", "stays in place")
        same((daemon.status()["generation"], daemon.status()["indicators"]), (generation, 1))
        put(inbox(tmp), "a.pcap", queries(1))
        wait_for("a finding", lambda: daemon.status()["telling"]["findings"] == 1)
        indicators(tmp, BAD, "domain-name,worse.example,green")
        wait_for("the mended file", lambda: daemon.status()["indicators"] == 2)
        daemon.stop()


@fact
def watches_indicator_files_that_came_with_a_reload(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        more = indicators(tmp, "domain-name,one.example,green", name="more.csv")
        daemon.configure([tmp / "indicators.csv", more])
        daemon.ask("reload")
        wait_for("the second file", lambda: daemon.status()["indicators"] == 2)
        indicators(tmp, "domain-name,one.example,green", "domain-name,two.example,green", name="more.csv")
        wait_for("its change", lambda: daemon.status()["indicators"] == 3, 5)
        daemon.stop()


@fact
def reads_a_misp_feed_folder_again_when_its_manifest_changes(tmp):
    feed, events = tmp / "feed", [f"36a35f34-e476-510a-bbcd-7c2de26f2d4{n}" for n in range(3)]
    feed.mkdir()
    inbox(tmp)

    def publish(count):
        for event in events[:count]:
            (feed / f"{event}.json").write_text(json.dumps({"Event": {"uuid": event, "Attribute": [
                {"type": "domain", "value": f"{event}.example", "to_ids": True}]}}))
        (feed / "manifest.json").write_text(json.dumps({event: {"info": "x"} for event in events[:count]}))

    publish(1)
    with Daemon(tmp, ["{name: office, folder: in}"], [feed]) as daemon:
        daemon.start()
        same(daemon.status()["indicators"], 1)
        for count in (2, 3):
            publish(count)
            wait_for("the manifest's events", lambda n=count: daemon.status()["indicators"] == n, 10)
        (feed / "manifest.json").write_text(json.dumps({events[0]: {"info": "x"}})[:-1])  # it breaks off
        daemon.said("manifest.json", "stays in place")
        same(daemon.status()["indicators"], 3)
        daemon.stop()


@fact
def takes_new_countries_when_their_file_changes(tmp):
    countries = tmp / "countries.csv"
    countries.write_text(f"{RESOLVER[0]}/32,BR\n")
    with folder_daemon(tmp, more="countries: [{file: countries.csv}]") as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(1))
        wait_for("a first hit", lambda: len(daemon.hits()) == 1)
        countries.write_text(f"{RESOLVER[0]}/32,PE\n")
        wait_for("the next generation", lambda: daemon.status()["generation"] == 2)
        put(inbox(tmp), "b.pcap", queries(1, first=1))
        wait_for("another hit", lambda: len(daemon.hits()) == 2)
        countries.unlink()
        wait_for("a third generation", lambda: daemon.status()["generation"] == 3)
        daemon.said("reload: the countries of before stay in place")
        put(inbox(tmp), "c.pcap", queries(1, first=2))
        wait_for("one more", lambda: len(daemon.hits()) == 3)
        same(sorted((f["first_seen"], f["remote_country"]) for f in daemon.hits()),
             sorted(zip(sorted(f["first_seen"] for f in daemon.hits()), ["BR", "PE", "PE"])))
        same({(f["region"]["country"], f["region"]["subregion"]) for f in daemon.hits()}, {("CL", "southern-cone")})
        daemon.stop()


# ---- reload, as who asks for it sees it


@fact
def answers_a_reload_with_its_outcome(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        good = (tmp / "vigia.yaml").read_text()
        generation = daemon.status()["generation"]
        indicators(tmp, BAD, "domain-name,worse.example,green")
        asked = daemon.ask("reload")
        got = re.fullmatch(r"generation (\d+): 2 indicators\n", asked.stdout)
        assert got and int(got[1]) > generation, asked.stdout
        same(asked.stderr, "")
        same((daemon.status()["generation"], daemon.status()["indicators"]), (int(got[1]), 2))
        for text, reasons in ((good.replace("threads: 2", "threads: many"), ("vigia.yaml: line 1", "threads", "many")),
                              (good.replace("indicators.csv", "missing.csv"), ("missing.csv", "cannot open"))):
            (tmp / "vigia.yaml").write_text(text)
            asked = vigia("reload", "-c", tmp / "ask.yaml", status=INPUT)
            holds(asked.stderr, *reasons, f"generation {got[1]} stays in place")
            same(asked.stdout, "")
        same([(f["name"], f["whole"]) for f in daemon.status()["files"]], [(str(tmp / "missing.csv"), False)])
        daemon.stop()


@fact
def answers_everybody_who_asks_for_a_reload_at_once(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        for n in range(5):
            indicators(tmp, *(f"domain-name,n{k}.example,green" for k in range(20000 + n)))
            asking = [subprocess.Popen([VIGIA, "reload", "-c", tmp / "ask.yaml"], stdout=subprocess.PIPE, text=True)
                      for _ in range(6)]
            begun = time.monotonic()
            daemon.status()
            assert time.monotonic() - begun < 2, "a build holds the others up"
            for one in asking:  # each build that is answered began after it was asked for
                out, _ = one.communicate(timeout=WAIT)
                same((one.returncode, out.split(": ")[1]), (DONE, f"{20000 + n} indicators\n"))
        daemon.stop()


@fact
def takes_flood_and_journal_settings_with_a_reload_and_names_what_it_does_not_take(tmp):
    with folder_daemon(tmp, BAD, "domain-name,other.example,green", more="flood: {rate: 1, burst: 3}") as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(100))
        wait_for("what is told at once", lambda: daemon.status()["telling"]["folded"] == 97)
        (tmp / "other").mkdir()
        daemon.configure([tmp / "indicators.csv"], more="flood: {rate: 1000000, burst: 1000000}\n"
                         "limits:\n  flows: 1000\njournal: {keep: 1d}",
                         sensors=["{name: office, folder: other}", "{name: second, folder: in}"])
        asked = daemon.ask("reload")
        line = (tmp / "vigia.yaml").read_text().splitlines().index("  flows: 1000") + 1
        holds(asked.stdout, f"vigia.yaml: line {line}: limits.flows: changed; takes effect at the next start\n",
              "sensors.office.folder: changed; takes effect", "sensors.second: added; takes effect")
        assert "flood" not in asked.stdout and "journal" not in asked.stdout, asked.stdout
        holds(daemon.heard(), f"line {line}: limits.flows: changed; takes effect at the next start")
        told = len(daemon.hits())
        put(inbox(tmp), "b.pcap", queries(100, "other.example", first=1000))
        wait_for("all of them", lambda: len(daemon.hits()) >= told + 100, 5)
        old = rows_of(tmp, "SELECT count(*) FROM finding")[0][0]
        with contextlib.closing(sqlite3.connect(tmp / "vigia.db")) as journal:
            journal.execute("UPDATE finding SET told = told - 2 * 86400000000000")
            journal.commit()
        wait_for("what is older than a day to go", lambda: daemon.status()["telling"]["trimmed"] >= old, 5)
        daemon.stop()


@fact
def starts_without_an_indicator_file_and_shows_which_one(tmp):
    with Daemon(tmp, ["{name: office, folder: in}"], [indicators(tmp, BAD), tmp / "late.csv"]) as daemon:
        inbox(tmp)
        holds(daemon.start().heard(), "late.csv", "No such file")
        same([(f["name"], f["read"], f["whole"]) for f in daemon.status()["files"]],
             [(str(tmp / "indicators.csv"), 1, True), (str(tmp / "late.csv"), 0, False)])
        indicators(tmp, "domain-name,late.example,green", name="late.csv")
        wait_for("the file", lambda: daemon.status()["indicators"] == 2)
        same([(f["read"], f["whole"]) for f in daemon.status()["files"]], [(1, True), (1, True)])
        daemon.stop()


# ---- the journal


@fact
def remembers_all_that_it_told_when_it_is_killed_under_load(tmp):
    needs_zmq()
    port = free_port()
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"],
                [indicators(tmp, BAD, "domain-name,red.example,red")]) as daemon:
        octets = capture([query(n, f"n{n}.{'red' if n % 3 == 0 else 'bad'}.example") for n in range(60000)])
        told, generations = [], []
        for life in range(2):
            daemon.start()
            generations.append(daemon.status()["generation"])
            with Subscriber(daemon.endpoint) as subscriber:
                subscriber.connected()
                pushing = threading.Thread(target=try_push, args=(("127.0.0.1", port), octets), daemon=True)
                pushing.start()
                subscriber.until("load", lambda s: len(s.messages) > 3000)
                daemon.kill()
                pushing.join(WAIT)
                time.sleep(0.2)
            told += [m for m in subscriber.messages if not m[0].startswith(b"status.")]
            assert len(told) > 2500 * (life + 1), "no load"
        daemon.start()
        kept, end = replayed(daemon.replay, "")
        generations.append(daemon.status()["generation"])
        put_and_hear(daemon, port, kept)
        daemon.stop()
    same(end["count"], len(kept))
    last = gapless([(topic.decode(), json.loads(body)) for topic, body in kept])
    assert len(last) == 2, last
    missing = set(told) - set(kept)
    same(len(missing), 0)
    same(len(set(told)), len(told))
    same(generations, sorted(set(generations)))


def try_push(where, octets):
    with contextlib.suppress(OSError):
        push(where, octets)


def put_and_hear(daemon, port, kept):
    """What is told next goes on where the journal ended."""
    last = collections.Counter(topic for topic, _ in kept)
    with Subscriber(daemon.endpoint) as subscriber:
        subscriber.connected()
        push(("127.0.0.1", port), capture([query(n, "again.bad.example") for n in range(70000, 70003)], 500))
        subscriber.until("findings", lambda s: len(s.findings()) >= 3)
        for topic, finding in subscriber.findings():
            last[topic.encode()] += 1
            same(finding["seq"], last[topic.encode()])


@fact
def takes_a_new_generation_after_each_kill_however_early(tmp):
    with folder_daemon(tmp) as daemon:
        seen = []
        for n in range(3):
            daemon.start()
            put(inbox(tmp), f"{n}.pcap", queries(1, first=n))
            wait_for("a finding", lambda n=n: len(daemon.hits()) > len(seen))
            daemon.kill()
            seen = [f["generation"] for f in daemon.hits()]
        assert len(set(seen)) == 3, seen


@fact
def reads_a_file_whole_that_it_was_stopped_in(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(30000))
        wait_for("the first findings", lambda: daemon.status()["telling"]["findings"] > 0)
        daemon.stop()
        before = len(last_of_each(daemon.hits()))
        daemon.start()
        if before < 30000:
            wait_for("the rest", lambda: daemon.status()["wire"]["packets"] == 30000)
        else:
            same(daemon.status()["wire"]["packets"], 0)
        daemon.stop()
        same(len(last_of_each(daemon.hits())), 30000)


@fact
def tells_nothing_twice_of_files_that_were_read_before_it_was_killed(tmp):
    """And loses nothing of the one that it was killed in."""
    with folder_daemon(tmp) as daemon:
        daemon.start()
        for n in range(20):
            put(inbox(tmp), f"{n:02}.pcap", queries(50, first=50 * n))
        taken = lambda: rows_of(tmp, "SELECT count(*) FROM taken")[0][0]
        wait_for("twenty files in the journal", lambda: taken() == 20)
        same(len(daemon.hits()), 1000)
        put(inbox(tmp), "large.pcap", queries(40000, first=1000))
        wait_for("the first of it", lambda: len(daemon.hits()) > 1000)
        daemon.kill()
        before = daemon.hits()
        same(taken(), 20)
        assert len(before) < 41000, "it had read all of it"
        daemon.start()
        wait_for("the large one", lambda: taken() == 21)
        same(daemon.status()["wire"]["packets"], 40000)
        daemon.stop()
        hits = daemon.hits()
        same(len(last_of_each(hits)), 41000)
        same(collections.Counter(f["id"] for f in hits if f["evidence"]["file"] < f"{tmp}/in/9").most_common(1)[0][1], 1)
        daemon.start()
        time.sleep(0.3)
        same(daemon.status()["wire"]["packets"], 0)
        daemon.stop()


def rows_of(tmp, query):
    with contextlib.closing(sqlite3.connect(f"file:{tmp}/vigia.db?mode=ro", uri=True)) as journal:
        return journal.execute(query).fetchall()


@fact
def loses_no_finding_of_a_folder_however_often_it_is_killed(tmp):
    """Findings of a file are there when the file counts as read, at any moment."""
    with folder_daemon(tmp) as daemon:
        for n in range(30):
            put(inbox(tmp), f"{n:02}.pcap", queries(500, first=500 * n))
        for life in range(6):
            daemon.start()
            time.sleep(0.02 + 0.03 * life)
            daemon.kill()
            kept = collections.Counter(f["evidence"]["file"] for f in last_of_each(daemon.hits()).values())
            for name, in rows_of(tmp, "SELECT name FROM taken"):
                same((name, kept[f"{tmp}/in/{name.decode()}"]), (name, 500))
        daemon.start()
        wait_for("all files", lambda: rows_of(tmp, "SELECT count(*) FROM taken") == [(30,)])
        daemon.stop()
        same(len(last_of_each(daemon.hits())), 15000)


@fact
def reads_a_file_that_came_while_it_was_stopped_however_old_it_is(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "new.pcap", queries(1))
        wait_for("the finding", lambda: daemon.hits())
        daemon.stop()
        put(inbox(tmp), "old.pcap", queries(1, first=1))
        os.utime(inbox(tmp) / "old.pcap", (1, 1))
        (inbox(tmp) / "new.pcap").rename(tmp / "new.pcap")
        daemon.start()
        wait_for("the old one", lambda: len(daemon.hits()) == 2)
        wait_for("the one that is gone is forgotten",
                 lambda: rows_of(tmp, "SELECT name FROM taken") == [(b"old.pcap",)])
        wait_for("its packet to be counted", lambda: daemon.status()["wire"]["packets"] == 1)
        daemon.stop()
        same(rows_of(tmp, "SELECT name FROM taken"), [(b"old.pcap",)])


@fact
def counts_a_file_as_read_only_when_its_folded_findings_are_told(tmp):
    with folder_daemon(tmp, more="flood: {rate: 1, burst: 5}") as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(50))
        wait_for("what is told at once", lambda: len(daemon.hits()) == 5)
        time.sleep(0.5)
        same(rows_of(tmp, "SELECT name FROM taken"), [])
        wait_for("the rest", lambda: rows_of(tmp, "SELECT name FROM taken"))
        same(sum(1 + f.get("folded", 0) for f in daemon.hits()), 50)
        daemon.stop()


@fact
def reads_packed_captures_of_a_folder_and_survives_those_that_are_damaged(tmp):
    octets = queries(200)
    bomb = lzma.compress(b"x" * (96 << 20))  # beyond what is unpacked of so little
    with folder_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap.gz", gzip.compress(octets))
        put(inbox(tmp), "b.pcap.xz", lzma.compress(queries(10, first=1000)))
        with zipfile.ZipFile(tmp / "c.zip", "w") as archive:
            archive.writestr("one.pcap", queries(10, first=2000))
            archive.writestr("none.txt", "no capture")
            archive.writestr("two.pcap", queries(10, first=3000))
        put(inbox(tmp), "c.zip", (tmp / "c.zip").read_bytes())
        put(inbox(tmp), "d-bomb.xz", bomb)
        put(inbox(tmp), "e-cut.pcap.gz", gzip.compress(queries(20000, first=4000))[:-1000])
        put(inbox(tmp), "f-none.zip", b"PK\3\4" + bytes(range(256)))
        put(inbox(tmp), "g.pcap", queries(1, first=60000))
        daemon.said("c.zip/none.txt", "d-bomb.xz", "more than", "e-cut.pcap.gz", "f-none.zip")
        wait_for("the last", lambda: daemon.hits("--indicator", "n60000.bad.example"))
        files = collections.Counter(pathlib.Path(f["evidence"]["file"]).relative_to(inbox(tmp)).as_posix()
                                    for f in daemon.hits())
        assert files.pop("e-cut.pcap.gz", 0) > 1000
        same(files, {"a.pcap.gz": 200, "b.pcap.xz": 10, "c.zip/one.pcap": 10, "c.zip/two.pcap": 10, "g.pcap": 1})
        assert daemon.status()["sensors"][0]["damaged"] >= 4
        wait_for("all that could be unpacked", lambda: {name for name, in rows_of(tmp, "SELECT name FROM taken")} ==
                 {b"a.pcap.gz", b"b.pcap.xz", b"c.zip", b"e-cut.pcap.gz", b"g.pcap"})
        daemon.stop()


@fact
def takes_twenty_thousand_captures_of_a_folder(tmp):
    for n in range(20000):
        (inbox(tmp) / f"{n:05}.pcap").write_bytes(queries(1, first=n))
    with folder_daemon(tmp) as daemon:
        begun = time.monotonic()
        daemon.start()
        wait_for("all of them", lambda: rows_of(tmp, "SELECT count(*) FROM taken") == [(20000,)], 60)
        print(f"        20000 captures: {time.monotonic() - begun:.1f} s", flush=True)
        same(daemon.status()["telling"]["findings"], 20000)
        daemon.kill()
        daemon.start()
        time.sleep(0.5)
        same(daemon.status()["wire"]["packets"], 0)
        daemon.stop()


@fact
def is_refused_a_journal_that_is_damaged_or_no_journal_and_leaves_it_as_it_is(tmp):
    for octets in (b"no journal at all\n" * 1000, b"SQLite format 3\0" + bytes(range(256)) * 100):
        (tmp / "vigia.db").write_bytes(octets)
        with folder_daemon(tmp) as daemon:
            daemon.start(running=False)
            holds(daemon.ends(USAGE), "journal", "vigia.db")
        same((tmp / "vigia.db").read_bytes(), octets)


@fact
def holds_findings_back_while_another_locks_the_journal(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(1))
        wait_for("a finding", lambda: daemon.status()["telling"]["findings"] == 1)
        other = sqlite3.connect(tmp / "vigia.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        put(inbox(tmp), "b.pcap", queries(10, first=10))
        daemon.said("journal", "locked", "tried again")
        status = daemon.status()["telling"]
        same((status["findings"], status["waiting"]), (1, 10))
        assert status["journal_failures"] > 0
        other.execute("ROLLBACK")
        other.close()
        daemon.said("writes again")
        same(daemon.status()["telling"]["findings"], 11)
        daemon.stop()
        same(len(daemon.hits()), 11)


@fact
def survives_a_full_disk(tmp):
    if os.geteuid() != 0:
        raise Skip("not root")
    disk = tmp / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "vigia", disk], capture_output=True, text=True,
                             check=False)
    if mounted.returncode:
        raise Skip(f"no tmpfs here: {mounted.stderr.strip()}")
    try:
        with folder_daemon(tmp, more=f"journal: {{file: {disk}/vigia.db}}") as daemon:
            daemon.start()
            put(inbox(tmp), "a.pcap", queries(10))
            wait_for("findings", lambda: daemon.status()["telling"]["findings"] == 10)
            with contextlib.suppress(OSError), open(disk / "full", "wb", buffering=0) as full:
                while full.write(b"x" * 4096):
                    pass
            put(inbox(tmp), "b.pcap", queries(2000, first=10))
            daemon.said("journal", "full", "tried again")
            assert daemon.status()["telling"]["waiting"] > 0
            (disk / "full").unlink()
            wait_for("what waited", lambda: daemon.status()["telling"]["findings"] == 2010)
            daemon.said("writes again")
            same(daemon.status()["telling"]["dropped"], 0)
            daemon.stop()
            same(len(last_of_each(daemon.hits())), 2010)
    finally:
        subprocess.run(["umount", disk], check=False)


# ---- telling


@fact
def tells_in_frames_topics_and_numbers_of_the_contract(tmp):
    with folder_daemon(tmp, BAD, "domain-name,red.example,red", "domain-name,clear.example,clear") as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint) as all_of_it, Subscriber(daemon.endpoint, b"hit.red.") as red:
            all_of_it.connected()
            time.sleep(0.1)
            put(inbox(tmp), "a.pcap", capture([query(n, f"{name}.example") for n, name in
                                               enumerate(("bad", "red", "clear", "bad", "red", "bad"))]))
            all_of_it.until("findings", lambda s: len(s.findings()) >= 6)
            red.until("the red ones", lambda s: len(s.findings()) >= 2)
            time.sleep(0.1)
            got = collections.Counter(topic for topic, _ in all_of_it.findings())
            for message in all_of_it.messages:
                same(len(message), 2)
            for topic, finding in all_of_it.findings():
                same(topic, ".".join(("hit", finding["tlp"], finding["region"]["country"], finding["category"]["type"])))
            gapless(all_of_it.findings())
            same({topic.split(".")[1] for topic, _ in red.findings()}, {"red"})
        assert sum(count for topic, count in got.items() if topic.startswith("hit.green.CL.")) >= 3, got
        assert sum(count for topic, count in got.items() if topic.startswith("hit.red.CL.")) == 2, got
        daemon.stop()


@fact
def beats_each_second_for_each_tier_and_names_only_its_topics(tmp):
    with folder_daemon(tmp, BAD, "domain-name,red.example,red") as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint) as subscriber:
            subscriber.connected()
            put(inbox(tmp), "a.pcap", capture([query(n, f"{name}.example") for n, name in enumerate(("bad", "red"))]))
            subscriber.until("findings", lambda s: len(s.findings()) >= 2)
            begun = len(subscriber.beats())
            subscriber.until("beats", lambda s: len(s.beats()) >= begun + 3 * len(TIERS))
            beats = subscriber.beats()[begun + len(TIERS):]
            expected = collections.Counter(topic for topic, _ in subscriber.findings())
        for topic, beat in beats:
            tier = topic.split(".")[1]
            same(topic, f"status.{tier}.ZZ.heartbeat")
            same(beat["topics"], {t: n for t, n in expected.items() if t.split(".")[1] == tier})
        same({topic.split(".")[1] for topic, _ in beats}, set(TIERS))
        times = [beat["timestamp"] for topic, beat in beats if ".red." in topic]
        assert 0.8 < seconds(times[1]) - seconds(times[0]) < 2, times
        daemon.stop()


def seconds(stamp):
    return int(stamp[17:19]) + float("0" + stamp[19:-1]) + 60 * int(stamp[14:16])


@fact
def answers_what_was_missed_with_the_very_octets(tmp):
    with folder_daemon(tmp, BAD, "domain-name,red.example,red") as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint, b"hit.") as subscriber, Subscriber(daemon.endpoint) as beats:
            beats.connected()
            time.sleep(0.1)
            put(inbox(tmp), "a.pcap", capture([query(n, f"n{n}.{'red' if n % 2 else 'bad'}.example")
                                               for n in range(100)]))
            subscriber.until("findings", lambda s: len(s.messages) >= 100)
            told = list(subscriber.messages)
        topics = {topic for topic, _ in told}
        for topic in topics:
            mine = [message for message in told if message[0] == topic]
            got, end = replayed(daemon.replay, topic.decode(), 5, 20)
            same(got, mine[4:20])
            same((end["end"], end["topic"], end["from"], end["to"], end["count"]), (True, topic.decode(), 5, 20, 16))
        red, _ = replayed(daemon.replay, "hit.red.")
        same(red, [message for message in told if message[0].startswith(b"hit.red.")])
        same(replayed(daemon.replay, "hit.green.CL.none")[0], [])
        same(replayed(daemon.replay, "hit.red.", 60, 50)[0], [])
        daemon.stop()


@fact
def refuses_requests_that_are_none_and_goes_on(tmp):
    needs_zmq()
    with folder_daemon(tmp) as daemon:
        daemon.start()
        context = zmq.Context()
        with context.socket(zmq.DEALER) as asking:
            asking.setsockopt(zmq.LINGER, 0)
            asking.connect(daemon.replay)
            for frames in ([b"x"], [b"", b"hit."], [b"", b"hit.", b"{"], [b"", b"x" * 5000, b"{}"], [b"", b"a\0b", b"{}"],
                           [b"", b"hit.", b"[" * 100000], [b"a"] * 100, [b"", b"", b"", b""]):
                asking.send_multipart(frames)
            same(asking.poll(300), 0)
        context.term()
        same(replayed(daemon.replay, "hit.")[0], [])
        assert daemon.status()["replay"]["refused"] >= 4
        daemon.stop()


class Watch:
    """`vigia watch`, and what it prints."""

    def __init__(self, *args):
        self.out, self.err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self.process = subprocess.Popen([VIGIA, "watch", *map(str, args)], stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err)

    def shown(self):
        octets = os.pread(self.out.fileno(), 1 << 28, 0)
        return findings_of(octets[:octets.rfind(b"\n") + 1].decode())

    def seqs(self):
        return [f["seq"] for f in self.shown() if f["kind"] == "hit"]

    def connected(self, tmp):
        """Tells findings until one is shown; the seq of the last."""
        told = 0
        while not self.seqs():
            put(inbox(tmp), f"connected-{told}.pcap", queries(1, first=told))
            told += 1
            assert told < 100, "nothing is shown"
            time.sleep(0.1)
        wait_for("the last", lambda: max(self.seqs()) == told)
        return told

    def said(self):
        return os.pread(self.err.fileno(), 1 << 20, 0).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(WAIT)
        self.out.close()
        self.err.close()


class Deaf(threading.Thread):
    """Stands between publisher and subscriber, and drops the findings whose seq `drops` names."""

    def __init__(self, publisher, endpoint, drops):
        super().__init__(daemon=True)
        needs_zmq()
        self.context, self.drops, self.over = zmq.Context(), drops, False
        self.hearing, self.telling = self.context.socket(zmq.XSUB), self.context.socket(zmq.XPUB)
        self.hearing.connect(publisher)
        self.telling.bind(endpoint)
        self.start()

    def run(self):
        poller = zmq.Poller()
        poller.register(self.hearing, zmq.POLLIN)
        poller.register(self.telling, zmq.POLLIN)
        while not self.over:
            for s, _ in poller.poll(50):
                frames = s.recv_multipart()
                if s is self.telling:
                    self.hearing.send_multipart(frames)
                elif not (frames[0].startswith(b"hit.") and json.loads(frames[1])["seq"] in self.drops):
                    self.telling.send_multipart(frames)
        self.hearing.close(0)
        self.telling.close(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over = True
        self.join(WAIT)
        self.context.term()


@fact
def notices_a_gap_and_fetches_what_was_missed(tmp):
    """One in the middle, which the next number shows, and one at the end, which only a heartbeat does."""
    missed = set()
    with folder_daemon(tmp) as daemon:
        daemon.start()
        with Deaf(daemon.endpoint, f"ipc://{tmp}/deaf", missed), \
                Watch("--endpoint", f"ipc://{tmp}/deaf", "--replay", daemon.replay, "--format", "json") as watch:
            begun = watch.connected(tmp)
            missed |= {begun + n for n in (11, 12, 13, 14, 15, 98, 99, 100)}
            put(inbox(tmp), "a.pcap", queries(100, first=1000))
            wait_for("all of it", lambda: max(watch.seqs()) == begun + 100 and len(watch.seqs()) >= 100)
            time.sleep(1.2)  # another beat: nothing is asked for twice
            same(sorted(watch.seqs()), list(range(min(watch.seqs()), begun + 101)))
            holds(watch.said(), f"missed {begun + 11} to {begun + 15}", f"missed {begun + 98} to {begun + 100}")
            watch.process.terminate()
            same(watch.process.wait(WAIT), DONE)
            holds(watch.said(), "8 missed, 8 of them fetched")
        daemon.stop()


@fact
def says_when_the_publisher_is_silent_and_when_it_is_back(tmp):
    """Before it is there, when it is killed, and when it comes again, with its journal and without."""
    with folder_daemon(tmp) as daemon, \
            Watch("--endpoint", daemon.endpoint, "--replay", daemon.replay, "--format", "json") as watch:
        def silent(count):
            return watch.said().count("no heartbeat for 5 s") == count
        wait_for("the first silence", lambda: silent(1))
        daemon.start()
        wait_for("the publisher", lambda: "is heard now" in watch.said())
        told = watch.connected(tmp)
        daemon.kill()
        wait_for("the second silence", lambda: silent(2))
        daemon.start()
        wait_for("the publisher again", lambda: watch.said().count("is heard again after") == 1)
        put(inbox(tmp), "more.pcap", queries(2, first=1000))
        wait_for("what it told then", lambda: max(watch.seqs()) >= told + 2)
        time.sleep(1.2)  # another beat
        same(silent(2), True)
        daemon.stop()
        for path in (*tmp.glob("vigia.db*"), *inbox(tmp).iterdir()):
            path.unlink()
        shown = len(watch.seqs())
        daemon.start()
        put(inbox(tmp), "anew.pcap", queries(1, first=2000))
        wait_for("what it told anew", lambda: len(watch.seqs()) > shown and
                 watch.shown()[-1]["observable"]["value"].startswith("n2000."))
        holds(watch.said(), "counts from 1 again")
        daemon.stop()


def tiers_daemon(tmp):
    return folder_daemon(tmp, BAD, "domain-name,amber.example,amber", "domain-name,red.example,red")


def tiers_of(count, first=0):
    return capture([query(n, f"n{n}.{tier}.example") for n in range(first, first + count)
                    for tier in ("bad", "amber", "red")])


@fact
def watches_only_the_topics_that_were_asked_for(tmp):
    """Gaps are noticed in these alone: heartbeats name all topics of their tier."""
    with tiers_daemon(tmp) as daemon:
        daemon.start()
        with Watch("-c", tmp / "ask.yaml", "--format", "json", "hit.green.") as green, \
                Watch("-c", tmp / "ask.yaml", "--format", "json", "trend.") as trends:
            told = green.connected(tmp)
            time.sleep(2.5)  # heartbeats of every tier, before and behind
            put(inbox(tmp), "a.pcap", tiers_of(30, first=1000))
            wait_for("the green ones", lambda: len([s for s in green.seqs() if s > told]) >= 30)
            time.sleep(2.5)
            same({f["tlp"] for f in green.shown()}, {"green"})
            same(len(set(green.seqs())), len(green.seqs()))
            same((trends.shown(), trends.said(), "missed" in green.said()), ([], "", False))
        daemon.stop()


@fact
def begins_to_watch_where_each_tier_is(tmp):
    """Heartbeats come one for each tier: what a tier told before the watch began is not missing."""
    with tiers_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", tiers_of(30))
        wait_for("all", lambda: len(daemon.hits()) >= 90)
        for _ in range(3):
            with Watch("-c", tmp / "ask.yaml", "--format", "json") as watch:
                time.sleep(2.5)
                same((watch.shown(), watch.said()), ([], ""))
        daemon.stop()


@fact
def names_whom_it_waits_for_and_the_configuration_that_lies_beside_it(tmp):
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    os.chdir(tmp)
    with Watch("--endpoint", endpoint) as named, Watch() as usual:
        wait_for("silence", lambda: f"the publisher at {endpoint} is away" in named.said())
        same("vigia.yaml" in named.said() + usual.said(), False)
    (tmp / "vigia.yaml").write_text(f"publish: {{endpoint: '{endpoint}'}}\n")
    with Watch() as usual, Watch("-c", "vigia.yaml") as configured:
        wait_for("a hint", lambda: "-c vigia.yaml" in usual.said())
        wait_for("silence", lambda: endpoint in configured.said())
        same("-c vigia.yaml" in configured.said(), False)


@fact
def shows_in_text_where_an_event_was_and_that_a_flow_was_withheld(tmp):
    path = indicators(tmp, "domain-name,bad.example,green")
    with Daemon(tmp, [f"{{name: office, folder: {inbox(tmp)}, tlp: amber}}"], [path],
                more="feeds:\n  - {name: incidents, file: events.jsonl, tlp: green}") as daemon:
        append(tmp / "events.jsonl", "")
        daemon.start()
        with Watch("-c", tmp / "ask.yaml", "--format", "text", "hit.green.") as watch:
            def lines():
                return os.pread(watch.out.fileno(), 1 << 20, 0).decode().splitlines()
            time.sleep(1)
            append(tmp / "events.jsonl", incident(1, tlp="GREEN"))
            put(inbox(tmp), "a.pcap", queries(1))
            event = wait_for("the event", lambda: [line for line in lines() if "partner" in line])[0]
            hit = wait_for("the hit", lambda: [line for line in lines() if "dns.query" in line])[0]
            holds(event, "partner: phishing, PE")
            holds(hit, "(withheld)", "bad.example")
            same("::" in hit, False)
        daemon.stop()
        holds(vigia("hits", "-c", tmp / "ask.yaml", "--format", "text").stdout, "partner: phishing, PE")


@fact
def finds_hits_of_values_as_people_write_them(tmp):
    feeds = "feeds:\n  - {name: incidents, file: events.jsonl, tlp: green}"
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,green", "url,http://shop.example/kit/,green")],
                more=feeds) as daemon:
        append(tmp / "events.jsonl", incident(1) + incident(2, **{"source.fqdn": "shop.example",
                                                                  "source.url": "http://shop.example/kit/a"}))
        daemon.start()
        wait_for("both", lambda: len(daemon.hits()) == 2)
        daemon.stop()
        for asked in ("bad.example", "bad[.]example", "BAD.example", "hxxp://shop[.]example/kit/", "E1.bad(.)example",
                      "HXXP://SHOP.example/kit/a"):
            same((asked, len(daemon.hits("--indicator", asked))), (asked, 1))
        same(len(daemon.hits("--indicator", "good[.]example")), 0)
        for asked, count in (("PE", 2), ("pe", 2), ("cl", 0), ("zz", 0), ("Southern-Cone", 0)):
            same((asked, len(daemon.hits("--country", asked))), (asked, count))
        for asked, count in (("phishing", 2), ("Fraud/Phishing", 2), ("spam", 0)):
            same((asked, len(daemon.hits("--type", asked))), (asked, count))
        for option, asked, expected in (("country", "Chile", "two letters"), ("country", "Q9", "two letters"),
                                        ("type", "bogus", "RSIT"), ("indicator", "", "a value")):
            said = vigia("hits", "-c", tmp / "ask.yaml", f"--{option}", asked, status=USAGE).stderr
            holds(said, f"--{option}: expected", expected, f'found "{asked}"')


@fact
def does_not_wait_for_a_subscriber_that_never_reads(tmp):
    needs_zmq()
    count = 105000  # more than wait for a subscriber
    with folder_daemon(tmp) as daemon:
        daemon.start()
        context = zmq.Context()
        with context.socket(zmq.SUB) as stuck, Subscriber(daemon.endpoint) as subscriber:
            stuck.setsockopt(zmq.LINGER, 0)
            stuck.setsockopt(zmq.RCVHWM, 1)
            stuck.setsockopt(zmq.RCVBUF, 4096)
            stuck.setsockopt(zmq.SUBSCRIBE, b"")
            stuck.connect(daemon.endpoint)
            subscriber.connected()
            put(inbox(tmp), "a.pcap", queries(count))
            subscriber.until("all findings", lambda s: len(s.messages) > count)
            wait_for("all findings", lambda: daemon.status()["telling"]["findings"] == count)
            beats = len(subscriber.beats())
            subscriber.until("beats", lambda s: len(s.beats()) > beats)
            gapless(subscriber.findings())
            daemon.stop()
        context.term()


@fact
def is_heard_by_a_subscriber_of_ten_lines(tmp):
    needs_zmq()
    same(len([line for line in SUBSCRIBE.read_text().splitlines() if line and not line.startswith(("#", '"'))]) <= 10,
         True)
    with folder_daemon(tmp) as daemon:
        daemon.start()
        with subprocess.Popen([sys.executable, SUBSCRIBE, daemon.endpoint, "hit.green."], stdout=subprocess.PIPE,
                              text=True) as subscriber:
            try:
                for n in range(20):  # until it has connected
                    put(inbox(tmp), f"{n}.pcap", queries(1, first=n))
                    time.sleep(0.1)
                finding = json.loads(subscriber.stdout.readline())
                same((finding["kind"], finding["indicator"]["value"]), ("hit", "bad.example"))
            finally:
                subscriber.kill()
        daemon.stop()


class Encrypted(Daemon):
    def key(self):
        return ", key: office.key"


@fact
def speaks_only_with_who_knows_its_key(tmp):
    needs_zmq()
    os.chdir(tmp)
    vigia("keygen", "office")
    vigia("keygen", "other")
    same((tmp / "office.key").stat().st_mode & 0o777, 0o600)
    port = free_port()
    inbox(tmp)

    def keys(name):
        return {k: v.encode() for k, v in
                re.findall(r'(public|secret)-key: "(.{40})"', (tmp / f"{name}.key").read_text())}

    def curve(server):
        def more(s):
            s.curve_publickey, s.curve_secretkey = zmq.curve_keypair()
            s.curve_serverkey = keys(server)["public"]
        return more

    with Encrypted(tmp, ["{name: office, folder: in}"], [indicators(tmp, BAD)],
                   endpoint=f"tcp://127.0.0.1:{port}") as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint, more=curve("office")) as friend, Subscriber(daemon.endpoint) as stranger, \
                Subscriber(daemon.endpoint, more=curve("other")) as mistaken, \
                Watch("--endpoint", daemon.endpoint, "--replay", daemon.replay, "--server", "office.pub",
                      "--format", "json") as watch:
            friend.connected()
            told = watch.connected(tmp)
            friend.until("findings", lambda s: len(s.findings()) == told)
            time.sleep(0.5)
            same((stranger.messages, mistaken.messages), ([], []))
        daemon.stop()


@fact
def is_watched_with_its_own_configuration_and_key(tmp):
    """It binds to every address; the key proves it to who can read it, and others are told what they need."""
    os.chdir(tmp)
    vigia("keygen", "office")
    inbox(tmp)
    with Encrypted(tmp, ["{name: office, folder: in}"], [indicators(tmp, BAD)],
                   endpoint=f"tcp://*:{free_port()}") as daemon:
        daemon.start()
        with Watch("-c", tmp / "ask.yaml", "--format", "json") as watch:
            watch.connected(tmp)
        daemon.stop()
    (tmp / "office.key").unlink()
    holds(vigia("watch", "-c", tmp / "ask.yaml", status=USAGE).stderr, "publish.key: ", "office.key", "--server")


@fact
def refuses_to_tell_others_without_a_key(tmp):
    with folder_daemon(tmp, endpoint="tcp://0.0.0.0:5599") as daemon:
        daemon.start(running=False)
        holds(daemon.ends(USAGE), "0.0.0.0", "loopback")


@fact
def folds_a_flood_of_one_indicator_and_counts_what_it_folded(tmp):
    with folder_daemon(tmp, BAD, "domain-name,quiet.example,green", more="flood: {rate: 60, burst: 20}") as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint) as subscriber:
            subscriber.connected()
            put(inbox(tmp), "a.pcap", capture([query(n, f"n{n}.bad.example") for n in range(1000)] +
                                              [query(1000, "quiet.example")]))
            subscriber.until("the quiet one", lambda s: any(f["indicator"]["value"] == "quiet.example"
                                                            for _, f in s.findings()))
            at_once = [f for _, f in subscriber.findings() if f["indicator"]["value"] == "bad.example"]
            assert 20 <= len(at_once) <= 25, len(at_once)
            same(daemon.status()["telling"]["folded"], 1000 - len(at_once))
            daemon.stop()
            time.sleep(0.3)
            told = [f for _, f in subscriber.findings() if f["indicator"]["value"] == "bad.example"]
        same(sum(1 + f.get("folded", 0) for f in told), 1000)
        same(len(told) <= 30, True)


def first_of_each(told):
    """The first message of each topic and id."""
    first = {}
    for topic, finding in told:
        first.setdefault((topic, finding["id"]), finding)
    return list(first.values())


@fact
def tells_of_a_finding_first_that_it_is_opened_also_when_its_opening_was_folded(tmp):
    count = 300
    frames = [f for n in range(count) for f in (query(n, f"n{n}.bad.example"), answer(n))]
    with folder_daemon(tmp, more="flood: {rate: 600, burst: 20}") as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint) as subscriber:
            subscriber.connected()
            put(inbox(tmp), "a.pcap", capture(frames))
            wait_for("the flood", lambda: daemon.status()["telling"]["folded"] >= count - 30)
            time.sleep(2.5)  # its bucket is full again
            daemon.stop()  # every flow ends, answered
            time.sleep(0.3)
            told = subscriber.findings()
        same({f["status"] for f in first_of_each(told)}, {"opened"})
        same({(f["status"], f["flow"]["state"]) for _, f in told},
             {("opened", "one-sided"), ("opened", "established"), ("updated", "established")})
        same(sum(1 + f.get("folded", 0) for _, f in told), 2 * count)  # tellings: each was opened and updated
        same([f["status"] for f in daemon.hits()], [f["status"] for _, f in told])


@fact
def tells_a_tier_first_that_a_finding_is_opened_that_a_reload_shows_it(tmp):
    port = free_port()
    columns = "type,value,tlp,source"
    indicators(tmp, "domain-name,bad.example,red,own", columns=columns)
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [tmp / "indicators.csv"]) as daemon, \
            socket.socket() as talk, Subscriber(daemon.endpoint) as subscriber:
        daemon.start()
        subscriber.connected()
        talk.connect(("127.0.0.1", port))
        talk.sendall(CAPTURE + record(query(1, "n1.bad.example")))
        subscriber.until("the opening", lambda s: len(s.findings()) == 1)
        indicators(tmp, "domain-name,bad.example,red,own", "domain-name,bad.example,green,partner", columns=columns)
        wait_for("the generation", lambda: daemon.status()["generation"] == 2)
        talk.sendall(record(answer(1)))
        wait_for("the answer", lambda: daemon.status()["wire"]["packets"] == 2)
        daemon.stop()
        time.sleep(0.3)
        told = subscriber.findings()
    same(sorted((topic.split(".")[1], f["status"]) for topic, f in told),
         [("green", "opened"), ("red", "opened"), ("red", "updated")])
    same(len({f["id"] for _, f in told}), 1)


@fact
def explains_a_finding_by_the_beginning_of_its_id(tmp):
    path = indicators(tmp, "domain-name,bad.example,red,own", "domain-name,bad.example,green,partner",
                      columns="type,value,tlp,source")
    inbox(tmp)
    begun = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    with Daemon(tmp, ["{name: office, folder: in, tlp: amber}"], [path]) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", capture([f for n in range(40) for f in (query(n, f"n{n}.bad.example"), answer(n))]))
        wait_for("the findings", lambda: daemon.status()["telling"]["findings"] == 40)
        daemon.stop()
        hits = daemon.hits()
        journal = sqlite3.connect(f"file:{tmp}/vigia.db?mode=ro", uri=True)
        told = journal.execute("SELECT f.id, t.name, p.seq FROM publication p JOIN topic t ON t.id = p.topic JOIN "
                               "finding f ON f.row = p.finding ORDER BY p.row").fetchall()
        journal.close()
        same(len(told), 40 * 3 * 2)  # to green, amber (who saw it) and red
        config = ["-c", tmp / "ask.yaml"]
        for n, found in enumerate([f for f in hits if f["status"] == "updated"][:20]):
            shortest = next(found["id"][:k] for k in range(1, 37)
                            if len({f["id"] for f in hits if f["id"].startswith(found["id"][:k])}) == 1)
            begin = (shortest.upper(), found["id"])[n % 2]
            explained = json.loads(vigia("hits", *config, "--explain", begin, "--format", "json").stdout)
            publications, history = explained.pop("publications"), explained.pop("history")
            same(explained, found)
            same([(h["status"], h["state"]) for h in history], [("opened", "one-sided"), ("updated", "established")])
            same([(p["topic"], p["seq"]) for p in publications], [row[1:] for row in told if row[0] == found["id"]])
            text = vigia("hits", *config, "--explain", begin, "--format", "text").stdout
            same([(t["told"][:10], t["told"] >= begun) for t in history + publications], [(begun[:10], True)] * 8)
            holds(text, found["id"], found["observable"]["value"], "bad.example, suffix", "partner", "own",
                  found["flow"]["community_id"], "opened to green", "updated to red")
        several = next(c for c in "0123456789abcdef" if len({f["id"] for f in hits if f["id"].startswith(c)}) > 1)
        holds(vigia("hits", *config, "--explain", several, status=INPUT).stderr, "more than one")
        none = next(f"{n:03x}" for n in range(4096) if not any(f["id"].startswith(f"{n:03x}") for f in hits))
        holds(vigia("hits", *config, "--explain", none, status=INPUT).stderr, "no finding", none)
        holds(vigia("hits", *config, "--explain", none + "0" * 5 + "-0000-5000-8000-" + "0" * 12, status=INPUT).stderr,
              "no finding")
        holds(vigia("hits", *config, "--explain", "nonsense", status=USAGE).stderr, "nonsense")


@fact
def shows_in_text_that_a_finding_goes_on(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", capture([query(1, "n1.bad.example"), answer(1)]))
        wait_for("the finding", lambda: daemon.status()["telling"]["findings"] == 1)
        daemon.stop()
        opened, updated = vigia("hits", "-c", tmp / "ask.yaml", "--format", "text").stdout.splitlines()
        begin = daemon.hits()[0]["id"][:8]
        holds(opened, "14:00:00.000 medium", "one-sided", f"green {begin} indicators: bad.example")
        holds(updated, "14:00:00.000↳medium", "established", f"green {begin} since 14:00:00; indicators: bad.example")


# ---- bad input and neighbours


@fact
def says_which_port_another_program_has(tmp):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with folder_daemon(tmp, endpoint=f"tcp://127.0.0.1:{port}") as daemon:
            daemon.start(running=False)
            holds(daemon.ends(USAGE), f"127.0.0.1:{port}", "in use")
        with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [indicators(tmp, BAD)]) as daemon:
            daemon.start(running=False)
            holds(daemon.ends(USAGE), f"127.0.0.1:{port}", "in use")


@fact
def leaves_what_is_no_socket_where_it_should_listen(tmp):
    (tmp / "push").write_text("somebody's\n")
    with Daemon(tmp, [f"{{name: office, listen: 'unix://{tmp}/push'}}"], [indicators(tmp, BAD)]) as daemon:
        daemon.start(running=False)
        holds(daemon.ends(USAGE), f"{tmp}/push")
    same((tmp / "push").read_text(), "somebody's\n")


@fact
def does_not_run_twice(tmp):
    with folder_daemon(tmp) as first, folder_daemon(tmp) as second:
        first.start()
        second.starts = 100
        second.start(running=False)
        holds(second.ends(USAGE), "already running")
        first.status()
        first.stop()


@fact
def names_and_counts_captures_that_are_cut_or_none_and_goes_on(tmp):
    whole = queries(10)
    with folder_daemon(tmp) as daemon:
        daemon.start()
        put(inbox(tmp), "a-cut.pcap", whole[:-5])
        put(inbox(tmp), "b-none.pcap", b"no capture at all, just words " * 10)
        put(inbox(tmp), "c-broken.pcap", whole[:500] + b"\xff" * 500)
        put(inbox(tmp), "d-empty.pcap", b"")
        put(inbox(tmp), "e-good.pcap", queries(1, first=100))
        daemon.said("a-cut.pcap", "b-none.pcap", "c-broken.pcap")
        wait_for("the good one", lambda: daemon.hits("--indicator", "n100.bad.example"))
        same(len([f for f in daemon.hits() if f["evidence"]["file"].endswith("a-cut.pcap")]), 9)
        assert daemon.status()["sensors"][0]["damaged"] >= 3
        daemon.stop()


@fact
def takes_a_capture_only_once_nobody_writes_to_it(tmp):
    with folder_daemon(tmp) as daemon:
        daemon.start()
        octets = queries(10)
        with open(inbox(tmp) / "a.pcap", "wb", buffering=0) as writing:
            writing.write(octets[:300])
            time.sleep(1.5)
            same(daemon.status()["wire"]["packets"], 0)
            writing.write(octets[300:])
        wait_for("all of it", lambda: daemon.status()["telling"]["findings"] == 10)
        same("error" in daemon.heard(), False)
        daemon.stop()


@fact
def stops_in_the_middle_of_a_stream(tmp):
    port = free_port()
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [indicators(tmp, BAD)]) as daemon, \
            socket.socket() as talk:
        daemon.start()
        talk.connect(("127.0.0.1", port))
        talk.sendall(queries(100)[:-10])
        wait_for("findings", lambda: daemon.status()["telling"]["findings"] == 99)
        begun = time.monotonic()
        daemon.stop()
        assert time.monotonic() - begun < 8, "it took too long"


@fact
def stops_soon_while_a_stream_brings_more_than_it_can_take(tmp):
    port = free_port()
    with Daemon(tmp, [f"{{name: office, listen: 'tcp://127.0.0.1:{port}'}}"], [indicators(tmp, BAD)]) as daemon:
        daemon.start()
        octets, over = queries(20000), threading.Event()

        def flood():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as s:
                s.sendall(CAPTURE)
                while not over.is_set():
                    s.sendall(octets[len(CAPTURE):])
        pushing = threading.Thread(target=flood, daemon=True)
        pushing.start()
        wait_for("findings", lambda: daemon.status()["telling"]["findings"] > 1000)
        begun = time.monotonic()
        daemon.stop()
        over.set()
        pushing.join(WAIT)
        assert time.monotonic() - begun < 15, "it took too long"


# ---- feeds of events


EVENT_INDICATOR = "domain-name,bad.example,clear"


def incident(number, at=None, **more):
    """An event as IntelMQ writes it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() if at is None else at))
    return json.dumps({"__type": "Event", "classification.type": "phishing", "feed.provider": "partner",
                       "source.fqdn": f"e{number}.bad.example", "source.geolocation.cc": "PE", "time.source": stamp,
                       **more}) + "\n"


def incidents(first, last):
    return "".join(incident(n) for n in range(first, last))


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def feed_daemon(tmp, source="file: events.jsonl", **more):
    return Daemon(tmp, [], [indicators(tmp, EVENT_INDICATOR)], more=f"feeds:\n  - {{name: incidents, {source}}}", **more)


def feed_of(daemon):
    return daemon.status()["feeds"][0]


def heard_events(daemon, count):
    wait_for(f"{count} events", lambda: feed_of(daemon)["events"] >= count)
    same(feed_of(daemon)["events"], count)


def told_once(daemon, count):
    """Each incident up to `count` was told, and none twice. The journal says so, after the end."""
    told = collections.Counter(f["observable"]["value"] for f in daemon.hits())
    same(told, collections.Counter({f"e{n}.bad.example": 1 for n in range(count)}))


@fact
def tells_events_of_a_feed_with_their_place_and_kind(tmp):
    with feed_daemon(tmp) as daemon:
        append(tmp / "events.jsonl", incident(0, **{"event_hash": "x1", "destination.geolocation.cc": "BR"}))
        daemon.start()
        hit = wait_for("the hit", daemon.hits)[0]
        same(hit["event"], {"feed": "incidents", "reporter": "partner", "reference": "x1",
                            "classification": {"class": "fraud", "type": "phishing"}})
        assert "flow" not in hit, hit
        same((hit["region"]["country"], hit["region"]["subregion"], hit["remote_country"]), ("PE", "andean", "BR"))
        same((hit["sensor"], hit["tlp"], hit["category"]["type"]), ("incidents", "amber", "phishing"))
        feed = feed_of(daemon)
        same((feed["name"], feed["format"], feed["events"], feed["refused"]), ("incidents", "intelmq", 1, 0))


@fact
def tells_clear_readers_of_an_amber_event_only_what_the_indicator_says(tmp):
    with feed_daemon(tmp) as daemon, Subscriber(daemon.endpoint) as all_tiers:
        daemon.start()
        all_tiers.connected()
        append(tmp / "events.jsonl", incident(0))
        all_tiers.until("two renditions", lambda s: len(s.findings()) == 2)
        told = dict(all_tiers.findings())
        same(sorted(told), ["hit.amber.PE.phishing", "hit.clear.PE.undetermined"])
        public = told["hit.clear.PE.undetermined"]
        same((public["event"], public["evidence"], public["observable"]["value"]), (None, None, None))
        same(public["remote_country"], None)


@fact
def follows_a_feed_through_rename_and_truncation_without_loss(tmp):
    feed = tmp / "events.jsonl"
    with feed_daemon(tmp) as daemon:
        daemon.start()
        daemon.said("it is tried again")  # it is not there yet
        append(feed, incidents(0, 100))
        heard_events(daemon, 100)
        append(feed, incidents(100, 150))
        feed.rename(tmp / "events.jsonl.1")
        append(tmp / "events.jsonl.1", incidents(150, 160))  # the writer has it open still
        append(feed, incidents(160, 200))
        heard_events(daemon, 200)
        shutil.copy(feed, tmp / "events.jsonl.2")
        os.truncate(feed, 0)
        wait_for("the truncation", lambda: feed_of(daemon)["rotations"] == 2)
        half = incident(250)
        append(feed, incidents(200, 250) + half[:40])
        heard_events(daemon, 250)
        append(feed, half[40:])
        heard_events(daemon, 251)
        same(feed_of(daemon)["refused"], 0)
        daemon.stop()
        told_once(daemon, 251)


@fact
def goes_on_with_a_feed_where_it_was_stopped(tmp):
    feed = tmp / "events.jsonl"
    with feed_daemon(tmp) as daemon:
        half = incident(50)
        append(feed, incidents(0, 50) + half[:30])
        daemon.start()
        heard_events(daemon, 50)
        daemon.stop()
        append(feed, half[30:] + incidents(51, 60))
        daemon.start()
        heard_events(daemon, 10)
        daemon.stop()
        append(feed, incidents(60, 70))
        feed.rename(tmp / "events.jsonl.1")  # while nobody looks
        append(feed, incidents(70, 80))
        daemon.start()
        heard_events(daemon, 20)
        daemon.stop()
        told_once(daemon, 80)


@fact
def reads_every_file_that_a_feed_was_while_it_was_down(tmp):
    feed = tmp / "events.jsonl"
    with feed_daemon(tmp) as daemon:
        append(feed, incidents(0, 1))
        daemon.start()
        heard_events(daemon, 1)
        daemon.stop()
        for n in (1, 3, 5):
            append(feed, incidents(n, n + 2))
            feed.rename(tmp / f"events.d{n}")
            time.sleep(0.02)  # coarse clocks of file systems
        append(feed, incidents(7, 8))
        daemon.start()
        heard_events(daemon, 7)
        same(feed_of(daemon)["unread"], 0)
        daemon.stop()
        told_once(daemon, 8)
        append(feed, incidents(8, 9))
        feed.rename(tmp / "events.d7")
        time.sleep(0.02)
        append(feed, incidents(9, 10))
        (tmp / "events.d8.gz").write_bytes(gzip.compress(feed.read_bytes()))
        time.sleep(0.02)
        feed.write_text(incidents(10, 11), encoding="utf-8")
        os.unlink(tmp / "events.d7")
        daemon.start()
        heard_events(daemon, 1)
        wait_for("the count", lambda: feed_of(daemon)["unread"] == 2)
        holds(daemon.stop(), "events.d8.gz")


@fact
def says_once_that_an_interface_is_not_there(tmp):
    (tmp / "vigia.yaml").write_text(f"publish: {{endpoint: 'ipc://{tmp}/tell', replay: 'ipc://{tmp}/replay'}}\n"
                                    "sensors:\n  - {name: tap, interface: nosuch0}\n")
    said = vigia("run", "-c", tmp / "vigia.yaml", status=2).stderr
    holds(said, "sensor tap: nosuch0: ")
    assert said.count("No such device") < 2, said


@fact
def names_the_line_of_an_event_in_its_file(tmp):
    feed = tmp / "events.jsonl"
    with feed_daemon(tmp) as daemon:
        append(feed, incidents(0, 2) + "\n")
        daemon.start()
        heard_events(daemon, 2)
        daemon.stop()
        append(feed, incidents(2, 3))
        daemon.start()
        heard_events(daemon, 1)
        feed.rename(tmp / "events.jsonl.1")
        append(feed, incidents(3, 5))
        heard_events(daemon, 3)
        daemon.stop()
        same([f["evidence"]["packet"] for f in daemon.hits()], [1, 2, 4, 1, 2])


@fact
def loses_no_event_however_often_it_is_killed(tmp):
    feed, total = tmp / "events.jsonl", 0
    with feed_daemon(tmp) as daemon:
        for _ in range(4):
            append(feed, incidents(total, total + 3000))
            total += 3000
            daemon.start()
            time.sleep(0.3)
            daemon.kill()
        daemon.start()
        wait_for("the rest", lambda: feed_of(daemon)["lag"] == 0 and feed_of(daemon)["position"] == os.path.getsize(feed))
        daemon.stop()
        told = {f["observable"]["value"] for f in daemon.hits()}
        same(told, {f"e{n}.bad.example" for n in range(total)})


@fact
def hears_a_publisher_of_events_in_one_frame_or_two(tmp):
    needs_zmq()
    endpoint = f"ipc://{tmp}/feed"
    context = zmq.Context()
    with context.socket(zmq.PUB) as speaking, \
            feed_daemon(tmp, f"subscribe: '{endpoint}', topics: 'intelmq,other'") as daemon:
        speaking.setsockopt(zmq.LINGER, 0)
        speaking.bind(endpoint)
        daemon.start()

        def again():  # until somebody is there
            speaking.send_multipart([b"intelmq", incident(0).encode()])
            return feed_of(daemon)["events"] > 0
        wait_for("the first event", again)
        before = feed_of(daemon)["events"]
        speaking.send(b"intelmq " + incident(1).encode())
        speaking.send_multipart([b"intelmq.cl", incident(2).encode()])
        speaking.send_multipart([b"unheard", incident(3).encode()])
        speaking.send_multipart([b"intelmq", b"{half"])
        speaking.send_multipart([b"intelmq", b"a", b"b"])
        speaking.send(b"other " + incident(4).encode())
        wait_for("the others", lambda: feed_of(daemon)["events"] >= before + 3)
        feed = feed_of(daemon)
        same((feed["events"], feed["refused"], feed["remarks"]), (before + 3, 2, "1 record refused (1 no JSON)"))
        daemon.stop()
        same({f["observable"]["value"] for f in daemon.hits()}, {f"e{n}.bad.example" for n in (0, 1, 2, 4)})
    context.term()


@fact
def counts_what_of_a_feed_it_cannot_read_and_says_so(tmp):
    with feed_daemon(tmp) as daemon:
        append(tmp / "events.jsonl", incident(0) + "{half\n" + incident(1, at=10) + incident(2, at=time.time() + 2 * 86400) +
               incident(3, **{"classification.type": "odd"}) + incident(4, **{"source.geolocation.cc": "XX"}))
        daemon.start()
        heard_events(daemon, 3)
        same((feed_of(daemon)["refused"], feed_of(daemon)["remarks"]),
             (3, "3 records refused (1 no JSON, 2 time that cannot be); 1 event of unknown class: 'odd' 1; "
                 "1 event of unknown country: 'XX' 1"))
        holds(vigia("status", "-c", tmp / "ask.yaml", "--format", "text").stdout, "unknown class: 'odd' 1")
        holds(daemon.stop(), f"feed incidents: {tmp}/events.jsonl: line 2: ", "events.jsonl: line 3: expected a time from 1990")


@fact
def meets_only_indicators_that_are_valid_at_the_events_time(tmp):
    rows = indicators(tmp, "domain-name,e1.bad.example,clear,2020-01-01,2021-01-01",
                      columns="type,value,tlp,valid_from,valid_until")
    with Daemon(tmp, [], [rows], more="feeds:\n  - {name: incidents, file: events.jsonl}") as daemon:
        append(tmp / "events.jsonl", incident(1) + incident(1, at=1_590_000_000))
        daemon.start()
        heard_events(daemon, 2)
        daemon.stop()
        same([f["timestamp"][:4] for f in daemon.hits()], ["2020"])


def main():
    part, parts = 0, 1
    words = sys.argv[2:]
    if words and re.fullmatch(r"\d+/\d+", words[0]):
        part, parts = map(int, words.pop(0).split("/"))
    failed = skipped = 0
    chosen = [f for f in FACTS if not words or any(word in f.__name__ for word in words)][part % parts::parts]
    home = os.getcwd()
    for function in chosen:
        with tempfile.TemporaryDirectory(prefix="vigia-") as folder:
            begun = time.monotonic()
            try:
                function(pathlib.Path(folder))
                print(f"ok      {function.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
            except Skip as why:
                skipped += 1
                print(f"skipped {function.__name__}: {why}", flush=True)
            except Exception as why:  # pylint: disable=broad-except
                failed += 1
                where = traceback.extract_tb(why.__traceback__)
                line = [frame.lineno for frame in where if frame.name == function.__name__][-1]
                print(f"not ok  {function.__name__}, line {line}: {type(why).__name__}: {str(why)[:2000]}", flush=True)
            os.chdir(home)
    print(f"{len(chosen)} facts, {failed} do not hold, {skipped} skipped")
    sys.exit(1 if failed or not chosen else 77 if skipped == len(chosen) else 0)


if __name__ == "__main__":
    main()
