#!/usr/bin/python3
"""cli.py VIGIA [WORD...]: the command line as those outside see it, one fact a line.

Each fact is a function whose name says what holds; with WORDs, only facts whose name holds one of them. Captures that a
fact needs beyond the sample are written here, packet by packet, so that what stands in them can be read beside what is
expected of them. Nothing but Python's standard library.
"""
import csv
import datetime
import gzip
import hashlib
import io
import ipaddress
import json
import lzma
import os
import pathlib
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import traceback
import uuid
import zipfile

VIGIA = os.path.abspath(sys.argv[1])
DATA = pathlib.Path("tests/data").resolve()
SAMPLE = DATA / "sample.pcap"
SAMPLE_INDICATORS = ["-i", DATA / "sample-indicators.csv", "-i", DATA / "sample-list.txt"]
DONE, INPUT, USAGE, OUTPUT = 0, 1, 2, 3  # exit statuses
WAIT = 60  # seconds

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


# ---- running


class Ran:
    def __init__(self, status, out, err):
        self.status, self.raw, self.err = status, out, err.decode("utf-8", "replace")
        self.out = out.decode("utf-8", "replace")

    def findings(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def of_kind(self, kind):
        return [f for f in self.findings() if f["kind"] == kind]


def run(*args, status=DONE, stdin=None, env=None, cwd=None):
    """Runs it to its end, and expects this status (None: any)."""
    done = subprocess.run([VIGIA, *map(str, args)], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT, check=False, cwd=cwd,
                          env={**os.environ, **(env or {})})
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert status in (None, ran.status), f"{' '.join(map(str, args))}: expected status {status}, got {ran.status}: {ran.err}"
    return ran


def on_terminal(*args, columns=120, env=None):
    """The same on a terminal of so many columns; what it shows."""
    pid, fd = pty.fork()
    if pid == 0:
        termios.tcsetwinsize(1, (40, columns))
        os.execve(VIGIA, [VIGIA, *map(str, args)], {**os.environ, "TERM": "xterm", **(env or {})})
    shown = b""
    while True:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(fd)
    same(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), DONE)
    return shown.decode().replace("\r\n", "\n")


def reader_leaves(*args):
    """Runs it with a reader of its output that goes away at once; its exit status."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen([VIGIA, *map(str, args)], stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.PIPE) as p:
        os.close(writing)
        err = p.communicate(timeout=WAIT)[1]
        same(err, b"")
        return p.returncode


def disk_is_full(*args):
    """Runs it with an output that takes nothing; its exit status."""
    with open("/dev/full", "wb") as full:
        return subprocess.run([VIGIA, *map(str, args)], stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
                              timeout=WAIT, check=False).returncode


def sample(*args, **kwargs):
    return run("replay", *SAMPLE_INDICATORS, *args, **kwargs)


def apart_from_files(findings):
    """The findings without the names of the files that they were found in."""
    for finding in findings:
        del finding["evidence"]["file"]
    return findings


def seen(ran):
    """The values that were found, each once, sorted."""
    return sorted({finding["observable"]["value"] for finding in ran.findings()})


# ---- captures

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
HERE, THERE = ("192.0.2.11", 40001), ("203.0.113.80", 80)
BEGIN = 1_772_460_000  # 2026-03-02T14:00:00Z


def checksum(octets):
    octets += b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(octets) // 2}H", octets))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def address(text):
    return bytes(map(int, text.split(".")))


def ethernet(src, dst, proto, segment):
    """A frame around an IPv4 packet."""
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, proto, 0, address(src), address(dst))
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return bytes.fromhex("020000000002 020000000001 0800") + head + segment


def transport(src, dst, proto, segment, at):
    """Fills in the checksum, which stands at `at`, over the pseudo header too."""
    pseudo = address(src) + address(dst) + struct.pack(">BBH", 0, proto, len(segment))
    return segment[:at] + struct.pack(">H", checksum(pseudo + segment)) + segment[at + 2:]


def tcp(src, dst, seq, ack, flags, payload=b""):
    segment = struct.pack(">HHIIBBHHH", src[1], dst[1], seq, ack, 0x50, flags, 65535, 0, 0) + payload
    return ethernet(src[0], dst[0], 6, transport(src[0], dst[0], 6, segment, 16))


def udp(src, dst, payload):
    datagram = struct.pack(">HHHH", src[1], dst[1], 8 + len(payload), 0) + payload
    return ethernet(src[0], dst[0], 17, transport(src[0], dst[0], 17, datagram, 6))


def gre(src, dst, frame):
    """What is in the frame, in a tunnel (RFC 2784)."""
    return ethernet(src, dst, 47, bytes.fromhex("0000 0800") + frame[14:])


def fragments(frame, size):
    """The frame's datagram in fragments of so many octets (RFC 791); their checksums nobody asks for."""
    head, content = frame[:34], frame[34:]
    for at in range(0, len(content), size):
        part = content[at:at + size]
        place = at // 8 | (0x2000 if at + size < len(content) else 0)
        yield head[:16] + struct.pack(">HHH", 20 + len(part), 7, place) + head[22:] + part


def query(name):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack(">HH", 1, 1)


def client_hello(name):
    """RFC 8446, 4.1.2, with a server name (RFC 6066, 3)."""
    host = name.encode()
    entry = struct.pack(">BH", 0, len(host)) + host
    names = struct.pack(">H", len(entry)) + entry
    extensions = struct.pack(">HH", 0, len(names)) + names
    body = (b"\x03\x03" + bytes(range(32)) + b"\0" + struct.pack(">HH", 2, 0x1301) + b"\x01\0" +
            struct.pack(">H", len(extensions)) + extensions)
    message = b"\x01" + struct.pack(">I", len(body))[1:] + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


