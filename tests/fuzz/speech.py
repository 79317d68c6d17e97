#!/usr/bin/env python3
"""Writes seeds for the fuzzers of DNS, SSH, SMTP, POP3, IMAP, FTP and SOCKS: conversations, each side in its turn.

usage: speech.py FOLDER     (FOLDER/dns, FOLDER/ssh, ... are made)
"""
import os
import struct
import sys

MAIL = (b"From: \"A (b)\" <a@b.test>, G: c@d.test;\r\nReceived: from x.test (y.test [192.0.2.7]) by z.test for <e@f.test>; x\r\n"
        b"X-Originating-IP: [IPv6:2001:db8::7]\r\nContent-Type: multipart/mixed;\r\n boundary=\"b b\"\r\n\r\n--b b\r\n\r\n"
        b"http://a.example/(x).\r\n--b b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        b"<a href=3D'https://b.ex=\r\nample/?a&amp;b'>\r\n--b b\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nRnJvbTogY0BkLnRlc3QNCg0KeA==\r\n--b b\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%61.exe; filename=\"=?utf-8?Q?a=2Eexe?=\"\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\n..\r\n--b b--\r\n")


def piece(side, octets, last):
    """Pieces are 8 * n + 1 octets long; only the last one of a conversation may be shorter than it says."""
    if last and len(octets) <= 1017:
        return bytes([side << 7 | (len(octets) + 6) // 8]) + octets
    out = b""
    while octets:
        n = min((len(octets) - 1) // 8, 127)
        out += bytes([side << 7 | n]) + octets[:8 * n + 1]
        octets = octets[8 * n + 1:]
    return out


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def record(kind, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def dns():
    question = name("www.a.example") + b"\0\1\0\1"
    records = [record(1, bytes(4)), record(28, bytes(16)), record(5, b"\1b\xc0\x10"), record(15, b"\0\1\xc0\x0c"),
               record(6, b"\xc0\x0c\3a\\b\xc0\x0c" + bytes(20)), record(16, b"\x0fv=spf1 a:x.test \x0bip4:1.2.3.4"),
               record(33, bytes(6) + name("s.example")), record(35, b"\0\1\0\1\1u\1s\0\xc0\x0c"),
               record(65, b"\0\1\0\0\4\0\4" + bytes(4) + b"\0\6\0\x10" + bytes(16)), record(256, bytes(4) + b"http://a.b/")]
    answer = struct.pack(">HHHHHH", 7, 0x8180, 1, len(records), 0, 0) + question + b"".join(records)
    asked = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + name("7.2.0.192.in-addr.arpa") + b"\0\x0c\0\1"
    framed = b"".join(struct.pack(">H", len(m)) + m for m in (asked, answer))
    return [(1, [(0, asked)]), (1, [(1, answer)]), (0, [(0, framed)])]


def ssh():
    lists = b"".join(struct.pack(">I", len(x)) + x for x in [b"a,b", b"c", b"d", b"e", b"f", b"g", b"h", b"i", b"", b""])
    payload = b"\x14" + bytes(16) + lists + bytes(5)
    packet = struct.pack(">IB", len(payload) + 5, 4) + payload + bytes(4)
    return [(0, [(0, b"SSH-2.0-x y\r\n" + packet), (1, b"hello\r\nSSH-1.99-z\r\n" + packet)])]


def smtp():
    envelope = b"EHLO [192.0.2.7]\r\nMAIL FROM:<a@b.test> SIZE=1\r\nRCPT TO:<@x:c@d.test>\r\n"
    return [(2, [(0, envelope + b"DATA\r\n"), (0, MAIL + b".\r\nSTARTTLS\r\n")]),
            (0, [(0, envelope + b"BDAT %d\r\n" % len(MAIL) + MAIL + b"BDAT 3 LAST\r\n..\n")])]


def pop3():
    return [(0, [(1, b"+OK x\r\n"), (0, b"STLS\r\n"), (1, b"-ERR\r\n+OK\r\n1 2\r\n.\r\n+OK\r\n" + MAIL + b".\r\n")])]


def imap():
    fetched = b"* 1 FETCH (BODY[]<0> {%d}\r\n" % len(MAIL) + MAIL + b")\r\n* 2 FETCH (BODY[HEADER] {9}\r\nTo: a@b\r\n)\r\n"
    return [(0, [(1, b"* OK x\r\n"), (1, fetched), (0, b"a APPEND x {%d+}\r\n" % len(MAIL) + MAIL), (0, b"b STARTTLS\r\n")])]


def ftp():
    return [(0, [(1, b"220 FTP\r\n227 x (1,2,3,4,5,6)\r\n229 (|||8080|)\r\n"),
                 (0, b"USER a\r\nRETR x/y\r\nPORT 1,2,3,4,5,6\r\nEPRT |2|::1|9|\r\nSTOU\r\nDELE z\r\nAUTH TLS\r\n")])]


def socks():
    return [(2, [(0, bytes.fromhex("050100")), (1, bytes.fromhex("0500")), (0, bytes.fromhex("0501000309") + b"a.example\0\x16"),
                 (1, bytes.fromhex("05000001c00002011f90") + b"SSH-2.0-x\r\n")]),
            (2, [(0, bytes.fromhex("0401001600000001") + b"me\0a.example\0"), (1, b"\0\x5a" + bytes(6))])]


def main():
    for make in (dns, ssh, smtp, pop3, imap, ftp, socks):
        folder = os.path.join(sys.argv[1], make.__name__)
        os.makedirs(folder, exist_ok=True)
        for i, (tries, said) in enumerate(make()):
            with open(os.path.join(folder, str(i)), "wb") as out:
                out.write(bytes([tries]))
                for n, (side, octets) in enumerate(said):
                    out.write(piece(side, octets, n + 1 == len(said)))


main()
