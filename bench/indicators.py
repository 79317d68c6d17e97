"""Lists of indicators made up for measuring, and a capture of one packet that meets two of them.

The number i goes to a name and to an address by arithmetic alone, so that the same count gives the same octets
everywhere. Names end in .example (RFC 2606); addresses are spread over all of IPv4 but its reserved ends.
"""
import struct

PRIME = 2654435761  # odd: i * PRIME mod 2^32 visits each number once
CONSONANTS, VOWELS = "bcdfghjklmnpqrstvwxz", "aeiou"
BELOW = ("com", "net", "org", "info", "top", "br", "mx", "cl", "co", "ar")
CATEGORIES = ("c2-server", "phishing", "malware-distribution", "infected-system", "scanner")


def number(i):
    return i * PRIME % 2**32


def name(i):
    syllables, n = [], number(i + 1)
    for _ in range(5):  # 100^5 is more than 2^32, so that no two are the same
        n, one = divmod(n, 100)
        syllables.append(CONSONANTS[one // 5] + VOWELS[one % 5])
    front = ("", "www.", "cdn-3.", "login.secure.")[i % 4]
    return f"{front}{''.join(syllables)}.{BELOW[i % 7]}.example"


def addresses():
    i = 0
    while True:
        i += 1
        n = number(i)
        if 1 <= n >> 24 <= 223 and n >> 24 not in (10, 127):
            yield f"{n >> 24}.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"


def write_list(path, count):
    """`count` names and as many addresses, one of each in turn."""
    with open(path, "w", encoding="ascii") as out:
        out.write("type,value,confidence,tlp,valid_from,category,tags,source,description\n")
        for i, address in zip(range(count), addresses()):
            said = f"{i % 101},{('green', 'amber', 'clear')[i % 3]},2026-01-{i % 28 + 1:02}"
            who = f"{CATEGORIES[i % 5]},made-up;batch-{i // 1000},feed-{i // 20000},case {i // 10}"
            out.write(f"domain-name,{name(i)},{said},{who}\nipv4-addr,{address},{said},{who}\n")


def write_packet(path):
    """A question to the first address of the list for its first name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name(0).split("."))
    dns = struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, 1, 1)
    udp = struct.pack("!4H", 5353, 53, 8 + len(dns), 0) + dns
    to = bytes(int(octet) for octet in next(addresses()).split("."))
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0) + bytes((192, 0, 2, 10)) + to + udp
    frame = bytes(12) + b"\x08\0" + ip
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        out.write(struct.pack("<IIII", 1767225600, 0, len(frame), len(frame)) + frame)
