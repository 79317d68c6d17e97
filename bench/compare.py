"""compare [packets|load|counts|events|publish|all] [--capture FILE] [--rounds N] [--megabytes N]: vigia, its limit and
its peers, in turn.

All of a question's contestants are asked one after the other, round after round, and compared within each round: a
machine that is slow for a second is slow for all of them. One JSON line a contestant to stdout, a table to stderr.

A question is a function that returns contestants, and one line in QUESTIONS. A contestant is a name and a function
that runs once and says {"things", "seconds"} and whatever else it knows; the first one, the limit, also {"octets"}.
"""
import argparse, json, os, pathlib, platform, re, shutil, statistics, subprocess, sys, tempfile, time

import events as made_up_events
import indicators

BUILD = pathlib.Path("build/release")
WORK = pathlib.Path("build/bench")
DATA = pathlib.Path("../shared/data")
SAMPLE = pathlib.Path("tests/data")


def tell(*words):
    print(*words, file=sys.stderr, flush=True)


def run(*command):
    """Runs to the end: its output, and what the whole process took."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        begin = time.monotonic()
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        took = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, stats = out.read(), err.read()
    if process.returncode not in (0, 1):  # 1: some input was damaged, the rest was read
        sys.exit(f"bench: {' '.join(map(str, command))}: status {process.returncode}\n{stats}")
    whole = {"process_seconds": took, "cpu_seconds": used.ru_utime + used.ru_stime, "peak_rss_kib": used.ru_maxrss}
    return said, stats, whole


# ---- contestants ----


def program(name, path, things):
    """One of bench/: it measures itself, and says so in JSON."""

    def once():
        said, _, whole = run(BUILD / "bench" / f"bench_{name}", path, 1)
        line = json.loads(said)
        return {"things": line[things], "octets": line["octets"], "seconds": line["seconds"], **whole}

    return once


TICK = 0.001  # seconds; what vigia's own times are rounded to


def number_of(stats, name):
    found = re.search(rf"^{name} +([0-9.]+) ", stats, re.M)
    return float(found[1]) if found else 0.0


def seconds_of(stats, name):
    return max(number_of(stats, name), TICK / 2)


def vigia(list_path, capture, workers):
    """`seconds` is the replay, from the first packet to the last finding; the indicators were loaded before it."""

    def once():
        _, stats, whole = run(BUILD / "vigia", "replay", "--stats", "--threads", workers, "-i", list_path,
                              "-o", "/dev/null", capture)
        counts = {name: int(number_of(stats, name)) for name in ("indicators", "flows", "observables", "findings")}
        return {"things": int(number_of(stats, "frames")), "seconds": seconds_of(stats, "replay"),
                "load_seconds": seconds_of(stats, "load"), **counts, **whole}

    return once


def suricata(capture, packets):
    """As installed, without rules; its whole process."""

    def once():
        with tempfile.TemporaryDirectory() as logs:
            *_, whole = run("suricata", "-r", capture, "-l", logs, "-k", "none", "-S", "/dev/null")
        return {"things": packets, "seconds": whole["process_seconds"], **whole}

    return once


def loading(list_path, packet):
    """`seconds` is from the CSV to the database that is asked; the packet that meets two of it shows that it can be."""

    def once():
        one = vigia(list_path, packet, 1)()
        if one["findings"] != 2:
            sys.exit(f"bench: {list_path}: the packet met {one['findings']} indicators, not 2")
        return {**one, "things": one["indicators"], "seconds": one["load_seconds"]}

    return once


# ---- what they are given ----


def list_of(count):
    path = WORK / f"indicators-{count}.csv"
    if not path.exists():
        tell(f"making {path}")
        indicators.write_list(path, count)
    return path


def mix(megabytes):
    mixer = BUILD / "bench" / "bench_mix"
    source = DATA if DATA.is_dir() else SAMPLE
    path = WORK / f"mix-{'shared' if source is DATA else 'sample'}-{megabytes}.pcap"
    if path.exists() and path.stat().st_mtime > mixer.stat().st_mtime:
        return path
    tell(f"making {path}")
    once = WORK / "mix-once.pcap"
    run(mixer, source, 1, once)
    run(mixer, source, max(1, round(megabytes * 1e6 / once.stat().st_size)), path)
    once.unlink()
    return path


# ---- questions ----


def packets(options):
    """How many packets a second, with 100,000 names and 100,000 addresses to look for?"""
    capture = options.capture or mix(options.megabytes)
    sought = list_of(100_000)
    contestants = {
        "walk the file": program("walk", capture, "packets"),
        "libpcap only": program("pcap", capture, "packets"),
    }
    for workers in sorted({1, 2, os.cpu_count()}):
        contestants[f"vigia, {workers} worker{'s' * (workers > 1)}"] = vigia(sought, capture, workers)
    if shutil.which("suricata"):
        contestants["suricata"] = suricata(capture, contestants["walk the file"]()["things"])
    else:
        tell("suricata is not installed: not beside it")
    yield {"bench": "packets", "unit": "packets/s", "file": str(capture), "contestants": contestants}


def load(options):
    """How long from a CSV to matching?"""
    packet = WORK / "one-packet.pcap"
    indicators.write_packet(packet)
    for count in (100_000, 1_000_000):
        sought = list_of(count)
        yield {"bench": f"load-{count}", "unit": "indicators/s", "file": str(sought), "contestants": {
            "find its line ends": program("lines", sought, "lines"),
            "vigia": loading(sought, packet),
        }}


def counts(_):
    """How many counts a second, of two threads with random keys among 65,536 cells?"""
    yield {"bench": "counts", "unit": "counts/s", "file": "65,536 cells", "contestants": {
        "a plain array each": program("count", "floor", "counts"),
        "shared atomics": program("count", "atomics", "counts"),
        "vigia, window": program("count", "window", "counts"),
    }}


def hearing(list_path, path):
    """`seconds` is the whole replay, from the first line to the last finding; the indicators were loaded before it."""

    def once():
        _, stats, whole = run(BUILD / "vigia", "replay", "--stats", "--threads", 1, "-i", list_path, "-o", "/dev/null", path)
        counts = {name: int(number_of(stats, name)) for name in ("indicators", "observables", "findings")}
        return {"things": int(number_of(stats, "events")), "seconds": seconds_of(stats, "replay"),
                "load_seconds": seconds_of(stats, "load"), **counts, **whole}

    return once


def events(_):
    """How many events a second, with 100,000 names and 100,000 addresses to look for?"""
    path = WORK / "events-500000.jsonl"
    if not path.exists():
        tell(f"making {path}")
        made_up_events.write_events(path, 500_000)
    yield {"bench": "events", "unit": "events/s", "file": str(path), "contestants": {
        "find its line ends": program("lines", path, "lines"),
        "simdjson": program("json", path, "lines"),
        "vigia": hearing(list_of(100_000), path),
    }}


def publish(_):
    """How many findings a second, from who found them to a subscriber? Each is told to two tiers, or to one."""
    for tiers, behind in (("two tiers", ""), ("one tier", "/one")):
        yield {"bench": f"publish{behind.replace('/', '-')}", "unit": "findings/s",
               "file": f"a finding told to {tiers}", "contestants": {
            "libzmq, ipc": program("publish", "floor" + behind, "findings"),
            "encoding alone": program("publish", "encode" + behind, "findings"),
            "journal alone": program("publish", "journal" + behind, "findings"),
            "vigia": program("publish", "vigia" + behind, "findings"),
        }}


QUESTIONS = {"packets": packets, "load": load, "counts": counts, "events": events, "publish": publish}


# ---- asking and telling ----


def spread(values):
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, float):
        return round(value) if value >= 1000 else float(f"{value:.4g}")
    return value


def machine():
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    return {"cpu": model[1] if model else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "load_average": os.getloadavg()[0]}


def commit():
    def git(*words):
        return subprocess.run(["git", *words], capture_output=True, text=True).stdout.strip()
    return (git("rev-parse", "--short=12", "HEAD") or "unknown") + ("+changes" if git("status", "--porcelain") else "")


def ask(question, rounds):
    """The rounds of each contestant, in the order of the rounds."""
    answers = {name: [] for name in question["contestants"]}
    for n in range(rounds):
        for name, once in question["contestants"].items():
            if sys.stderr.isatty():
                print(f"\r\033[K{question['bench']}: round {n + 1} of {rounds}: {name}", end="", file=sys.stderr)
                sys.stderr.flush()
            answers[name].append(once())
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return answers


def doubts(question, answers):
    """What a reader of the figures should know of them."""
    if min(one["seconds"] for name, all in answers.items() for one in all if name.startswith("vigia")) < 20 * TICK:
        tell(f"bench: {question['file']} is too small to be measured well")
    if question["bench"] == "packets" and len({one["things"] for all in answers.values() for one in all}) > 1:
        counts = {name: all[0]["things"] for name, all in answers.items()}
        tell(f"bench: they did not see the same packets: {counts}")


def result(question, name, answers, about):
    mine, octets = answers[name], next(iter(answers.values()))[0]["octets"]
    rates = spread([one["things"] / one["seconds"] for one in mine])
    line = {"bench": question["bench"], "contestant": name, "value": rates["median"], "unit": question["unit"],
            "rounds": len(mine), "rate": rates,
            "gbit_per_second": spread([octets * 8e-9 / one["seconds"] for one in mine])}
    for figure in ("seconds", "load_seconds", "process_seconds", "cpu_seconds", "peak_rss_kib"):
        if figure in mine[0]:
            line[figure] = spread([one[figure] for one in mine])
    for figure in ("things", "indicators", "flows", "observables", "findings"):
        if figure in mine[0]:
            line[figure] = mine[0][figure]
    line["times_as_long_as"] = {
        other: spread([a["seconds"] / b["seconds"] for a, b in zip(mine, answers[other])])
        for other in list(answers)[:list(answers).index(name)] if not other.startswith("vigia")}
    return rounded({**line, **about})


def table(question, lines):
    peers = list(dict.fromkeys(other for line in lines for other in line["times_as_long_as"]))
    tell(f"\n{question['bench']}: {question['file']}, medians")
    head = f"{'':20} {question['unit']:>14} {'(spread)':>15} {'Gbit/s':>7} {'seconds':>8} {'CPU s':>6} {'MiB':>5}"
    tell(head + "".join(f"  / {peer}" for peer in peers))
    for line in lines:
        rate = line["rate"]
        about = f"{100 * rate['min'] / rate['median'] - 100:+.0f}% {100 * rate['max'] / rate['median'] - 100:+.0f}%"
        row = (f"{line['contestant']:20} {rate['median']:14,.0f} {about:>15} {line['gbit_per_second']['median']:7.2f} "
               f"{line['seconds']['median']:8.3f} {line['cpu_seconds']['median']:6.2f} "
               f"{line['peak_rss_kib']['median'] / 1024:5.0f}")
        for peer in peers:
            ratio = line["times_as_long_as"].get(peer)
            row += f"  {ratio['median'] if ratio else 1:{len(peer) + 2}.2f}"
        tell(row)


def main():
    parser = argparse.ArgumentParser(prog="bench", description="Measures vigia beside its limit and its peers.")
    parser.add_argument("question", nargs="?", choices=[*QUESTIONS, "all"], default="all")
    parser.add_argument("--capture", type=pathlib.Path, help="ask about this capture, not about a mix")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=200, help="of the mix (default: 200)")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    about = {"machine": machine(), "commit": commit()}
    for name, asked in QUESTIONS.items():
        if options.question not in (name, "all"):
            continue
        for question in asked(options):
            answers = ask(question, max(1, options.rounds))
            doubts(question, answers)
            lines = [result(question, name, answers, {"file": question["file"], **about}) for name in answers]
            table(question, lines)
            for line in lines:
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
