#!/usr/bin/python3
"""story.py VIGIA [WORD...]: what the daemon makes of many things together, one fact a line: correlations of what packets
and events show in several countries, and trends in what is counted. Run as live.py is, whose daemon it uses."""
import json
import pathlib
import subprocess
import time

import live
from live import (BEGIN, Daemon, Subscriber, append, fact, inbox, incident, indicators, main, needs_zmq, put, queries,
                  same, vigia, wait_for)

live.FACTS.clear()

SCHEMA = pathlib.Path("docs/finding.schema.json").resolve()
RECORD_EVENTS = pathlib.Path("script/record-events").resolve()
HOUR = 3600


def of_kind(daemon, kind):
    return [f for f in daemon.hits() if f["kind"] == kind]


def told(daemon, kind, count=1):
    return wait_for(f"{count} of kind {kind}", lambda: len(of_kind(daemon, kind)) >= count and of_kind(daemon, kind))


def feeds(*files):
    return "feeds:\n" + "".join(f"  - {{name: {pathlib.Path(f).stem}, file: {f}, tlp: green}}\n" for f in files)


def recorded(until):
    return subprocess.run([RECORD_EVENTS, str(int(until))], capture_output=True, text=True, check=True).stdout


def holds_schema(findings):
    try:
        import jsonschema
    except ImportError:
        return
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for finding in findings:
        for error in validator.iter_errors(finding):
            raise AssertionError(f"{error.message} in {finding}")


# ---- correlations


@fact
def links_what_a_packet_shows_in_one_country_and_an_event_tells_of_another(tmp):
    with Daemon(tmp, [f"{{name: office, folder: {inbox(tmp)}}}"], [indicators(tmp, "domain-name,bad.example,green")],
                more=feeds("events.jsonl")) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(1))
        wait_for("the hit", daemon.hits)
        append(tmp / "events.jsonl", incident(1, at=BEGIN))
        link = told(daemon, "correlation")[0]
        same((link["status"], link["rule"], link["countries"], link["count"], link["place"]),
             ("opened", "campaign", ["CL", "PE"], 2, "americas"))
        same(link["indicator"], {"type": "domain-name", "value": "bad.example"})
        hits = {f["id"]: f["region"]["country"] for f in of_kind(daemon, "hit")}
        same([hits[i] for i in link["evidence"]], ["CL", "PE"])
        append(tmp / "events.jsonl", incident(2, at=BEGIN, **{"source.geolocation.cc": "UY"}))
        again = told(daemon, "correlation", 2)[1]
        same((again["id"], again["status"], again["countries"]), (link["id"], "updated", ["CL", "PE", "UY"]))
        daemon.stop()
        holds_schema(daemon.hits())
        shown = vigia("hits", "-c", tmp / "ask.yaml", "--format", "text").stdout
        assert "campaign" in shown and "in 3 countries: CL PE UY, 3 hits" in shown, shown
        shown = vigia("hits", "-c", tmp / "ask.yaml", "--format", "text", "--explain", link["id"]).stdout
        assert "countries    CL, PE, UY, in the order" in shown and "; all in americas" in shown, shown
        assert all(i[:8] in shown for i in again["evidence"]) and "partner: phishing, UY" in shown, shown


@fact
def links_nothing_of_one_country(tmp):
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,green")], more=feeds("events.jsonl")) as daemon:
        append(tmp / "events.jsonl", incident(1) + incident(2))
        daemon.start()
        wait_for("both hits", lambda: len(daemon.hits()) == 2)
        daemon.stop()
        same(of_kind(daemon, "correlation"), [])


@fact
def closes_a_correlation_that_falls_silent(tmp):
    more = feeds("events.jsonl") + "correlation: {window: 2s}\n"
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,green")], more=more) as daemon:
        daemon.start()
        now = time.time()
        append(tmp / "events.jsonl", incident(1, at=now) + incident(2, at=now, **{"source.geolocation.cc": "UY"}))
        first = told(daemon, "correlation")[0]
        last = told(daemon, "correlation", 2)[-1]
        same((last["id"], last["status"], last["count"]), (first["id"], "closed", 2))
        daemon.stop()


