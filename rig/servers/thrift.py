#!/usr/bin/env python3
"""A Hive metastore as small as a proof of its thrift port needs it.

    thrift.py PORT [--lacks METHOD]... [--fails MESSAGE]

Speaks thrift's strict binary protocol, unframed, with the field ids of Hive 4.0.0. Knows the catalog `hive` with the
database `default` and no tables. `--lacks` answers as a metastore without that method does, `--fails` throws a
MetaException from every call, as one without its database does. Port 0 takes a free one; the first line on stdout says
which.
"""
import argparse
import fnmatch
import socketserver
import struct
import sys

CALL, REPLY, EXCEPTION = 1, 2, 3
STOP, I32, TEXT, STRUCT, MAP, LIST = 0, 8, 11, 12, 13, 15
DATABASES = {"default": {"description": "Default Hive database", "location": "s3a://iceberg-tables/warehouse"}}


class Thrown(Exception):
    """An exception that the method declares, by the id of its field in the result."""

    def __init__(self, field, message):
        super().__init__(message)
        self.field, self.message = field, message


class Unknown(Exception):
    """A method that does not exist."""


def text(value):
    data = value.encode()
    return struct.pack("!i", len(data)) + data


def field(kind, number, body):
    return struct.pack("!bh", kind, number) + body


def structure(*fields):
    return b"".join(fields) + bytes([STOP])


def texts(values):
    return struct.pack("!bi", TEXT, len(values)) + b"".join(text(v) for v in values)


def database(name):
    known = DATABASES.get(name)
    if known is None:
        raise Thrown(1, f"database hive.{name}")
    return STRUCT, structure(
        field(TEXT, 1, text(name)),
        field(TEXT, 2, text(known["description"])),
        field(TEXT, 3, text(known["location"])),
        field(MAP, 4, struct.pack("!bbi", TEXT, TEXT, 0)),
        field(TEXT, 6, text("public")),
        field(I32, 7, struct.pack("!i", 2)),
        field(TEXT, 8, text("hive")),
    )


def meta_conf(key):
    known = {"metastore.warehouse.dir": "s3a://iceberg-tables/warehouse", "metastore.try.direct.sql": "true"}
    if key not in known:
        raise Thrown(1, f"Invalid configuration key {key}")
    return TEXT, text(known[key])


def matching(pattern):
    return [name for name in DATABASES if any(fnmatch.fnmatch(name, p) for p in pattern.split("|"))]


def tables(name):
    if name not in DATABASES:
        raise Thrown(1, f"database hive.{name}")
    return LIST, texts([])


def no_table(name, table):
    raise Thrown(2, f"hive.{name}.{table} table not found")


METHODS = {
    "get_all_databases": lambda: (LIST, texts(list(DATABASES))),
    "get_databases": lambda pattern: (LIST, texts(matching(pattern))),
    "get_database": database,
    "get_all_tables": tables,
    "get_tables": lambda name, _: tables(name),
    "get_table": no_table,
    "get_catalogs": lambda: (STRUCT, structure(field(LIST, 1, texts(["hive"])))),
    "getMetaConf": meta_conf,
    "getName": lambda: (TEXT, text("hive")),
    "getVersion": lambda: (TEXT, text("3.0")),
    "getStatus": lambda: (I32, struct.pack("!i", 2)),
}


class Session(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        try:
            while self.call():
                pass
        except (ConnectionError, EOFError):
            pass

    def exactly(self, count):
        data = self.rfile.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def read_text(self):
        return self.exactly(struct.unpack("!i", self.exactly(4))[0]).decode()

    def call(self):
        head = self.rfile.read(4)
        if not head:
            return False
        version, kind = struct.unpack("!HxB", head)
        if version != 0x8001 or kind != CALL:
            log(f"refused: starts with {head.hex()}")
            return False
        method, sequence = self.read_text(), self.exactly(4)
        arguments = []
        while (kind := self.exactly(1)[0]) != STOP:
            self.exactly(2)
            if kind != TEXT:
                log(f"{method}: an argument of type {kind}")
                return False
            arguments.append(self.read_text())
        kind, body = self.answer(method, arguments)
        self.wfile.write(struct.pack("!HxB", 0x8001, kind) + text(method) + sequence + body)
        return True

    def answer(self, method, arguments):
        options = self.server.options
        try:
            if method in options.lacks or method not in METHODS:
                raise Unknown
            if options.fails:
                raise Thrown(1, options.fails)
            kind, value = METHODS[method](*arguments)
            log(f"{method}({', '.join(arguments)})")
            return REPLY, structure(field(kind, 0, value))
        except Thrown as thrown:
            log(f"{method}({', '.join(arguments)}) throws: {thrown.message}")
            return REPLY, structure(field(STRUCT, thrown.field, structure(field(TEXT, 1, text(thrown.message)))))
        except (Unknown, TypeError):
            log(f"{method}: no such method")
            message = f"Invalid method name: '{method}'"
            return EXCEPTION, structure(field(TEXT, 1, text(message)), field(I32, 2, struct.pack("!i", 1)))


def log(line):
    print(line, flush=True)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main():
    parser = argparse.ArgumentParser(description="a Hive metastore as small as a proof needs it")
    parser.add_argument("port", type=int)
    parser.add_argument("--lacks", action="append", default=[])
    parser.add_argument("--fails")
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
