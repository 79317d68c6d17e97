#!/usr/bin/python3
"""cli.py VIGIA [WORD...]: the command line as those outside see it, one fact a line.

Each fact is a function whose name says what holds; with WORDs, only facts whose name holds one of them. Captures that a
fact needs beyond the sample are written here, packet by packet, so that what stands in them can be read beside what is
expected of them. Nothing but Python's standard library.
"""
import csv
import gzip
import io
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


def run(*args, status=DONE, stdin=None, env=None, cwd=None):
    """Runs it to its end, and expects this status."""
    done = subprocess.run([VIGIA, *map(str, args)], input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT, check=False, cwd=cwd,
                          env={**os.environ, **(env or {})})
    ran = Ran(done.returncode, done.stdout, done.stderr)
    assert ran.status == status, f"{' '.join(map(str, args))}: expected status {status}, got {ran.status}: {ran.err}"
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
def checks_captures_indicators_and_configurations(tmp):
    good = indicators(tmp, "domain-name,bad.example")
    ran = run("check", good, SAMPLE, "rules/vigia.yaml")
    holds(ran.out, f"{good}: csv, 1 indicators", f"{SAMPLE}: pcap", "threads: 0")
    good.write_text("type,value\nipv4-addr,300.1.2.3\n")
    ran = run("check", good, status=INPUT)
    holds(ran.err, f"{good}: line 2: ")
    (tmp / "cut.pcap").write_bytes(SAMPLE.read_bytes()[:-3])
    holds(run("check", tmp / "cut.pcap", status=INPUT).err, f"{tmp}/cut.pcap: ", "offset ")


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