@fact
def tells_each_tier_of_a_correlation_only_what_it_was_told_of(tmp):
    needs_zmq()
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,amber")], more=feeds("events.jsonl")) as daemon:
        daemon.start()
        with Subscriber(daemon.endpoint) as subscriber:
            subscriber.connected()
            now = time.time()
            append(tmp / "events.jsonl", incident(7, at=now) + incident(8, at=now, **{"source.geolocation.cc": "UY"}))
            told(daemon, "correlation")
            daemon.stop()
            topics = {t for t, _ in subscriber.findings() if t.startswith("correlation.")}
        same(topics, {"correlation.amber.americas.campaign"})


# ---- trends


@fact
def tells_of_a_burst_in_the_reports_of_partners(tmp):
    now = time.time()
    (tmp / "partners.jsonl").write_text(recorded(now))
    with Daemon(tmp, [], [indicators(tmp, "domain-name,none.example,green")], more=feeds("partners.jsonl")) as daemon:
        daemon.start()
        alarm = wait_for("the alarm", lambda: [f for f in of_kind(daemon, "trend") if f["place"] == "CL"])[0]
        same((alarm["status"], alarm["place"], alarm["subregion"], alarm["category"]["type"], alarm["counted"]),
             ("opened", "CL", "southern-cone", "phishing", "event"))
        assert alarm["observed"] >= 34 and alarm["expected"] < 5 and alarm["score"] > 0.999, alarm
        assert alarm["reporters"] >= 3 and alarm["tlp"] == "green", alarm
        same(alarm["history"][-1], alarm["observed"])
        trends = daemon.status()["trends"]
        same((trends["late"], trends["early"], trends["elsewhere"]), (0, 0, 0))
        same(trends["counted"], len(recorded(now).splitlines()))
        daemon.stop()
        holds_schema(daemon.hits())
        same([f["status"] for f in of_kind(daemon, "trend") if f["id"] == alarm["id"]], ["opened"])
        shown = vigia("hits", "-c", tmp / "ask.yaml", "--format", "text").stdout
        assert "phishing in CL" in shown and "█" in shown, shown
        shown = vigia("hits", "-c", tmp / "ask.yaml", "--format", "text", "--explain", alarm["id"]).stdout
        assert "phishing: events in CL (southern-cone), in windows of 1 h\n" in shown, shown
        assert shown.count(":00  ") >= len(alarm["history"]) and f"observed     {alarm['observed']} in" in shown, shown


@fact
def counts_what_comes_too_late_is_elsewhere_or_may_not_be_shared_and_raises_no_alarm(tmp):
    now = time.time()
    lines = [incident(n, at=now - 60) for n in range(5)]
    lines += [incident(n, at=now - 5 * HOUR) for n in range(7)]  # behind what came before
    lines += [incident(n, at=now - 60, **{"source.geolocation.cc": "DE"}) for n in range(3)]
    lines += [incident(n, at=now - 60, tlp="RED") for n in range(2)]
    (tmp / "events.jsonl").write_text("".join(lines))
    with Daemon(tmp, [], [indicators(tmp, "domain-name,none.example,green")], more=feeds("events.jsonl")) as daemon:
        daemon.start()
        trends = wait_for("all", lambda: daemon.status()["feeds"][0]["events"] == 17 and daemon.status()["trends"])
        same({k: trends[k] for k in ("counted", "late", "elsewhere", "withheld", "alarms")},
             {"counted": 5, "late": 7, "elsewhere": 3, "withheld": 2, "alarms": 0})
        daemon.stop()


