#!/usr/bin/python3
"""live.py VIGIA [WORD...]: the daemon as those outside see it, one fact a line.

Each fact is a function whose name says what holds; with WORDs, only facts whose name holds one of them. A fact has its
own daemon in a folder of its own; its sockets are files in there (ipc), but where TCP is what the fact is about. What a
fact waits for, it waits for at most WAIT seconds. Python's standard library, and pyzmq for those that subscribe; facts
about interfaces make a network namespace with a pair of veths in it, which needs root.
"""
import collections
import contextlib
import csv
import json
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


CAPTURE = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)


def record(frame, at=0.0):
    us = round((BEGIN + at) * 1_000_000)
    return struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), len(frame)) + frame


def capture(frames, at=0.0):
    """Frames a millisecond apart."""
    return CAPTURE + b"".join(record(frame, at + n / 1000) for n, frame in enumerate(frames))


def queries(count, domain="bad.example", first=0):
    return capture([query(first + n, f"n{first + n}.{domain}") for n in range(count)], first / 1000)


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


def main():
    words = sys.argv[2:]
    failed = skipped = 0
    chosen = [f for f in FACTS if not words or any(word in f.__name__ for word in words)]
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


main()
