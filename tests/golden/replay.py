#!/usr/bin/python3
"""replay.py VIGIA [--write]: what vigia says of the sample capture, byte for byte, with 1, 2 and 4 workers.

Each line is held against docs/finding.schema.json, and the schema against lines that were spoilt on purpose, since a
schema that takes everything shows nothing. --write renews sample.ndjson; read the difference before you keep it.
"""
import copy
import difflib
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema

DATA = pathlib.Path("tests/data")
GOLDEN = pathlib.Path("tests/golden/sample.ndjson")
SCHEMA = json.loads(pathlib.Path("docs/finding.schema.json").read_text())
INDICATORS = [DATA / "sample-indicators.csv", DATA / "sample-list.txt"]


EVENTS = """{"time.source":"2026-03-02T14:00:00Z","source.fqdn":"cdn.bad.example","classification.type":"c2-server"}
{"timestamp":"2026-03-02T14:00:01+0000","event_type":"alert","host":"tap-2","dns":{"rrname":"bad.example"}}
"""  # as IntelMQ and as Suricata write them


def put_into(finding):
    def put(path, value):
        wrong = copy.deepcopy(finding)
        inner = wrong
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = value
        return ".".join(map(str, path)), wrong
    return put


def spoilt_event(finding):
    """The same of a hit in an event."""
    put = put_into(finding)
    yield put(["flow"], {})
    yield put(["event"], "x")
    yield put(["event", "feed"], "")
    yield put(["event", "reporter"], 7)
    yield put(["event", "reference"], "")
    yield put(["event", "classification"], "c2-server")
    yield put(["event", "classification", "class"], "bad")
    yield put(["event", "more"], 1)
    for name in ("feed", "reporter", "classification", "reference"):
        wrong = copy.deepcopy(finding)
        del wrong["event"][name]
        yield f"without event.{name}", wrong


def spoilt(finding):
    """Findings that are wrong in one place each."""
    put = put_into(finding)
    yield put(["colour"], "red")
    yield put(["kind"], "guess")
    yield put(["status"], "lost")
    yield put(["id"], "00000000-0000-4000-8000-000000000000")
    yield put(["timestamp"], "2026-03-02 14:00:00")
    yield put(["seq"], 0)
    yield put(["tlp"], "white")
    yield put(["confidence"], 101)
    yield put(["count"], "1")
    yield put(["observable", "type"], "hostname")
    yield put(["observable", "where"], "anywhere")
    yield put(["indicator", "match"], "fuzzy")
    yield put(["indicator", "validity"], "sometimes")
    yield put(["indicator", "sources"], [])
    yield put(["indicator", "sources", 0, "tlp"], "purple")
    yield put(["flow", "state"], "happy")
    yield put(["flow", "community_id"], "2:x")
    yield put(["evidence", "packet"], 0)
    yield put(["region", "country"], "Chile")
    yield put(["category"], "c2-server")
    for name in SCHEMA["$defs"]["hit"]["required"]:
        wrong = copy.deepcopy(finding)
        del wrong[name]
        yield f"without {name}", wrong


def replay(vigia, workers):
    command = [vigia, "replay", "-c", str(DATA / "sample.yaml"), "--format", "json", "--threads", str(workers)]
    for path in INDICATORS:
        command += ["-i", str(path)]
    done = subprocess.run(command + [str(DATA / "sample.pcap")], stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}")
    return done.stdout


def events(vigia, validator):
    """Hits in events are right too, and withheld events; how many are not."""
    with tempfile.TemporaryDirectory() as folder:
        wrong = 0
        for number, event in enumerate(EVENTS.splitlines()):
            path = pathlib.Path(folder) / f"{number}.jsonl"
            path.write_text(event + "\n")
            out = subprocess.run([vigia, "replay", "-i", str(INDICATORS[0]), str(path)], stdout=subprocess.PIPE, check=True)
            lines = out.stdout.decode("utf-8").splitlines()
            wrong += 0 if lines else print(f"no findings in {event}") or 1
            for finding in map(json.loads, lines):
                withheld = {**finding, "event": None, "evidence": None}
                wrong += 0 if validator.is_valid(withheld) else print("the schema takes no event that is withheld") or 1
                for error in validator.iter_errors(finding):
                    wrong += print(f"{event}: {'.'.join(map(str, error.absolute_path))}: {error.message}") or 1
                for name, bad in spoilt_event(finding):
                    if validator.is_valid(bad):
                        wrong += print(f"the schema takes an event that is spoilt: {name}") or 1
    return wrong


def main():
    vigia = sys.argv[1]
    out = replay(vigia, 1)
    if sys.argv[2:] == ["--write"]:
        GOLDEN.write_bytes(out)

    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    lines = out.decode("utf-8").splitlines()
    wrong = 0 if lines else print("no findings at all") or 1
    for number, line in enumerate(lines, 1):
        for error in validator.iter_errors(json.loads(line)):
            where = ".".join(map(str, error.absolute_path))
            wrong += print(f"finding {number}: {where}: {error.message}") or 1
    for name, finding in spoilt(json.loads(lines[0])) if not wrong else ():
        if validator.is_valid(finding):
            wrong += print(f"the schema takes a finding that is spoilt: {name}") or 1

    wrong += events(vigia, validator)

    golden = GOLDEN.read_bytes() if GOLDEN.exists() else b""
    for workers in (1, 2, 4):
        out = replay(vigia, workers)
        if out == golden:
            continue
        wrong += 1
        print(f"{workers} workers: not what {GOLDEN} says:")
        was, now = (text.decode("utf-8", "replace").splitlines() for text in (golden, out))
        print("\n".join(list(difflib.unified_diff(was, now, str(GOLDEN), "now", lineterm="", n=0))[:20]))
    print(f"{len(lines)} findings")
    sys.exit(1 if wrong else 0)


main()