@fact
def refuses_a_detector_that_there_is_not(tmp):
    with Daemon(tmp, [], [indicators(tmp, "domain-name,none.example,green")],
                more=feeds("events.jsonl") + "trends: {detector: oracle}\n") as daemon:
        daemon.start(running=False)
        assert "trends.detector" in daemon.ends(2)


# ---- those who mean ill


@fact
def takes_a_label_that_cannot_be_read_for_red(tmp):
    labels = ["tlp-red", "TLP RED", "tlp:rot", "RED, recipients only", "AMBER STRICT", ["red"], "red"]
    lines = [incident(n, tlp=label) for n, label in enumerate(labels)]
    lines.append(incident(99).replace('"__type"', '"tlp": "red", "tlp": "clear", "__type"'))
    (tmp / "events.jsonl").write_text("".join(lines) + incident(100, tlp="GREEN"))
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,clear")], more=feeds("events.jsonl")) as daemon:
        daemon.start()
        wait_for("all hits", lambda: len(daemon.hits()) == len(lines) + 1)
        same({f["observable"]["value"]: f["tlp"] for f in daemon.hits()},
             {**{f"e{n}.bad.example": "red" for n in [*range(len(labels)), 99]}, "e100.bad.example": "green"})
        assert "unknown TLP, taken as red" in daemon.status()["feeds"][0]["remarks"]
        daemon.stop()


@fact
def counts_what_a_red_indicator_found_in_no_trend_that_others_read(tmp):
    with Daemon(tmp, [f"{{name: office, folder: {inbox(tmp)}}}"], [indicators(tmp, "domain-name,bad.example,red")]) as daemon:
        daemon.start()
        put(inbox(tmp), "a.pcap", queries(3))
        wait_for("the hits", lambda: len(daemon.hits()) >= 3)
        trends = daemon.status()["trends"]
        same((trends["counted"], trends["withheld"]), (0, 3))
        daemon.stop()


@fact
def hears_two_feeds_though_each_waits_for_the_other(tmp):
    now = time.time()
    for name in "one", "other":
        (tmp / f"{name}.jsonl").write_text("".join(incident(n, at=now - 60 + n) for n in range(60)))
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,green")],
                more=feeds("one.jsonl", "other.jsonl") + "trends: {window: 1m, lateness: 1h}\n") as daemon:
        daemon.start()
        wait_for("all events", lambda: [f["events"] for f in daemon.status()["feeds"]] == [60, 60])
        daemon.stop()
        same(len(of_kind(daemon, "hit")), 120)


@fact
def tells_what_one_feed_sees_though_another_floods(tmp):
    (tmp / "flood.jsonl").write_text("".join(incident(n) for n in range(50)))
    with Daemon(tmp, [], [indicators(tmp, "domain-name,bad.example,green")],
                more=feeds("flood.jsonl", "other.jsonl") + "flood: {rate: 1, burst: 1}\n") as daemon:
        daemon.start()
        wait_for("the flood", lambda: daemon.status()["telling"]["folded"] == 49)
        append(tmp / "other.jsonl", incident(1, **{"source.geolocation.cc": "UY"}))
        wait_for("the other", lambda: [f for f in of_kind(daemon, "hit") if f["sensor"] == "other"])
        daemon.stop()


@fact
def survives_an_indicator_that_says_too_much(tmp):
    says = "\u0001" * 200_000
    (tmp / "big.json").write_text(json.dumps({"Event": {"info": says, "Attribute": [
        {"type": "domain", "to_ids": True, "value": "bad.example", "comment": says}]}}))
    with Daemon(tmp, [], [tmp / "big.json"], more=feeds("events.jsonl")) as daemon:
        daemon.start()
        append(tmp / "events.jsonl", incident(1))
        hit = wait_for("the hit", daemon.hits)[0]
        assert len(hit["indicator"]["sources"][0]["description"]) <= 512
        daemon.stop()
        holds_schema(daemon.hits())


if __name__ == "__main__":
    main()
