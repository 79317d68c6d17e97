"""Events made up for measuring, as IntelMQ writes them. One in a hundred names an indicator of indicators.py."""
import itertools
import json

import indicators

TYPES = ("phishing", "c2-server", "infected-system", "scanner", "brute-force", "vulnerable-system", "spam")
COUNTRIES = ("AR", "BR", "CL", "CO", "CR", "DO", "EC", "MX", "PE", "UY")
BEGIN = 1_772_460_000  # 2026-03-02T14:00:00Z


def event(i, address):
    at = BEGIN + i // 50
    name = indicators.name(i // 100) if i % 100 == 0 else f"{indicators.name(i)}.invalid"
    return {
        "__type": "Event", "classification.taxonomy": "other", "classification.type": TYPES[i % 7],
        "classification.identifier": f"open-{i % 31}", "event_hash": f"{indicators.number(i):016x}",
        "extra": {"naics": 517311, "sector": "Communications"}, "feed.accuracy": 100.0, "feed.name": "made up",
        "feed.provider": f"partner-{i % 13}", "malware.name": "lantern", "protocol.transport": "tcp",
        "source.asn": 64496 + i % 16, "source.fqdn": name, "source.geolocation.cc": COUNTRIES[i % 10],
        "source.geolocation.city": "Valparaíso", "source.ip": address, "source.port": 1024 + i % 60000,
        "source.url": f"http://{name}/a/{i}?x={i % 97}", "destination.ip": f"198.51.100.{i % 254 + 1}",
        "time.observation": stamp(at + 60), "time.source": stamp(at), "tlp": "GREEN",
        "raw": "ImxpbmUiLCJhcyIsIml0IiwiY2FtZSI=" * 6,
    }


def stamp(at):
    days, seconds = divmod(at - BEGIN, 86400)
    hours = 14 * 3600 + seconds
    days += hours // 86400
    return f"2026-03-{2 + days:02}T{hours % 86400 // 3600:02}:{hours % 3600 // 60:02}:{hours % 60:02}+00:00"


def write_events(path, count):
    others = itertools.islice(indicators.addresses(), 1_000_000, None)  # of no list
    with open(path, "w", encoding="utf-8") as out:
        for i, address in zip(range(count), others):
            out.write(json.dumps(event(i, address), ensure_ascii=False) + "\n")
