#!/usr/bin/env python3
"""A PostgreSQL server as small as the proofs of the metastore's database need it.

    sql.py PORT [--password PASSWORD] [--schema-version VERSION]

Speaks the frontend/backend protocol 3.0: no TLS, a password in clear text (any, unless one is given), the simple query.
Answers `SELECT 1`, the schema version of a Hive metastore and counts of its tables; everything else is an error as
PostgreSQL would report it. Port 0 takes a free one; the first line on stdout says which.
"""
import argparse
import re
import socketserver
import struct
import sys

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST, PROTOCOL_3 = 80877103, 80877104, 80877102, 196608
TABLES = {"VERSION": 1, "DBS": 1, "TBLS": 0, "CTLGS": 1, "ROLES": 2, "SEQUENCE_TABLE": 10}


class Refused(Exception):
    def __init__(self, state, message, severity="ERROR"):
        super().__init__(message)
        self.state, self.message, self.severity = state, message, severity


class Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            user = self.start_up()
            if user is None:
                return
            self.ready()
            while self.command():
                pass
        except (ConnectionError, EOFError):
            pass

    def exactly(self, count):
        data = self.rfile.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def message(self, kind, body=b""):
        self.wfile.write(kind + struct.pack("!i", len(body) + 4) + body)

    def error(self, refused):
        fields = [(b"S", refused.severity), (b"V", refused.severity), (b"C", refused.state), (b"M", refused.message)]
        self.message(b"E", b"".join(k + v.encode() + b"\0" for k, v in fields) + b"\0")

    def ready(self):
        self.message(b"Z", b"I")

    def start_up(self):
        while True:
            length, code = struct.unpack("!ii", self.exactly(8))
            rest = self.exactly(length - 8)
            if code in (SSL_REQUEST, GSS_REQUEST):
                self.wfile.write(b"N")
            elif code == CANCEL_REQUEST:
                return None
            elif code == PROTOCOL_3:
                break
            else:
                self.error(Refused("08P01", f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}", "FATAL"))
                return None
        words = rest.rstrip(b"\0").split(b"\0")
        options = dict(zip(words[::2], words[1::2]))
        user = options.get(b"user", b"").decode()
        self.message(b"R", struct.pack("!i", 3))
        kind, length = self.exactly(1), struct.unpack("!i", self.exactly(4))[0]
        password = self.exactly(length - 4).rstrip(b"\0").decode()
        wanted = self.server.options.password
        if kind != b"p" or not password or (wanted is not None and password != wanted):
            log(f"{user}: wrong password")
            self.error(Refused("28P01", f'password authentication failed for user "{user}"', "FATAL"))
            return None
        self.message(b"R", struct.pack("!i", 0))
        for name, value in (("server_version", "17.5"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on")):
            self.message(b"S", name.encode() + b"\0" + value.encode() + b"\0")
        self.message(b"K", struct.pack("!ii", 1, 1))
        log(f"{user}: connected to {options.get(b'database', b'').decode()}")
        return user

    def command(self):
        kind = self.rfile.read(1)
        if kind in (b"", b"X"):
            return False
        body = self.exactly(struct.unpack("!i", self.exactly(4))[0] - 4)
        if kind != b"Q":
            self.error(Refused("0A000", "only the simple query protocol is spoken here"))
            self.ready()
            return True
        text = body.rstrip(b"\0").decode()
        try:
            column, value = answer(text, self.server.options)
            log(f"query: {text} -> {value}")
            self.message(b"T", struct.pack("!h", 1) + column.encode() + b"\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0))
            self.message(b"D", struct.pack("!hi", 1, len(value)) + value.encode())
            self.message(b"C", b"SELECT 1\0")
        except Refused as refused:
            log(f"query: {text} -> {refused.state} {refused.message}")
            self.error(refused)
        self.ready()
        return True


def answer(text, options):
    """The one column and value that a query gives."""
    query = " ".join(text.split()).rstrip("; ")
    if re.fullmatch(r"select 1", query, re.I):
        return "?column?", "1"
    table = re.search(r'\bfrom ("[^"]+"|\w+)', query, re.I)
    if not query.lower().startswith("select") or not table:
        raise Refused("42601", f'syntax error at or near "{query.split(" ")[0]}"')
    # An unquoted name is folded to lower case, and the metastore's tables are in upper case.
    name = table[1].strip('"') if table[1].startswith('"') else table[1].lower()
    if name not in TABLES:
        raise Refused("42P01", f'relation "{name}" does not exist')
    if re.match(r"select count\(\*\) from", query, re.I):
        return "count", str(TABLES[name])
    if name == "VERSION":
        column = re.match(r'select ("[^"]+"|\w+) from', query, re.I)
        column = column[1].strip('"') if column and column[1].startswith('"') else (column[1].lower() if column else "*")
        if column == "SCHEMA_VERSION":
            return column, options.schema_version
        raise Refused("42703", f'column "{column}" does not exist')
    raise Refused("0A000", "this small server only counts the rows of that table")


def log(text):
    print(text, flush=True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description="a PostgreSQL server as small as the proofs need it")
    parser.add_argument("port", type=int)
    parser.add_argument("--password")
    parser.add_argument("--schema-version", default="4.0.0")
    options = parser.parse_args()
    with Server(("127.0.0.1", options.port), Session) as server:
        server.options = options
        log(f"listening on 127.0.0.1:{server.server_address[1]}")
        server.serve_forever()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)
