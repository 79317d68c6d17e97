#!/usr/bin/env python3
"""Writes seeds for fuzz_tls and fuzz_quic: hellos, certificates and CRYPTO frames, whole, in pieces, out of order.

usage: hellos.py FOLDER     (FOLDER/tls and FOLDER/quic are made)
"""
import os
import struct
import sys


def vector(octets, size):
    return len(octets).to_bytes(size, "big") + octets


def extension(number, content):
    return struct.pack(">H", number) + vector(content, 2)


def message(kind, body):
    return bytes([kind]) + vector(body, 3)


def client_hello(cookie=b""):
    extensions = b"".join([
        extension(0x0A0A, b""), extension(0, vector(b"\0" + vector(b"www.bad.example", 2), 2)),
        extension(10, vector(bytes.fromhex("1a1a001d0017"), 2)), extension(11, vector(b"\0", 1)),
        extension(13, vector(bytes.fromhex("040308040401"), 2)), extension(16, vector(vector(b"h2", 1), 2)),
        extension(43, vector(bytes.fromhex("2a2a03040303"), 1)), extension(0xFE0D, bytes(20))])
    return message(1, b"\3\3" + bytes(32) + vector(bytes(8), 1) + cookie + vector(bytes.fromhex("130113020a0ac02f"), 2) +
                   b"\1\0" + vector(extensions, 2))


def server_hello():
    return message(2, b"\3\3" + bytes(32) + b"\0" + b"\xc0\x2f\0" + vector(extension(0xFF01, b"\0"), 2))


def der(tag, *parts):
    content = b"".join(parts)
    length = bytes([len(content)]) if len(content) < 128 else b"\x82" + len(content).to_bytes(2, "big")
    return bytes([tag]) + length + content


def certificate():
    name = der(0x30, der(0x31, der(0x30, der(6, b"\x55\4\3"), der(0x0C, b"*.bad.example"))),
               der(0x31, der(0x30, der(6, bytes.fromhex("2a864886f70d010901")), der(0x16, b"a@bad.example"))))
    others = der(0x30, der(0x82, b"alt.example"), der(0x87, b"\xc0\0\2\1"), der(0x86, b"https://uri.example/a"),
                 der(0x81, b"b@alt.example"))
    extensions = der(0xA3, der(0x30, der(0x30, der(6, b"\x55\x1d\x11"), der(1, b"\xff"), der(4, others))))
    body = der(0x30, der(0xA0, der(2, b"\2")), der(2, b"\1"), der(0x30), name, der(0x30), name, der(0x30), extensions)
    one = vector(der(0x30, body, der(0x30), der(3, b"\0")), 3)
    return message(11, vector(one + one, 3))


def record(content):
    return b"\x16\3\3" + vector(content, 2)


def fragments(whole, number, most):
    body = whole[4:]
    for at in range(0, len(body), most):
        part = body[at:at + most]
        head = whole[:4] + struct.pack(">H", number) + at.to_bytes(3, "big") + len(part).to_bytes(3, "big")
        yield b"\x16\xfe\xfd" + bytes(8) + vector(head + part, 2)


def crypto(octets, at):
    return b"\6" + struct.pack(">H", 0x4000 | at) + struct.pack(">H", 0x4000 | len(octets)) + octets


def pieces(kind, said):
    out = bytes([kind])
    for side, octets in said:
        while octets:
            step = min((len(octets) - 1) // 8, 127)
            out += bytes([side << 7 | step]) + octets[:step * 8 + 1]
            octets = octets[step * 8 + 1:]
    return out


def padded(octets):
    return octets + bytes(-(len(octets) - 1) % 8)


def main():
    flight = server_hello() + certificate()
    hello = client_hello()
    half = len(hello) // 2
    seeds = {
        "tls/whole": pieces(0, [(0, record(hello)), (1, record(flight))]),
        "tls/records": pieces(0, [(0, b"".join(record(hello[i:i + 1]) for i in range(len(hello)))),
                                  (1, b"".join(record(flight[i:i + 50]) for i in range(0, len(flight), 50)))]),
        "tls/datagrams": pieces(1, [(0, f) for f in fragments(client_hello(b"\2\1\1"), 0, 60)] +
                                [(1, f) for f in fragments(certificate(), 2, 100)]),
        "quic/one": pieces(1, [(0, padded(crypto(hello, 0))), (1, padded(b"\2\0\0\0\0" + crypto(server_hello(), 0)))]),
        "quic/turned": pieces(3, [(0, padded(crypto(hello[half:], half) + b"\1" + crypto(hello[:half], 0)))]),
        "quic/apart": pieces(5, [(0, padded(crypto(hello[half:], half))), (0, padded(crypto(hello[:half], 0)))]),
        "quic/google": pieces(0, [(0, b"\x0d" + bytes(8) + b"Q043" + b"\1" + bytes(12) + b"\xa0\1\0\0CHLO\2\0\0\0SNI\0" +
                                   struct.pack("<I", 3) + b"UAID" + struct.pack("<I", 5) + b"a.bCr")]),
    }
    for name, octets in seeds.items():
        path = os.path.join(sys.argv[1], name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(octets)


if __name__ == "__main__":
    main()