class Capture:
    """Frames a millisecond apart, unless a time is given (in seconds behind BEGIN)."""

    def __init__(self):
        self.frames, self.now = [], 0.0

    def add(self, frame, at=None):
        self.now = self.now + 0.001 if at is None else at
        self.frames.append((self.now, frame))
        return self

    def octets(self):
        out = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
        for at, frame in self.frames:
            us = round((BEGIN + at) * 1_000_000)
            out += struct.pack("<IIII", us // 1_000_000, us % 1_000_000, len(frame), len(frame)) + frame
        return out

    def write(self, path):
        path.write_bytes(self.octets())
        return path


class Talk:
    """A TCP connection from HERE to THERE, opened with a handshake. What is sent is numbered from the stream's begin."""

    def __init__(self, capture, src=HERE, dst=THERE, at=None):
        self.capture, self.src, self.dst = capture, src, dst
        capture.add(tcp(src, dst, 1000, 0, SYN), at).add(tcp(dst, src, 9000, 1001, SYN | ACK))
        capture.add(tcp(src, dst, 1001, 9001, ACK))

    def send(self, offset, payload, at=None):
        self.capture.add(tcp(self.src, self.dst, 1001 + offset, 9001, PSH | ACK, payload), at)
        return self

    def close(self, offset):
        self.capture.add(tcp(self.src, self.dst, 1001 + offset, 9001, FIN | ACK))
        self.capture.add(tcp(self.dst, self.src, 9001, 1002 + offset, FIN | ACK))
        self.capture.add(tcp(self.src, self.dst, 1002 + offset, 9002, ACK))
        return self


RESOLVER = ("198.51.100.53", 53)


def asked(at, name, port=5353):
    """A capture of one DNS query."""
    return Capture().add(udp(("192.0.2.11", port), RESOLVER, query(name)), at)


def indicators(folder, *rows, columns="type,value"):
    path = folder / "indicators.csv"
    path.write_text("\n".join([columns, *rows]) + "\n")
    return path


# ---- usage


@fact
def says_its_version(_):
    assert re.fullmatch(r"vigia \d+\.\d+\.\d+\n", run("--version").out)


@fact
def helps_on_every_level(_):
    top = run("--help")
    same(top.err, "")
    for name in ("replay", "observe", "lookup", "check"):
        holds(top.out, name)
        for option in ("--help", "-h"):
            ran = run(name, option)
            holds(ran.out, f"vigia {name}", "--help")
            same(ran.err, "")


@fact
def refuses_wrong_usage_with_status_2_and_says_nothing_on_stdout(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    wrong = [
        [], ["rpelay"], ["--nonsense"],
        ["replay"], ["observe"], ["lookup"],
        ["replay", SAMPLE], ["lookup", "bad.example"],
        ["replay", "-i", values, "--nonsense", SAMPLE],
        ["replay", "-i", values, "--format", "xml", SAMPLE],
        ["replay", "-i", values, "--threads", "many", SAMPLE],
        ["replay", "-i", values, "--threads", "-1", SAMPLE],
        ["replay", "-i", values, "--threads", "65", SAMPLE],
        ["replay", "-i", values, "--as", "telepathy", SAMPLE],
        ["replay", "-i"],
        ["replay", "-i", "", SAMPLE],
        ["replay", "-i", values, "-c", tmp / "missing.yaml", SAMPLE],
        ["observe", "-i", values, SAMPLE],
        ["check", "-c", tmp / "missing.yaml"],
    ]
    for args in wrong:
        ran = run(*args, status=USAGE)
        same(ran.out, "")
        assert ran.err, f"{args}: nothing was said"


@fact
def is_quiet_when_all_is_well(_):
    same(sample(SAMPLE).err, "")


@fact
def writes_only_findings_to_stdout_and_stats_to_stderr(_):
    ran = sample("--stats", SAMPLE)
    same(ran.out, sample(SAMPLE).out)
    holds(ran.err, "frames", "findings", "flows")


@fact
def sees_what_tunnels_and_fragments_carry(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    frame = udp(HERE, RESOLVER, query("a.name.that.is.bad.example"))
    plain, through, parted, both = Capture(), Capture(), Capture(), Capture()
    plain.add(frame)
    through.add(gre("203.0.113.1", "203.0.113.2", frame))
    for part in reversed(list(fragments(frame, 16))):
        parted.add(part)
    for part in fragments(gre("203.0.113.1", "203.0.113.2", frame), 24):
        both.add(part)
    for capture, tunnel in ((plain, None), (through, "gre"), (parted, None), (both, "gre")):
        path = capture.write(tmp / "a.pcap")
        (finding,) = run("replay", "-i", values, path).findings()
        same((finding["observable"]["where"], finding["flow"]["tunnel"]), ("dns.query", tunnel))
        same((finding["flow"]["src_ip"], finding["flow"]["src_port"]), HERE)
        same(finding["evidence"]["packet"], len(capture.frames))
    ends = {o["value"] for o in run("observe", through.write(tmp / "a.pcap")).findings() if o["where"] == "ip.src"}
    assert {"203.0.113.1", HERE[0]} <= ends, ends


@fact
def shows_the_blind_spots_as_shares(tmp):
    talk = Talk(Capture())
    talk.send(0, b"\x00\x01 no protocol that anybody knows, and more of it than a probe needs: 80 octets")
    talk.capture.add(udp(HERE, RESOLVER, query("bad.example")))
    ran = run("observe", "--stats", talk.capture.write(tmp / "a.pcap"))
    shares = dict(re.findall(r"^(blind_\w+) +([0-9.]+)%", ran.err, re.M))
    same(sorted(shares), ["blind_cut", "blind_encrypted", "blind_one_sided", "blind_unknown"])
    same((shares["blind_cut"], shares["blind_encrypted"], shares["blind_one_sided"]), ("0.0", "0.0", "50.0"))
    assert 0 < float(shares["blind_unknown"]) < 100, shares
    same(run("observe", "--stats", Capture().write(tmp / "none.pcap")).err.count("blind_"), 0)


@fact
def fails_with_status_3_where_the_disk_is_full(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    same(disk_is_full("replay", "-i", values, SAMPLE), OUTPUT)
    same(disk_is_full("replay", "-i", values, "-o", "/dev/full", SAMPLE), OUTPUT)
    same(disk_is_full("observe", SAMPLE), OUTPUT)
    same(disk_is_full("lookup", "-i", values, "bad.example"), OUTPUT)
    same(disk_is_full("check", values), OUTPUT)
    same(disk_is_full("replay", "-i", values, "-o", tmp / "missing" / "out.ndjson", SAMPLE), OUTPUT)


@fact
def is_done_when_the_reader_of_its_output_went_away(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    same(reader_leaves("replay", "-i", values, SAMPLE), DONE)
    same(reader_leaves("observe", SAMPLE), DONE)
    same(reader_leaves("lookup", "-i", values, "bad.example"), DONE)
    same(reader_leaves("check", values), DONE)


@fact
def stops_reading_when_the_reader_of_its_output_went_away(tmp):
    names = Capture()
    for n in range(20000):
        names.add(udp(HERE, RESOLVER, query(f"n{n}.bad.example")))
    same(reader_leaves("observe", "--threads", "2", names.write(tmp / "names.pcap")), DONE)


# ---- inputs


@fact
def reads_a_pipe_as_it_reads_the_file(_):
    expected = apart_from_files(sample(SAMPLE).findings())
    for workers in ("1", "3"):
        octets, size = SAMPLE.read_bytes(), 1
        with subprocess.Popen([VIGIA, "replay", *map(str, SAMPLE_INDICATORS), "--threads", workers, "-"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
            while octets:
                p.stdin.write(octets[:size])
                p.stdin.flush()
                octets, size = octets[size:], size % 997 + 13
            out = p.communicate(timeout=WAIT)[0]
        same(p.returncode, DONE)
        findings = [json.loads(line) for line in out.splitlines()]
        same({finding["evidence"]["file"] for finding in findings}, {"-"})
        same(apart_from_files(findings), expected)


@fact
def reads_named_pipes_as_it_reads_files(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    names = ("left", "right")
    for n, name in enumerate(names):
        capture = Capture()
        for k in range(5000):
            capture.add(udp(("192.0.2.11", 10000 + 2 * k + n), RESOLVER, query(f"{name}.bad.example")), k / 100)
        capture.write(tmp / f"{name}.pcap")
        os.mkfifo(tmp / f"{name}.fifo")
    expected = apart_from_files(run("replay", "-i", values, *(tmp / f"{name}.pcap" for name in names)).findings())
    for workers in ("1", "2"):
        cats = [subprocess.Popen(["sh", "-c", f"cat '{tmp}/{name}.pcap' > '{tmp}/{name}.fifo'"]) for name in names]
        fifos = [tmp / f"{name}.fifo" for name in names]
        findings = run("replay", "-i", values, "--threads", workers, *fifos).findings()
        same([cat.wait(WAIT) for cat in cats], [0, 0])
        same({f["evidence"]["file"] for f in findings}, set(map(str, fifos)))
        same(apart_from_files(findings) == expected, True)


@fact
def names_a_pipe_that_brings_no_capture(tmp):
    os.mkfifo(tmp / "fifo")
    with subprocess.Popen(["sh", "-c", f"echo no capture > '{tmp}/fifo'"]):
        ran = sample(tmp / "fifo", SAMPLE, status=INPUT)
    holds(ran.err, f"{tmp}/fifo: ")
    same(len(ran.findings()), len(sample(SAMPLE).findings()))


def packed(tmp):
    octets = SAMPLE.read_bytes()
    (tmp / "sample.gz").write_bytes(gzip.compress(octets))
    (tmp / "sample.xz").write_bytes(lzma.compress(octets))
    with zipfile.ZipFile(tmp / "sample.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.pcap", octets)
    kinds = ["gz", "xz", "zip"]
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", SAMPLE, "-o", tmp / "sample.zst"], check=True)
        kinds.append("zst")
    return [tmp / f"sample.{kind}" for kind in kinds]


@fact
def unpacks_on_the_way_whatever_the_name_says(tmp):
    expected = apart_from_files(sample(SAMPLE).findings())
    for path in packed(tmp):
        same(apart_from_files(sample(path).findings()), expected)
        nameless = path.rename(path.with_suffix(".txt"))
        same(apart_from_files(sample(nameless).findings()), expected)
        same(apart_from_files(sample("-", stdin=nameless.read_bytes()).findings()), expected)


@fact
def reads_every_file_of_an_archive(tmp):
    with zipfile.ZipFile(tmp / "two.zip", "w") as archive:
        archive.writestr("first.pcap", asked(1, "one.bad.example").octets())
        archive.writestr("below/second.pcap", asked(2, "two.bad.example", 5354).octets())
    ran = run("replay", "-i", indicators(tmp, "domain-name,bad.example"), tmp / "two.zip")
    same(seen(ran), ["one.bad.example", "two.bad.example"])
    for finding, name in zip(ran.findings(), ("first.pcap", "second.pcap")):
        holds(finding["evidence"]["file"], "two.zip", name)


@fact
def unpacks_indicators_too(tmp):
    (tmp / "list.gz").write_bytes(gzip.compress(b"bad.example\n"))
    ran = run("replay", "-i", tmp / "list.gz", asked(1, "a.bad.example").write(tmp / "a.pcap"))
    same(seen(ran), ["a.bad.example"])


@fact
def reads_a_folder_in_byte_order_of_its_paths(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    folder = tmp / "captures"
    names = ["Z.pcap", "a.pcap", "b/c.pcap", "b.pcap", "b/a/z.pcap", "\u00e9.pcap", "10.pcap", "9.pcap"]
    for n, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        asked(1, "bad.example", 6000 + n).write(folder / name)
    ran = run("replay", "-i", values, folder)
    expected = sorted((os.fsencode(folder / name) for name in names))
    same([os.fsencode(finding["evidence"]["file"]) for finding in ran.findings()], expected)


@fact
def merges_inputs_by_timestamp_and_ties_in_the_order_of_the_arguments(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    left, right = Capture(), Capture()
    for n, capture in enumerate((left, right, right, left, left, right)):
        capture.add(udp(("192.0.2.11", 6000 + n), RESOLVER, query(f"n{n}.bad.example")), 1 + n // 2)
    left.write(tmp / "left.pcap")
    right.write(tmp / "right.pcap")
    for order, expected in (("left right", "013245"), ("right left", "102354")):
        ran = run("replay", "-i", values, *(tmp / f"{name}.pcap" for name in order.split()))
        same("".join(f["observable"]["value"][1] for f in ran.findings()), expected)


@fact
def follows_a_flow_from_one_file_into_the_next(tmp):
    whole = Capture()
    Talk(whole).send(0, b"the word is LANTERN").send(19, b"-STAGE2 and no other").close(39)
    first, second = Capture(), Capture()
    first.frames, second.frames = whole.frames[:4], whole.frames[4:]
    values = indicators(tmp, "content,LANTERN-STAGE2")
    ran = run("replay", "-i", values, second.write(tmp / "a.pcap"), first.write(tmp / "b.pcap"))
    same([f["flow"]["state"] for f in ran.findings()], ["established"])


@fact
def is_done_with_a_capture_of_no_packets(tmp):
    same(run("replay", *SAMPLE_INDICATORS, Capture().write(tmp / "none.pcap")).out, "")


@fact
def names_a_truncated_capture_with_its_offset_and_reads_the_rest(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    broken = asked(1, "one.bad.example")
    begins = len(broken.octets())
    broken.add(udp(HERE, RESOLVER, query("two.bad.example")))
    (tmp / "cut.pcap").write_bytes(broken.octets()[:-10])
    asked(3, "three.bad.example", 5354).write(tmp / "whole.pcap")
    for workers in ("1", "2"):
        ran = run("replay", "-i", values, "--threads", workers, tmp / "cut.pcap", tmp / "whole.pcap", status=INPUT)
        same(seen(ran), ["one.bad.example", "three.bad.example"])
        same(len(ran.err.splitlines()), 1)
        holds(ran.err, f"{tmp}/cut.pcap", f"offset {begins}")
    ran = run("replay", "-i", values, "-", stdin=(tmp / "cut.pcap").read_bytes(), status=INPUT)
    same(seen(ran), ["one.bad.example"])
    holds(ran.err, f"offset {begins}")


@fact
def names_what_is_no_capture_and_reads_the_rest(tmp):
    (tmp / "letter.pcap").write_text("Dear colleague,\n\nhere is the capture.\n")
    (tmp / "empty.pcap").write_bytes(b"")
    for name in ("letter.pcap", "empty.pcap", "missing.pcap"):
        ran = sample(tmp / name, SAMPLE, status=INPUT)
        same(ran.out, sample(SAMPLE).out.replace(str(tmp / name), str(SAMPLE)))
        holds(ran.err, str(tmp / name))
        same(len(ran.err.splitlines()), 1)


@fact
def recognises_a_capture_by_its_content(tmp):
    shutil.copy(SAMPLE, tmp / "sample.csv")
    same(len(sample(tmp / "sample.csv").findings()), len(sample(SAMPLE).findings()))


@fact
def names_what_holds_no_indicators_and_takes_the_rest(tmp):
    for wrong in (SAMPLE, tmp / "missing.csv"):
        ran = run("replay", "-i", wrong, "-i", indicators(tmp, "domain-name,bad.example"),
                  asked(1, "bad.example").write(tmp / "a.pcap"), status=INPUT)
        same(seen(ran), ["bad.example"])
        holds(ran.err, str(wrong))


@fact
def names_a_file_that_it_may_not_read(tmp):
    if os.geteuid() == 0:
        raise Skip("root may read everything")
    path = asked(1, "bad.example").write(tmp / "secret.pcap")
    path.chmod(0)
    holds(sample(path, SAMPLE, status=INPUT).err, str(path), "Permission denied")


@fact
def reads_stdin_only_once(_):
    ran = sample("-", "-", stdin=SAMPLE.read_bytes(), status=INPUT)
    same(len(ran.findings()), len(sample(SAMPLE).findings()))


# ---- indicators


COUNTRIES = "# made up\nprefix,country\n203.0.113.0/24,NL\n2001:db8::/32,br\n198.51.100.0/24,Peru\n"


def atlas(tmp, extra=""):
    """A configuration that knows the countries of some addresses, and no home networks but 192.0.2.0/24."""
    (tmp / "countries.csv").write_text(COUNTRIES)
    config = tmp / "atlas.yaml"
    config.write_text("sensor:\n  name: office\n  country: CL\n  home: [192.0.2.0/24]\n"
                      f"countries:\n  - file: countries.csv\n{extra}")
    return config


@fact
def tells_where_both_ends_of_a_flow_are(tmp):
    ran = run("replay", "-c", atlas(tmp), *SAMPLE_INDICATORS, SAMPLE, status=INPUT)
    holds(ran.err, "countries.csv: line 5: expected a country's two letters (ISO 3166), found \"Peru\"")
    places = {}
    for finding in ran.of_kind("hit"):
        ends = finding["flow"]["src_ip"], finding["flow"]["dest_ip"]
        places[ends] = finding["region"]["country"], finding["region"]["subregion"], finding["remote_country"]
    same(places["192.0.2.11", "203.0.113.66"], ("CL", "southern-cone", "NL"))
    same(places["192.0.2.11", "198.51.100.53"], ("CL", "southern-cone", None))
    same(places["2001:db8:10::11", "2001:db8:66::5"], ("BR", "southern-cone", "BR"))


@fact
def links_and_counts_in_a_replay_what_happened_when_whatever_the_number_of_threads(tmp):
    events = subprocess.run(["script/record-events"], capture_output=True, check=True).stdout
    halves = events.splitlines(keepends=True)
    (tmp / "one.jsonl").write_bytes(b"".join(halves[::2]))  # out of step, and the later one first
    (tmp / "other.jsonl").write_bytes(b"".join(halves[1::2]))
    outputs = [run("replay", "-c", atlas(tmp), "--threads", n, *SAMPLE_INDICATORS, SAMPLE, tmp / "other.jsonl",
                   tmp / "one.jsonl", status=INPUT) for n in (1, 2, 4)]
    same(len({ran.out for ran in outputs}), 1)
    kinds = [f["kind"] for f in outputs[0].findings()]
    alarm = outputs[0].of_kind("trend")[0]
    same((alarm["place"], alarm["category"]["type"], alarm["status"]), ("CL", "phishing", "opened"))
    assert alarm["observed"] >= 34, alarm
    links = outputs[0].of_kind("correlation")
    last = [f for f in links if "UY" in f["countries"]][-1]
    same((last["countries"], last["count"]), (["PE", "UY"], 2))  # the packets are two days older
    hits = {f["id"] for f in outputs[0].of_kind("hit")}
    assert set(last["evidence"]) <= hits, "its evidence was told"
    assert kinds.index("trend") < len(kinds) - 1, "before what happened later"


@fact
def shows_the_country_of_an_address_that_is_looked_up(tmp):
    ran = run("lookup", "-c", atlas(tmp), *SAMPLE_INDICATORS, "--format", "json", "203.0.113[.]66", "192.0.2.1",
              "http://203.0.113.9/x", status=INPUT)
    same([json.loads(line).get("country") for line in ran.out.splitlines()], ["NL", None, "NL"])
    ran = run("lookup", "-c", atlas(tmp), *SAMPLE_INDICATORS, "--format", "text", "203.0.113.66", status=INPUT)
    holds(ran.out, "203.0.113.66 (ipv4-addr, NL)")


@fact
def checks_countries_and_regions(tmp):
    ran = run("check", "-c", atlas(tmp), status=INPUT)
    holds(ran.out, "countries.csv: csv, 2 networks, 0 records without a country, 1 refused\n",
          "countries: 2 networks of 2 countries\n")
    (tmp / "regions.yaml").write_text("subregions:\n  one: {name: One}\nstates: []\n")
    config = atlas(tmp, "regions: regions.yaml\n")
    ran = run("check", "-c", config, status=USAGE)
    holds(ran.err, "regions.yaml: line 2: subregions.one.name_es: expected a name, found nothing")
    ran = run("replay", "-c", config, *SAMPLE_INDICATORS, SAMPLE, status=USAGE)
    holds(ran.err, "regions.yaml: line 2:")
    (tmp / "regions.yaml").write_text("subregions:\n  the-south: {name: South, name_es: Sur}\nstates:\n"
                                      "  - {code: CL, name: Chile, name_es: Chile, subregion: the-south, oas: {},\n"
                                      "     neighbours: []}\n")
    ran = run("replay", "-c", config, *SAMPLE_INDICATORS, SAMPLE, status=INPUT)
    same({f["region"]["subregion"] for f in ran.of_kind("hit") if f["region"]["country"] == "CL"}, {"the-south"})


@fact
def names_a_line_that_is_no_indicator_and_takes_the_rest(tmp):
    values = indicators(tmp, "domain-name,bad.example", "ipv4-addr,300.1.2.3", "telepathy,x", "domain-name,worse.example")
    capture = asked(1, "bad.example").add(udp(HERE, RESOLVER, query("worse.example")))
    ran = run("replay", "-i", values, capture.write(tmp / "a.pcap"), status=INPUT)
    same(seen(ran), ["bad.example", "worse.example"])
    errors = ran.err.splitlines()
    same(len(errors), 2)
    holds(errors[0], f"{values}: line 3: ", "300.1.2.3")
    holds(errors[1], f"{values}: line 4: ", "telepathy")


@fact
def names_twenty_bad_lines_and_counts_the_others(tmp):
    values = indicators(tmp, *(f"ipv4-addr,300.1.2.{n}" for n in range(50)), "domain-name,bad.example")
    ran = run("replay", "-i", values, asked(1, "bad.example").write(tmp / "a.pcap"), status=INPUT)
    same(seen(ran), ["bad.example"])
    errors = ran.err.splitlines()
    same(len(errors), 21)
    holds(errors[19], "line 21: ")
    holds(errors[20], str(values), "30 more")


@fact
def warns_of_what_it_had_to_change_and_is_done(tmp):
    values = indicators(tmp, "ipv4-addr,203.0.113.77/24,x", "ipv4-addr,2001:db8::1,y", columns="type,value,colour")
    ran = run("replay", "-i", values, asked(1, "bad.example").write(tmp / "a.pcap"))
    holds(ran.err, "colour", "203.0.113.0/24", "2001:db8::1")
    assert "error" not in ran.err, ran.err


# ---- MISP and STIX


def misp_event(*attributes, **event):
    return json.dumps({"Event": {"Attribute": [{"to_ids": True, **a} for a in attributes], **event}})


def misp_feed(folder, events, listed=None):
    """A MISP feed: a file for each event, and the manifest that lists them (or what is said instead)."""
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {}
    for name, text in events.items():
        (folder / f"{name}.json").write_text(text)
        manifest[name] = {"info": "x", "Orgc": {"name": "y"}, "timestamp": "1", "date": "2026-01-01",
                          "integrity:sha256": hashlib.sha256(text.encode()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest if listed is None else listed, indent=1))
    return folder


FIRST, SECOND, THIRD = ("36a35f34-e476-510a-bbcd-7c2de26f2d4%d" % n for n in (1, 2, 3))


@fact
def takes_one_value_from_csv_misp_and_stix_with_what_each_says(tmp):
    rows = indicators(tmp, "domain-name,bad.example,green", columns="type,value,tlp")
    (tmp / "event.json").write_text(misp_event({"type": "hostname", "value": "bad[.]example", "uuid": FIRST},
                                               uuid=SECOND, info="A campaign", Tag=[{"name": "tlp:red"}]))
    (tmp / "bundle.json.gz").write_bytes(gzip.compress(json.dumps({"type": "bundle", "id": f"bundle--{SECOND}", "objects": [
        {"type": "indicator", "id": f"indicator--{THIRD}", "pattern": "[domain-name:value='bad.example']",
         "pattern_type": "stix", "valid_from": "2026-01-01T00:00:00Z", "confidence": 70, "indicator_types": ["phishing"],
         "object_marking_refs": ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"]}]}).encode()))
    (answer,) = run("lookup", "-i", rows, "-i", tmp / "event.json", "-i", tmp / "bundle.json.gz", "bad.example").findings()
    (indicator,) = answer["indicators"]
    said = [(s["feed"], s["id"], s["tlp"], s["confidence"], s["category"], s["description"], s["reference"])
            for s in indicator["sources"]]
    same(said[1:], [("event", FIRST, "red", None, "undetermined", "A campaign", SECOND),
                    ("bundle", f"indicator--{THIRD}", "amber+strict", 70, "phishing", None, None)])
    ran = run("check", tmp / "event.json", tmp / "bundle.json.gz")
    holds(ran.out, "event.json: misp, 1 indicators taken, 0 refused", "bundle.json.gz: stix, 1 indicators taken")


@fact
def is_done_when_a_feed_itself_leaves_indicators_out(tmp):
    (tmp / "event.json").write_text(misp_event({"type": "domain", "value": "a.example"},
                                               {"type": "domain", "value": "b.example", "to_ids": False},
                                               {"type": "regkey", "value": "x"}, {"type": "regkey", "value": "y"}))
    ran = run("check", tmp / "event.json")
    holds(ran.err, "left out: 1 attributes with to_ids false", "left out: 2 attributes of type regkey: no such observable")
    holds(ran.out, "1 indicators taken, 0 refused, 0 warnings, 3 left out")


@fact
def reads_a_misp_feed_folder_from_the_command_line_and_from_a_configuration(tmp):
    feed = misp_feed(tmp / "feeds" / "partner", {
        FIRST: misp_event({"type": "domain", "value": "a.example", "uuid": SECOND}),
        SECOND: misp_event({"type": "domain", "value": "b.example"})})
    (feed / f"{THIRD}.json").write_text(misp_event({"type": "domain", "value": "unlisted.example"}))
    for option in (["-i", feed], ["-i", f"{feed}/"]):
        answers = run("lookup", *option, "a.example", "b.example", "unlisted.example").findings()
        same([[s["feed"] for i in a["indicators"] for s in i["sources"]] for a in answers], [["partner"], ["partner"], []])
    (tmp / "vigia.yaml").write_text("indicators:\n  - file: feeds/partner\n    name: ours\n    tlp: green\n")
    (answer,) = run("lookup", "-c", tmp / "vigia.yaml", "a.example").findings()
    same([(s["feed"], s["tlp"]) for s in answer["indicators"][0]["sources"]], [("ours", "green")])
    holds(run("check", feed).out, "partner: misp, 2 indicators taken, 0 refused")


@fact
def names_the_events_of_a_feed_folder_that_it_cannot_take_and_takes_the_others(tmp):
    (tmp / "secret.json").write_text(misp_event({"type": "domain", "value": "secret.example"}))
    good = misp_event({"type": "domain", "value": "a.example"})
    feed = misp_feed(tmp / "feed", {FIRST: good, SECOND: misp_event({"type": "domain", "value": "b.example"})}, {
        FIRST: {"info": "good"}, SECOND: {"integrity:sha256": "00" * 32}, THIRD: {"info": "missing"},
        "../secret": {"info": "evil"}})
    ran = run("lookup", "-i", feed, "a.example", "b.example", "secret.example", status=INPUT)
    same([len(a["indicators"]) for a in ran.findings()], [1, 0, 0])
    holds(ran.err, f"event {SECOND}: its SHA-256 is not that of the manifest", f"event {THIRD}: ", "No such file",
          "event ../secret: expected the uuid of an event")
    (tmp / "empty").mkdir()
    holds(run("lookup", "-i", tmp / "empty", "x.example", status=INPUT).err, "empty/manifest.json: ", "a MISP feed is read")


MISP_TYPES = set("ip-src ip-dst ip domain hostname onion-address url email email-src email-dst email-reply-to md5 sha1 "
                 "sha256 sha512 filename user-agent ja3-fingerprint-md5 hassh-md5 hasshserver-md5 x509-fingerprint-sha1 "
                 "x509-fingerprint-sha256".split())


def misp_parts(attribute):
    """How many indicators an attribute is, by its type."""
    kind = attribute["type"].replace("malware-sample", "filename|md5")
    if attribute.get("deleted") or not attribute.get("to_ids", True):
        return 0
    if kind in ("ip-src|port", "ip-dst|port"):
        return 1
    return sum(part in MISP_TYPES for part in kind.split("|")) + (kind == "uri" and "://" in attribute["value"])


@fact
def takes_from_real_misp_events_what_python_counts_in_them(_):
    data = pathlib.Path("../shared/data/permissive")
    files = sorted([*data.glob("indicators/tweetfeed/misp/*-*.json"), *data.glob("indicators/eset/**/*misp*.json"),
                    *data.glob("events/pymisp/tests/reportlab_testfiles/*.json")])
    if not files:
        raise Skip("no shared data")
    for file in files:
        document = json.loads(file.read_text())
        (event,) = document.get("response", [document])
        event = event["Event"]
        attributes = [*event.get("Attribute", []), *(a for o in event.get("Object", []) for a in o["Attribute"])]
        ran = run("check", "-i", file, status=None)
        taken, refused, _, left = (int(n) for n in re.search(
            r"misp, (\d+) indicators taken, (\d+) refused, (\d+) warnings, (\d+) left out", ran.out).groups())
        same((file.name, taken + refused), (file.name, sum(map(misp_parts, attributes))))
        same((file.name, left), (file.name, sum(misp_parts(a) == 0 for a in attributes)))


@fact
def asks_for_validity_only_when_told_to(tmp):
    values = indicators(tmp, "domain-name,before.example,2026-03-03,", "domain-name,within.example,2026-03-01,2026-03-02",
                        "domain-name,after.example,,2026-03-01", "domain-name,always.example,,",
                        columns="type,value,valid_from,valid_until")
    capture = Capture()
    for name in ("before", "within", "after", "always"):
        capture.add(udp(HERE, RESOLVER, query(f"{name}.example")))
    path = capture.write(tmp / "a.pcap")
    told = {f["observable"]["value"].split(".")[0]: f["indicator"]["validity"]
            for f in run("replay", "-i", values, path).findings()}
    same(told, {"before": "before", "within": "within", "after": "after", "always": "within"})
    same(seen(run("replay", "--strict-validity", "-i", values, path)), ["always.example", "within.example"])


@fact
def keeps_every_source_of_an_indicator(tmp):
    values = indicators(tmp, "domain-name,bad.example,one,30", "domain-name,bad.example,two,80",
                        columns="type,value,source,confidence")
    (finding,) = run("replay", "-i", values, asked(1, "bad.example").write(tmp / "a.pcap")).findings()
    same([source["feed"] for source in finding["indicator"]["sources"]], ["one", "two"])
    same(finding["confidence"], 80)


# ---- configuration


@fact
def names_every_mistake_of_a_configuration_with_its_line(tmp):
    path = tmp / "vigia.yaml"
    path.write_text("threads: many\n"
                    "sensor:\n"
                    "  country: Chile\n"
                    "  tlp: purple\n"
                    "  home: [10.0.0.1/8]\n"
                    "limits:\n"
                    "  flows: 0\n"
                    "colour: blue\n"
                    "timeouts:\n"
                    "  upd: 3s\n")
    for command in (["check", "-c", path], ["replay", "-c", path, *SAMPLE_INDICATORS, SAMPLE]):
        ran = run(*command, status=USAGE)
        same(ran.out, "")
        errors = ran.err.splitlines()
        expected = [(1, "threads"), (3, "country"), (4, "tlp"), (5, "home"), (7, "flows"), (8, "colour"), (10, "udp")]
        same(len(errors), len(expected))
        for error, (line, word) in zip(errors, expected):
            holds(error, f"{path}: line {line}: ", word)


@fact
def prints_what_it_would_run_with_and_where_it_comes_from(tmp):
    path = tmp / "vigia.yaml"
    path.write_text("sensor:\n  name: tap-1\nthreads: 3\n")
    ran = run("check", "-c", path, "--threads", "2")
    holds(ran.out, f"  name: tap-1 # {path}:2\n", "threads: 2 # command line\n", "  country: ZZ # default\n")
    (tmp / "again.yaml").write_text(ran.out)
    again = run("check", "-c", tmp / "again.yaml")
    holds(again.out, "  name: tap-1 #", "threads: 2 #")


@fact
def takes_indicators_from_the_configuration_beside_it(tmp):
    indicators(tmp, "domain-name,bad.example")
    (tmp / "vigia.yaml").write_text("indicators:\n  - file: indicators.csv\n    tlp: green\n    name: mine\n")
    capture = asked(1, "bad.example").write(tmp / "a.pcap")
    (finding,) = run("replay", "-c", tmp / "vigia.yaml", capture, cwd="/").findings()
    same(finding["indicator"]["sources"][0]["feed"], "mine")
    same(finding["indicator"]["sources"][0]["tlp"], "green")


@fact
def takes_the_direction_from_the_home_networks(tmp):
    (tmp / "vigia.yaml").write_text("sensor:\n  name: tap-1\n  country: CL\n  home: [192.0.2.0/24]\n")
    ends = {"outbound": ("192.0.2.1", "203.0.113.1"), "inbound": ("203.0.113.2", "192.0.2.2"),
            "internal": ("192.0.2.3", "192.0.2.4"), "external": ("203.0.113.3", "203.0.113.4")}
    capture = Capture()
    for src, dst in ends.values():
        capture.add(udp((src, 5000), (dst, 53), query("bad.example")))
    values = indicators(tmp, "domain-name,bad.example")
    findings = run("replay", "-c", tmp / "vigia.yaml", "-i", values, capture.write(tmp / "a.pcap")).findings()
    same({f["flow"]["direction"]: (f["flow"]["src_ip"], f["flow"]["dest_ip"]) for f in findings}, ends)
    same({(f["sensor"], f["region"]["country"]) for f in findings}, {("tap-1", "CL")})


# ---- output


@fact
def prints_json_in_a_pipe_and_text_on_a_terminal(_):
    for line in sample(SAMPLE).out.splitlines():
        json.loads(line)
    shown = on_terminal("replay", *SAMPLE_INDICATORS, SAMPLE)
    holds(shown, "bad.example", "192.0.2.11", " \u2192 ")
    assert "{" not in shown, shown


@fact
def colours_a_terminal_unless_no_color_is_set(_):
    command = ["replay", *SAMPLE_INDICATORS, SAMPLE]
    holds(on_terminal(*command), "\033[")
    holds(on_terminal(*command, env={"NO_COLOR": ""}), "\033[")  # no-color.org: present and not empty
    assert "\033" not in on_terminal(*command, env={"NO_COLOR": "1"})
    assert "\033" not in sample("--format", "text", SAMPLE).out


@fact
def keeps_within_the_columns_of_the_terminal(_):
    for columns in (80, 100, 120, 160):
        for command in (["replay", *SAMPLE_INDICATORS], ["observe"]):
            shown = on_terminal(*command, SAMPLE, columns=columns, env={"NO_COLOR": "1"})
            for line in shown.splitlines():
                # a pair of IPv6 addresses takes what it needs
                assert len(line) <= columns or "2001:db8:" in line, f"{len(line)} of {columns}: {line}"


@fact
def prints_the_form_that_is_asked_for(_):
    findings = sample(SAMPLE).findings()
    same(sample("--format", "json", SAMPLE).findings(), findings)
    rows = list(csv.DictReader(io.StringIO(sample("--format", "csv", SAMPLE).out, newline="")))
    same([row["id"] for row in rows], [finding["id"] for finding in findings])
    lines = sample("--format", "text", SAMPLE).out.splitlines()
    same(len([line for line in lines if "192.0.2." in line or "2001:db8:" in line]), len(findings))
    for ran in (run("observe", "--format", name, SAMPLE) for name in ("json", "text", "csv")):
        holds(ran.out, "c2.bad.example")


@fact
def writes_to_a_file_that_is_named(tmp):
    (tmp / "out.ndjson").write_text("what stood there before\n" * 10000)
    same(sample("-o", tmp / "out.ndjson", SAMPLE).out, "")
    same((tmp / "out.ndjson").read_bytes(), sample(SAMPLE).raw)


@fact
def says_the_same_whatever_the_number_of_workers(_):
    for command in (["replay", *SAMPLE_INDICATORS], ["observe"]):
        expected = run(*command, "--threads", "1", SAMPLE).raw
        assert expected
        for workers in ("2", "3", "4", "64", "0"):
            same(run(*command, "--threads", workers, SAMPLE).raw, expected)


@fact
def numbers_the_findings_of_each_topic_from_one(_):
    last = {}
    for f in sample(SAMPLE).findings():
        topic = (f["kind"], f["tlp"], f["region"]["country"], f["category"]["type"])
        same(f["seq"], last.get(topic, 0) + 1)
        last[topic] = f["seq"]


@fact
def gives_ids_that_are_uuid5_and_do_not_depend_on_the_publisher(tmp):
    (tmp / "vigia.yaml").write_text("publisher:\n  name: somebody-else\n")
    ids = [f["id"] for f in sample(SAMPLE).findings()]
    same(len(set(ids)), len(ids))
    same({uuid.UUID(i).version for i in ids}, {5})
    other = sample("-c", tmp / "vigia.yaml", SAMPLE).findings()
    same({f["publisher"] for f in other}, {"somebody-else"})
    same([f["id"] for f in other], ids)


# ---- what is seen


SEGMENTS = {  # what a sender's octets may come as: (offset, octets), of b"GET: LANTERN-STAGE2 lantern_id=7F3A90C1&host=x"
    "in order": [(0, 12), (12, 50)],
    "octet by octet": [(n, n + 1) for n in range(48)],
    "out of order": [(30, 50), (12, 30), (0, 12)],
    "sent twice": [(0, 12), (0, 12), (12, 30), (0, 30), (30, 50)],
    "sent twice behind a hole": [(20, 30), (20, 30), (0, 10), (10, 20), (30, 50)],
    "overlapping": [(0, 20), (10, 35), (25, 50)],
    "overlapping and out of order": [(25, 50), (10, 35), (0, 20)],
}
WORDS = b"\x01\x02: LANTERN-STAGE2 lantern_id=7F3A90C1&host=x .."


@fact
def finds_a_pattern_that_straddles_segments_however_they_come(tmp):
    values = indicators(tmp, "content,LANTERN-STAGE2", '"regex","lantern_id=[0-9A-F]{8}&host="')
    for name, cuts in SEGMENTS.items():
        capture = Capture()
        talk = Talk(capture)
        for begin, end in cuts:
            talk.send(begin, WORDS[begin:end])
        talk.close(len(WORDS))
        findings = run("replay", "-i", values, capture.write(tmp / "a.pcap")).findings()
        got = sorted((f["indicator"]["type"], f["count"], f["flow"]["state"]) for f in findings)
        assert got == [("content", 1, "established"), ("regex", 1, "established")], f"{name}: {got}"


@fact
def finds_no_pattern_across_a_hole(tmp):
    values = indicators(tmp, "content,LANTERN-STAGE2")
    capture = Capture()
    Talk(capture).send(0, b"\x01\x02 LANTERN").send(20, b"-STAGE2 and more").close(36)
    same(run("replay", "-i", values, capture.write(tmp / "a.pcap")).out, "")


@fact
def finds_no_pattern_across_two_datagrams(tmp):
    values = indicators(tmp, "content,LANTERN-STAGE2")
    capture = Capture().add(udp(HERE, THERE, b"LANTERN")).add(udp(HERE, THERE, b"-STAGE2"))
    same(run("replay", "-i", values, capture.write(tmp / "a.pcap")).out, "")
    capture.add(udp(HERE, THERE, b"LANTERN-STAGE2"))
    (finding,) = run("replay", "-i", values, capture.write(tmp / "a.pcap")).findings()
    same(finding["evidence"]["packet"], 3)


@fact
def finds_a_server_name_that_is_split_over_two_segments(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    hello = client_hello("c2.bad.example")
    middle = hello.index(b"c2.bad") + 3
    for order in (1, -1):
        capture = Capture()
        talk = Talk(capture, dst=("203.0.113.80", 443))
        for begin, end in [(0, middle), (middle, len(hello))][::order]:
            talk.send(begin, hello[begin:end])
        talk.close(len(hello))
        (finding,) = run("replay", "-i", values, capture.write(tmp / "a.pcap")).findings()
        same((finding["observable"]["value"], finding["observable"]["where"]), ("c2.bad.example", "tls.sni"))
        same(finding["indicator"]["match"], "suffix")


@fact
def tells_what_became_of_a_flow(tmp):
    values = indicators(tmp, "ipv4-addr,203.0.113.80")
    capture = Capture()
    ports = iter(range(50001, 50010))

    def here():
        return "192.0.2.11", next(ports)
    src = here()
    capture.add(tcp(src, THERE, 1, 0, SYN)).add(tcp(src, THERE, 1, 0, SYN))
    src = here()
    capture.add(tcp(src, THERE, 1, 0, SYN)).add(tcp(THERE, src, 0, 2, RST | ACK))
    Talk(capture, src=here()).close(0)
    src = here()
    capture.add(tcp(src, THERE, 1, 0, SYN)).add(tcp(src, THERE, 2, 1, ACK)).add(tcp(src, THERE, 2, 1, PSH | ACK, b"hello"))
    src = here()
    capture.add(udp(src, THERE, b"hello"))
    src = here()
    capture.add(udp(src, THERE, b"hello")).add(udp(THERE, src, b"hello"))
    findings = run("replay", "-i", values, capture.write(tmp / "a.pcap")).findings()
    same([f["flow"]["state"] for f in findings],
         ["attempted", "refused", "established", "one-sided", "one-sided", "established"])


@fact
def takes_the_sender_of_the_syn_for_the_source(tmp):
    values = indicators(tmp, "ipv4-addr,203.0.113.80")
    capture = Capture().add(tcp(THERE, HERE, 9000, 1001, SYN | ACK)).add(tcp(HERE, THERE, 1001, 9001, ACK))
    (finding,) = run("replay", "-i", values, capture.write(tmp / "a.pcap")).findings()
    same((finding["flow"]["src_ip"], finding["flow"]["dest_port"]), (HERE[0], THERE[1]))


@fact
def counts_sightings_of_one_flow_as_one_finding(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    capture = Capture()
    for n in range(3):
        capture.add(udp(HERE, RESOLVER, query("a.bad.example")), 1 + n)
    (finding,) = run("replay", "-i", values, capture.write(tmp / "a.pcap")).findings()
    same((finding["count"], finding["first_seen"], finding["last_seen"]),
         (3, "2026-03-02T14:00:01.000000Z", "2026-03-02T14:00:03.000000Z"))


@fact
def finds_a_url_below_the_one_named_and_not_its_host_alone(tmp):
    values = indicators(tmp, "url,http://shop.example/kit/")
    paths = ["/", "/kit/login.php", "/kitten/"]
    capture = Capture()
    for n, path in enumerate(paths):
        request = f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode()
        Talk(capture, src=("192.0.2.11", 50000 + n)).send(0, request).close(len(request))
    same(seen(run("replay", "-i", values, capture.write(tmp / "a.pcap"))), ["http://shop.example/kit/login.php"])


# ---- order


@fact
def puts_the_finding_of_a_flow_that_ends_late_in_its_place(tmp):
    values = indicators(tmp, "domain-name,bad.example", "content,LANTERN-STAGE2")
    capture = Capture()
    long = Talk(capture, at=0.0).send(0, b"\x01\x02 LANTERN-STAGE2", at=1.0)
    for n in range(300):
        capture.add(udp(("192.0.2.12", 6000 + n), RESOLVER, query(f"n{n}.bad.example")), 2.0 + n)
    long.send(17, b"bye", at=400.0).close(20)
    for workers in ("1", "2"):
        ran = run("replay", "-i", values, "--threads", workers, capture.write(tmp / "a.pcap"))
        findings = ran.findings()
        same([findings[0]["observable"]["where"], findings[0]["flow"]["state"], len(findings)],
             ["payload", "established", 301])
        stamps = [f["timestamp"] for f in findings]
        same(stamps, sorted(stamps))


@fact
def keeps_the_order_of_timestamps_that_run_back(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    capture = Capture()
    for n, at in enumerate([10.0, 20.0, 15.0, 21.0, 16.5, 30.0, 25.0]):
        capture.add(udp(("192.0.2.12", 6000 + n), RESOLVER, query("bad.example")), at)
    expected = None
    for workers in ("1", "2", "4"):
        ran = run("replay", "-i", values, "--threads", workers, capture.write(tmp / "a.pcap"))
        stamps = [f["timestamp"] for f in ran.findings()]
        same(stamps, sorted(stamps))
        same(len(stamps), 7)
        same(ran.raw, expected or ran.raw)
        expected = ran.raw


@fact
def says_the_same_with_any_number_of_workers_when_clocks_run_back_far_and_limits_are_small(tmp):
    (tmp / "vigia.yaml").write_text("limits:\n  flows: 64\n  hits: 64\n  streams_bytes: 1M\ntimeouts:\n  udp: 1s\n")
    values = indicators(tmp, "domain-name,bad.example", "ipv4-addr,198.51.100.0/24", "regex,n[0-9]*2")
    capture = Capture()
    for n in range(2000):
        at = n / 10 - (60 if n % 100 < 10 else 0) + 100
        capture.add(udp((f"192.0.2.{n % 50}", 6000 + n), (f"198.51.100.{n % 7}", 53), query(f"n{n}.bad.example")), at)
    path = capture.write(tmp / "a.pcap")
    expected = run("replay", "-c", tmp / "vigia.yaml", "-i", values, "--threads", "1", path).raw
    assert expected.count(b"\n") > 4000
    for workers in ("2", "3", "4"):
        same(run("replay", "-c", tmp / "vigia.yaml", "-i", values, "--threads", workers, path).raw == expected, True)


@fact
def puts_what_only_the_end_of_a_flow_shows_in_its_place(tmp):
    values = indicators(tmp, "domain-name,bad.example", "regex,the last word$")
    capture = Capture()
    Talk(capture, at=0.0).send(0, b"%" * 100 + b" this is the last word", at=1.0)
    for n in range(20000):  # so many that the herald is long past when the input ends
        capture.add(udp(("192.0.2.12", 6000 + n), RESOLVER, query("bad.example")), 2.0 + n / 50)
    for workers in ("1", "2"):
        findings = run("replay", "-i", values, "--threads", workers, capture.write(tmp / "a.pcap")).findings()
        same([findings[0]["observable"]["where"], len(findings)], ["payload", 20001])


# ---- observe, lookup, check


@fact
def observes_every_value_before_any_matching(tmp):
    capture = asked(1, "harmless.example").write(tmp / "a.pcap")
    observed = [(o["type"], o["value"], o["where"]) for o in run("observe", capture).findings()]
    for expected in (("domain-name", "harmless.example", "dns.query"), ("ipv4-addr", "192.0.2.11", "ip.src"),
                     ("ipv4-addr", "198.51.100.53", "ip.dst")):
        assert expected in observed, observed
    for o in run("observe", SAMPLE).findings():
        same(set(o) - {"ech"}, {"timestamp", "type", "value", "where", "flow", "file", "packet"})


@fact
def looks_up_what_people_write(tmp):
    values = indicators(tmp, "domain-name,bad.example,partner.example", "ipv4-addr,203.0.113.64/29,partner.example",
                        "url,http://shop.example/kit/,partner.example", "email-addr,boss@evil.example,partner.example",
                        columns="type,value,source")
    known = {"bad.example": "bad.example", "www[.]bad[.]example": "bad.example", "BAD.example.": "bad.example",
             "hxxps://c2[.]bad[.]example/x": "bad.example", "203[.]0[.]113[.]66": "203.0.113.64/29",
             "hxxp://203.0.113.70/a": "203.0.113.64/29", "hxxp://shop[.]example/kit/a": "http://shop.example/kit/",
             "boss[@]evil.example": "boss@evil.example", "someone@bad.example": "bad.example"}
    for asked_for, expected in known.items():
        (answer,) = run("lookup", "-i", values, asked_for).findings()
        same([i["value"] for i in answer["indicators"]], [expected])
        same(answer["indicators"][0]["sources"][0]["feed"], "partner.example")
        holds(run("lookup", "-i", values, "--format", "text", asked_for).out, expected, "partner.example", "told")


@fact
def looks_up_a_block_that_is_an_indicator_or_lies_in_one(tmp):
    values = indicators(tmp, "ipv4-addr,203.0.113.0/24", "ipv4-addr,203.0.113.64/29", "ipv6-addr,2001:db8::/32",
                        "ipv6-addr,::/64")
    known = {"203.0.113.0/24": ["203.0.113.0/24"], "203[.]0.113.7/24": ["203.0.113.0/24"],
             "203.0.113.128/25": ["203.0.113.0/24"], "203.0.113.64/30": ["203.0.113.0/24", "203.0.113.64/29"],
             "203.0.113.64/28": ["203.0.113.0/24"], "203.0.112.0/23": [], "0.0.0.0/0": [], "198.51.100.0/24": [],
             "2001:db8:1::/48": ["2001:db8::/32"], "2001::/16": [], "::/0": [], "203.0.113.1/32": ["203.0.113.0/24"]}
    for asked_for, expected in known.items():
        ran = run("lookup", "-i", values, asked_for)
        (answer,) = ran.findings()
        same((asked_for, sorted(i["value"] for i in answer["indicators"])), (asked_for, expected))
        same(answer["type"], "ipv6-addr" if ":" in asked_for else "ipv4-addr")


@fact
def is_done_when_it_looks_up_what_nobody_warns_of(tmp):
    values = indicators(tmp, "domain-name,=bad.example", "url,http://shop.example/kit/")
    for value in ("good.example", "www.bad.example", "203.0.113.1", "http://shop.example/"):
        holds(run("lookup", "-i", values, "--format", "text", value).out, "no indicator")
        same(run("lookup", "-i", values, value).findings()[0]["indicators"], [])


@fact
def looks_up_the_other_values_when_one_is_none(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    ran = run("lookup", "-i", values, "", "bad.example", status=INPUT)
    same(len(ran.findings()), 1)
    holds(ran.err, "error")


@fact
def checks_what_a_configuration_relies_on_as_the_daemon_does(tmp):
    cases = [
        ("sensors:\n  - {name: tap, folder: nowhere}\n", "sensor tap: ", f"{tmp}/nowhere: expected a folder: No such file"),
        ("sensors:\n  - {name: tap, folder: a.yaml}\n", "sensor tap: ", f"{tmp}/a.yaml: expected a folder: is none"),
        ("sensors:\n  - {name: tap, interface: nosuch0}\n", "sensor tap: nosuch0: expected an interface"),
        ("publish:\n  key: no.key\n", "publish: ", f"{tmp}/no.key"),
        ("feeds:\n  - {name: in, subscribe: 'tcp://127.0.0.1:9', server: no.pub}\n", "feed in: ", f"{tmp}/no.pub"),
        ("threads: many\n", f"{tmp}/a.yaml: line 1: threads"),
    ]
    config = tmp / "a.yaml"
    for text, *said in cases:
        config.write_text(text)
        for args in (["-c", config], [config]):
            holds(run("check", *args, status=USAGE).err, *said)
    (tmp / "captures").mkdir()
    config.write_text("sensors:\n  - {name: tap, folder: captures}\n  - {name: own, interface: lo}\n")
    same(run("check", "-c", config).err, "")


@fact
def checks_files_of_every_kind(tmp):
    def check(name, text, status=DONE):
        (tmp / name).write_text(text)
        return run("check", tmp / name, status=status)
    holds(check("land.csv", "prefix,country\n192.0.2.0/24,CL\n").out, "land.csv: csv, 1 networks")
    holds(check("bare.csv", "192.0.2.0/24,CL\nx,PE\n", INPUT).out, "bare.csv: csv, 1 networks", "1 refused")
    holds(check("rir", "2|lacnic|20261121|1|19870101|20261121|-0300\nlacnic|CL|ipv4|192.0.2.0|256|20200101|allocated\n").out,
          "rir: rir, 1 networks")
    holds(check("regions.yaml", pathlib.Path("rules/regions.yaml").read_text()).out, "regions: 35 states")
    event = {"__type": "Event", "classification.type": "odd", "feed.provider": "p", "time.source": "2026-03-01T00:00:00Z",
             "source.fqdn": "bad.example"}
    ran = check("events.jsonl", json.dumps(event) + "\n{half\n", INPUT)
    holds(ran.out, "events.jsonl: intelmq, 1 events, 0 other records, 1 refused\n", "unknown class: 'odd' 1")
    holds(ran.err, f"{tmp}/events.jsonl: line 2: ")
    alert = {"timestamp": "2026-03-01T00:00:00Z", "event_type": "alert", "src_ip": "192.0.2.1", "dest_ip": "192.0.2.2",
             "alert": {"signature": "x", "signature_id": 1, "category": "c", "severity": 1}}
    flow = {"timestamp": "2026-03-01T00:00:00Z", "event_type": "flow", "src_ip": "192.0.2.1", "dest_ip": "192.0.2.2"}
    holds(check("eve.json", json.dumps(alert) + "\n" + json.dumps(flow) + "\n").out,
          "eve.json: eve, 1 events, 1 other records, 0 refused\n")


@fact
def says_once_that_a_table_has_no_header(tmp):
    for text in ("domain-name,bad.example\nurl,http://bad.example/\n", "type;value\nurl;http://bad.example/\n",
                 "# ours\n\nindicator,kind\nbad.example,domain\nworse.example,domain\n"):
        (tmp / "table.csv").write_text(text)
        ran = run("check", tmp / "table.csv", status=INPUT)
        same((ran.err.count("\n"), ran.err.count("looks like CSV: the first line should be type,value,")), (1, 1))


@fact
def names_an_error_once_and_its_file(tmp):
    holds(run("hits", "--journal", tmp / "no.db", status=INPUT).err, f"{tmp}/no.db: ")
    holds(run("hits", "--journal", tmp / "no.db", "--explain", "ab12", status=INPUT).err, f"{tmp}/no.db: ")
    own = indicators(tmp, "domain-name,bad.example")
    holds(run("replay", "-i", own, own, status=INPUT).err, f"{own}: expected a capture", "or events", "indicators (csv)")
    (tmp / "folder").mkdir()
    (tmp / "folder" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    holds(run("observe", tmp / "folder", status=INPUT).err, "a.png: expected a capture (pcap or pcapng) or events")


@fact
def checks_captures_indicators_and_configurations(tmp):
    good = indicators(tmp, "domain-name,bad.example")
    ran = run("check", good, SAMPLE, "rules/vigia.yaml")
    holds(ran.out, f"{good}: csv, 1 indicators", f"{SAMPLE}: pcap", "threads: 0")
    good.write_text("type,value\nipv4-addr,300.1.2.3\n")
    ran = run("check", good, status=INPUT)
    holds(ran.err, f"{good}: line 2: ")
    (tmp / "cut.pcap").write_bytes(SAMPLE.read_bytes()[:-3])
    holds(run("check", tmp / "cut.pcap", status=INPUT).err, f"{tmp}/cut.pcap: ", "offset ")


# ---- counts


def counts_csv(tmp, rows, header="timestamp,count"):
    path = tmp / "counts.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def day(n):
    return f"2026-10-{n:02}"


BURST = [3, 3, 3, 4, 5, 5, 5, 4, 4, 30, 31, 4]  # of C2: mean 4 and deviation 1 where 30 is judged


@fact
def judges_each_count_by_those_before_it(tmp):
    ran = run("trend", counts_csv(tmp, [f"{day(n + 1)},{count}" for n, count in enumerate(BURST)]))
    points = ran.findings()
    same([list(p) for p in points], [["timestamp", "count", "expected", "score", "alarm", "upper"]] * len(BURST))
    same([p["timestamp"] for p in points], [day(n + 1) for n in range(len(BURST))])
    same([p["count"] for p in points], BURST)
    same([p["expected"] for p in points[:9]], [None] * 9)
    same([p["score"] for p in points[:9]], [0] * 9)
    same(points[9]["expected"], 4)
    same(points[9]["upper"], 4 + 3.0902323061678132)
    same([n for n, p in enumerate(points) if p["alarm"]], [9, 10])
    assert all(0 <= p["score"] <= 1 for p in points) and points[9]["score"] > 0.999
    same(ran.err, "")


@fact
def judges_with_the_detector_that_is_named(tmp):
    path = counts_csv(tmp, [f"{day(n + 1)},{count}" for n, count in enumerate(BURST)])
    first = {name: [p["expected"] is None for p in run("trend", "--detector", name, path).findings()].count(True)
             for name in ("ears-c1", "ears-c2", "ears-c3")}
    same(first, {"ears-c1": 7, "ears-c2": 9, "ears-c3": 11})
    holds(run("trend", "--detector", "oracle", path, status=USAGE).err, "ears-c1, ears-c2, ears-c3", "oracle")


@fact
def judges_each_group_by_itself(tmp):
    rows = []
    for n, count in enumerate(BURST):
        rows += [f"{day(n + 1)},CL,ddos,{count}", f'{day(n + 1)},BR,"a, ""b""",7', f"{day(n + 1)},CL,phishing,1"]
    path = counts_csv(tmp, rows, "Timestamp,Country,type,Count")
    ran = run("trend", "--group", "country,type", path)
    points = ran.findings()
    same(list(points[1])[:4], ["timestamp", "Country", "type", "count"])
    same(points[1]["type"], 'a, "b"')
    same([(p["Country"], p["type"], p["timestamp"]) for p in points if p["alarm"]],
         [("CL", "ddos", day(10)), ("CL", "ddos", day(11))])
    same(ran.err, "")
    holds(run("trend", path).err, "line 3", "--group")
    holds(run("trend", "--group", "place", path, status=USAGE).err, "place")
    for wrong in ("", "country,", "count", "Country,score"):
        run("trend", "--group", wrong, path, status=USAGE)


@fact
def judges_fractions_and_negative_values(tmp):
    path = counts_csv(tmp, [f"2014-04-01 00:{n:02}:00,{count}" for n, count in enumerate([-1.5, 0, .25, -1e3, 2, 3, 4, 5])],
                      "timestamp,value")
    points = run("trend", "--detector", "ears-c1", path).findings()
    same([p["count"] for p in points], [-1.5, 0, 0.25, -1000, 2, 3, 4, 5])
    same(points[0]["timestamp"], "2014-04-01 00:00:00")
    assert abs(points[7]["expected"] - sum([-1.5, 0, .25, -1e3, 2, 3, 4]) / 7) < 1e-9


@fact
def judges_the_good_points_beside_the_bad_ones(tmp):
    bad = ["yesterday,3", f"{day(1)},", f"{day(1)},many", f"{day(1)},NaN", f"{day(1)},-3", f"{day(1)}", f"{day(1)},1,2",
           f'{day(1)},"3', f"{day(1)},1e999", f"{day(1)},0x10"]
    rows = [f"{day(n + 1)},{count}" for n, count in enumerate(BURST)]
    alone = run("trend", counts_csv(tmp, rows)).out
    path = counts_csv(tmp, rows[:5] + bad + rows[5:])
    ran = run("trend", path, status=INPUT)
    same(ran.out, alone)
    for n in range(len(bad)):
        holds(ran.err, f"{path}: line {7 + n}: ")
    ran = run("trend", counts_csv(tmp, rows + ["x,1"] * 50), status=INPUT)
    same(len(ran.err.splitlines()), 21)
    holds(ran.err, "30 more")


@fact
def says_when_a_file_is_no_file_of_counts(tmp):
    for text in ("", "a,b\n1,2\n", "timestamp,n\n2026-01-01,2\n", "count\n2\n", '"'):
        path = tmp / "other.csv"
        path.write_text(text)
        ran = run("trend", path, status=INPUT)
        same(ran.out, "")
        holds(ran.err, f"{path}: ")
    run("trend", tmp / "none.csv", status=INPUT)
    run("trend", status=USAGE)
    run("trend", path, path, status=USAGE)
    for period in ("0", "-1", "week", "1.5"):
        run("trend", "--period", period, path, status=USAGE)


@fact
def judges_counts_of_a_pipe_and_of_a_packed_file(tmp):
    path = counts_csv(tmp, [f"{day(n + 1)},{count}" for n, count in enumerate(BURST)])
    expected = run("trend", "--period", 7, path).out
    same(run("trend", "-", stdin=path.read_bytes()).out, expected)
    packed = tmp / "counts.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    same(run("trend", packed).out, expected)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    same(run("trend", path).out, expected)


@fact
def writes_judgements_as_csv(tmp):
    rows = [f'{day(n + 1)},"C, ""L""",{count}' for n, count in enumerate(BURST)]
    path = counts_csv(tmp, rows, "timestamp,place,count")
    as_json = run("trend", "--group", "place", path).findings()
    lines = list(csv.reader(io.StringIO(run("trend", "--group", "place", "--format", "csv", path).out, newline="")))
    same(lines[0], list(as_json[0]))
    for line, point in zip(lines[1:], as_json, strict=True):
        same(line, ["" if v is None else {True: "true", False: "false"}.get(v) if isinstance(v, bool) else
                    v if isinstance(v, str) else line[i] for i, v in enumerate(point.values())])
        same([float(cell) for cell in line[2:5] if cell], [v for v in list(point.values())[2:5] if v is not None])


@fact
def shows_counts_on_a_terminal(tmp):
    rows = [f"{day(n + 1)},\x1b[2J,{count}" for n, count in enumerate(BURST)]
    path = counts_csv(tmp, rows, "timestamp,place,count")
    shown = on_terminal("trend", "--group", "place", path).splitlines()
    same(len(shown), 1 + len(BURST))
    assert not any("\x1b[2J" in line for line in shown)
    holds(shown[10], "\u2581", "\u2588", "\x1b[1;31malarm")
    holds(on_terminal("trend", path, env={"NO_COLOR": "1"}), "  alarm\n")


@fact
def judges_extreme_counts_without_alarm_from_garbage(tmp):
    for counts in ([0] * 40, [10 ** 15] * 40, [1], [1.7e308] * 20, [5e-324] * 20):
        for name in ("ears-c1", "ears-c2", "ears-c3"):
            path = counts_csv(tmp, [f"{2000 + n}-01-01,{count}" for n, count in enumerate(counts)])
            points = run("trend", "--detector", name, path).findings()
            same(len(points), len(counts))
            same([p for p in points if p["alarm"]], [])
            assert all(0 <= p["score"] <= 1 for p in points)


@fact
def ends_when_nobody_takes_the_judgements(tmp):
    path = counts_csv(tmp, [f"2026-10-01T{n // 60 % 24:02}:{n % 60:02}:00,{n % 7}" for n in range(20000)])
    same(disk_is_full("trend", path), OUTPUT)
    with subprocess.Popen([VIGIA, "trend", path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as p:
        p.stdout.readline()
        p.stdout.close()
        same(p.wait(timeout=WAIT), DONE)


# ---- events


def incident(at, name, **more):
    """An event as IntelMQ writes it, so many seconds behind BEGIN."""
    return json.dumps({"__type": "Event", "classification.type": "c2-server", "feed.provider": "partner",
                       "time.source": stamp(at), "source.fqdn": name, "source.geolocation.cc": "CL", **more}) + "\n"


def stamp(at):
    whole = datetime.datetime.fromtimestamp(BEGIN, datetime.timezone.utc) + datetime.timedelta(seconds=at)
    return whole.isoformat()


def alert(at, name, **more):
    """An alert as Suricata writes it."""
    return json.dumps({"timestamp": stamp(at).replace("+00:00", "+0000"), "flow_id": 77, "event_type": "alert",
                       "src_ip": "192.0.2.11", "src_port": 40001, "dest_ip": "203.0.113.80", "dest_port": 443,
                       "proto": "TCP", "alert": {"gid": 1, "signature_id": 5, "rev": 2, "signature": "S",
                                                 "category": "Malware Command and Control Activity Detected"},
                       "tls": {"sni": name}, **more}) + "\n"


def event_file(folder, *lines, name="events.jsonl"):
    (folder / name).write_text("".join(lines))
    return folder / name


@fact
def reads_events_and_finds_in_them_what_it_finds_in_packets(tmp):
    values = indicators(tmp, "domain-name,bad.example,c2-server", columns="type,value,category")
    ran = run("replay", "-i", values, event_file(tmp, incident(1, "a.bad.example", event_hash="h1")),
              event_file(tmp, alert(2, "b.bad.example", host="tap-9"), name="eve.json"))
    intelmq, eve = ran.findings()
    same(ran.err, "")
    same(intelmq["event"], {"feed": "events", "reporter": "partner", "reference": "h1",
                            "classification": {"class": "malicious-code", "type": "c2-server"}})
    same((intelmq["sensor"], intelmq["tlp"], intelmq["region"]), ("events", "amber", {"country": "CL", "subregion": "southern-cone"}))
    same(intelmq["observable"], {"type": "domain-name", "value": "a.bad.example", "where": "event.source"})
    same(intelmq["evidence"], {"file": str(tmp / "events.jsonl"), "packet": 1, "offset": None, "excerpt": "a.bad.example"})
    assert "flow" not in intelmq
    same((eve["event"]["reporter"], eve["event"]["reference"], eve["observable"]["where"]),
         ("tap-9", "1:5:2/77", "event.text"))


@fact
def merges_events_with_packets_by_time_whatever_the_workers(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    packets = Capture()
    for n in range(40):
        packets.add(udp(("192.0.2.11", 5000 + n), RESOLVER, query(f"p{n}.bad.example")), 2 * n)
    capture = packets.write(tmp / "a.pcap")
    events = event_file(tmp, *(incident(2 * n + 1, f"e{n}.bad.example") for n in range(40)))
    later = event_file(tmp, *(incident(2 * n, f"l{n}.bad.example") for n in range(40)), name="later.jsonl")
    outs = {run("replay", "-i", values, "--threads", n, capture, events, later).raw for n in (1, 2, 4)}
    same(len(outs), 1)
    found = [f["observable"]["value"].split(".")[0] for f in map(json.loads, outs.pop().splitlines())]
    same(found, [name for n in range(40) for name in (f"p{n}", f"l{n}", f"e{n}")])  # ties: order of arguments


@fact
def tells_events_that_are_out_of_order_by_time_within_the_slack(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    events = event_file(tmp, *(incident(at, f"e{at}.bad.example") for at in (0, 9, 3, 12, 5, 11, 4, 1, -20)))
    told = [f["observable"]["value"].split(".")[0] for f in run("replay", "-i", values, events).findings()]
    # What comes more than 10 s behind the latest before it is told at the place of 10 s behind it.
    same(told, ["e0", "e1", "e-20", "e3", "e4", "e5", "e9", "e11", "e12"])


@fact
def reads_events_from_stdin_pipes_and_packed(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    lines = "".join(incident(n, f"e{n}.bad.example") for n in range(300))
    plain = [f["id"] for f in run("replay", "-i", values, event_file(tmp, lines, name="-")).findings()]
    packed = tmp / "-.gz"
    packed.write_bytes(gzip.compress(lines.encode()))
    same([f["id"] for f in run("replay", "-i", values, packed).findings()], plain)
    (tmp / "-.xz").write_bytes(lzma.compress(lines.encode()))
    same([f["id"] for f in run("replay", "-i", values, tmp / "-.xz").findings()], plain)
    piped = run("replay", "-i", values, "-", stdin=lines.encode())
    same([f["observable"] for f in piped.findings()],
         [f["observable"] for f in run("replay", "-i", values, packed).findings()])
    same(run("replay", "-i", values, "-", stdin=gzip.compress(lines.encode())).out, piped.out)
    same({f["sensor"] for f in piped.findings()}, {"replay"})


@fact
def reads_events_of_a_slow_pipe_as_they_come(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    with subprocess.Popen([VIGIA, "replay", "-i", values, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        for n in (0, 30, 60):
            line = incident(n, f"e{n}.bad.example").encode()
            p.stdin.write(line[:50])
            p.stdin.flush()
            p.stdin.write(line[50:])
            p.stdin.flush()
        holds(p.stdout.readline().decode(), "e0.bad.example")  # before the end
        holds(p.stdout.readline().decode(), "e30.bad.example")
        p.stdin.close()
        holds(p.stdout.readline().decode(), "e60.bad.example")
        same(p.wait(timeout=WAIT), DONE)


@fact
def loses_no_good_event_beside_a_bad_one_and_counts_by_reason_and_word(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    lines = [incident(0, "a.bad.example"), incident(1, "half.bad.example")[:60] + "\n", "\n", incident(-2_000_000_000, "old.bad.example"),
             incident(2, "b.bad.example", **{"classification.type": "odd"}), incident(3, "c.bad.example", **{"classification.type": "odd"}),
             incident(4, "d.bad.example", **{"source.geolocation.cc": "Q9"}), "{}\n", incident(5, "e.bad.example").rstrip()]
    events = event_file(tmp, *lines)
    ran = run("replay", "-i", values, events, status=INPUT)
    same([f["observable"]["value"][0] for f in ran.findings()], list("abcde"))
    holds(ran.err, f"{events}: line 2: ", f"{events}: line 4: expected a time from 1990", f"{events}: line 8: ",
          f"{events}: 3 records refused (1 no JSON, 1 no event, 1 time that cannot be); 2 events of unknown class: "
          "'odd' 2; 1 event of unknown country: 'Q9' 1\n")
    odd = ran.findings()[1]
    same((odd["category"]["type"], odd["event"]["classification"]["type"]), ("undetermined", "undetermined"))
    holds(run("replay", "--stats", "-i", values, events, status=INPUT).err, "events_refused")
    good = event_file(tmp, lines[4], name="good.jsonl")
    holds(run("replay", "-i", values, good).err, "warning", "unknown class: 'odd' 1")


@fact
def passes_over_records_of_eve_that_are_no_alerts(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    flow = alert(0, "flow.bad.example").replace('"alert", "src_ip"', '"flow", "src_ip"')
    ran = run("replay", "--stats", "-i", values, event_file(tmp, flow, alert(1, "a.bad.example"), flow))
    same([f["observable"]["value"] for f in ran.findings()], ["a.bad.example"])
    assert re.search(r"events_passed +2 ", ran.err), ran.err
    same(run("replay", "-i", values, event_file(tmp, flow)).raw, b"")


@fact
def counts_a_value_that_an_event_says_twice_in_one_place(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    ran = run("replay", "-i", values, event_file(tmp, incident(0, "a.bad.example", **{
        "source.url": "http://a.bad.example/x", "source.reverse_dns": "b.bad.example", "destination.fqdn": "bad.example"})))
    same([(f["observable"]["value"], f["observable"]["where"], f["count"]) for f in ran.findings()],
         [("a.bad.example", "event.source", 2), ("bad.example", "event.destination", 1)])


@fact
def gives_an_event_the_same_id_wherever_it_is_read(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    (tmp / "x").mkdir()
    first = event_file(tmp, incident(0, "a.bad.example"))
    second = event_file(tmp / "x", incident(1, "b.bad.example"), incident(0, "a.bad.example"))
    here, there = (run("replay", "-i", values, path).findings() for path in (first, second))
    same(here[0]["id"], there[0]["id"])
    same(here[0]["event"]["reference"], "sha1:" + hashlib.sha1(incident(0, "a.bad.example").strip().encode()).hexdigest())
    assert there[0]["id"] != there[1]["id"]


@fact
def observes_events(tmp):
    ran = run("observe", event_file(tmp, incident(0, "a.example", **{"source.ip": "192.0.2.7", "source.port": 25})))
    same([(f["type"], f["value"], f["where"], f["packet"]) for f in ran.findings()],
         [("domain-name", "a.example", "event.source", 1), ("ipv4-addr", "192.0.2.7", "event.source", 1),
          ("ip-port", "192.0.2.7:25", "event.source", 1)])
    same(ran.findings()[0]["event"]["reporter"], "partner")


@fact
def takes_events_for_no_indicators_and_says_what_they_are(tmp):
    events = event_file(tmp, incident(0, "a.example"))
    holds(run("replay", "-i", events, SAMPLE, status=INPUT).err, "found events of IntelMQ")


@fact
def reads_events_as_it_is_told(tmp):
    values = indicators(tmp, "domain-name,bad.example")
    events = event_file(tmp, "# a remark\n", *["#\n"] * 5000, incident(0, "a.bad.example"))
    run("replay", "-i", values, events, status=INPUT)
    same(len(run("replay", "-i", values, "--as", "intelmq", events, status=INPUT).findings()), 1)


@fact
def sees_in_real_intelmq_events_the_addresses_and_hashes_that_python_sees(tmp):
    """IntelMQ's own parser tests: what its parsers make of feeds, year by year."""
    folder = pathlib.Path("../shared/data/copyleft/expected")
    if not folder.exists():
        raise Skip("no shared data")
    events = [e["event"] for path in sorted(folder.glob("intelmq-parsers-*.jsonl"))
              for line in path.read_text().splitlines() for e in json.loads(line)["expected"]]
    timed = [e for e in events if "time.source" in e or "time.observation" in e]
    wanted = []
    for number, event in enumerate(events, 1):
        if event not in timed:
            continue
        for key, value in event.items():
            side, _, what = key.partition(".")
            if what == "ip" and side in ("source", "destination"):
                wanted.append((number, f"event.{side}", str(ipaddress.ip_address(value))))
            elif key.startswith("malware.hash."):
                wanted.append((number, "event.text", value.lower()))
    path = event_file(tmp, *(json.dumps(e) + "\n" for e in events))
    ran = run("observe", "--stats", path, status=INPUT if len(timed) < len(events) else DONE)
    seen_there = {(f["packet"], f["where"], f["value"]) for f in ran.findings()
                  if f["type"] in ("ipv4-addr", "ipv6-addr", "md5", "sha1", "sha256")}
    assert len(wanted) > 300
    same(sorted(set(wanted) - seen_there), [])
    beyond = {v for v in seen_there - set(wanted)}
    for number, where, value in beyond:  # hosts of URLs
        event = events[number - 1]
        assert any(value in str(event.get(f"{where[6:]}.{key}", "")) for key in ("url", "fqdn")), (number, where, value)
    assert re.search(rf"events +{len(timed)} ", ran.err), ran.err


def main():
    os.environ.pop("NO_COLOR", None)
    words = sys.argv[2:]
    failed = skipped = 0
    chosen = [f for f in FACTS if not words or any(word in f.__name__ for word in words)]
    for function in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(pathlib.Path(folder))
                print(f"ok      {function.__name__}", flush=True)
            except Skip as why:
                skipped += 1
                print(f"skipped {function.__name__}: {why}", flush=True)
            except Exception as why:  # pylint: disable=broad-except
                failed += 1
                where = traceback.extract_tb(why.__traceback__)
                line = [frame.lineno for frame in where if frame.name == function.__name__][-1]
                print(f"not ok  {function.__name__}, line {line}: {type(why).__name__}: {str(why)[:2000]}", flush=True)
    print(f"{len(chosen)} facts, {failed} do not hold, {skipped} skipped")
    sys.exit(1 if failed or not chosen else 0)


main()
