"""ClickHouse's HTTP interface in front of an engine that has none.

The engine is `chdb`, ClickHouse as a library. This program speaks as much of the server's HTTP interface as a
client needs: the statement in the body, settings, `param_…`, `database` and `default_format` in the query,
name and password in headers, exceptions with their numbers. One statement runs at a time.

What it can't do: take bytes that are no text, cancel, tell users' rights apart, fail in the middle of an answer. `readonly` refuses what does
not begin as a reading statement: the engine could not leave that mode again.

Arguments: port, file of name and password (a line each). Prints `ready` once it listens.
"""

import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

READING = {"SELECT", "WITH", "FROM", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "KILL"}
NOT_SETTINGS = {"query", "database", "default_format", "query_id", "user", "password", "session_id"}
STATUS = {192: 401, 193: 401, 194: 401, 516: 401, 60: 404, 81: 404, 46: 404, 47: 404, 62: 400, 164: 500}

lock = threading.Lock()
engine = session.Session()
with open(sys.argv[2], encoding="utf-8") as file:
    USER, PASSWORD = file.read().split("\n")[:2]


def literal(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def first_word(sql):
    sql = re.sub(r"(?s)^(\s|\(|/\*.*?\*/|--[^\n]*(\n|$))*", "", sql)
    return re.match(r"\w*", sql).group(0).upper()


def run(sql, options):
    """The answer's bytes and the name of its format."""
    name = options.get("default_format", "TabSeparated")
    clause = re.search(r"(?i)\bFORMAT\s+(\w+)\s*;?\s*$", sql)
    if options.get("readonly") == "1" and first_word(sql) not in READING:
        raise RuntimeError("Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)")
    settings = {k: v for k, v in options.items() if k not in NOT_SETTINGS and k != "readonly"}
    done = []
    try:
        if options.get("database"):
            engine.query("USE `" + options["database"].replace("`", "\\`") + "`")
        for key, value in settings.items():
            engine.query(f"SET {key} = {literal(value)}")
            done.append(key)
        answer = engine.query(sql, name)
        return bytes(answer.bytes()), clause.group(1) if clause else name
    finally:
        for key in done:
            if not key.startswith("param_"):
                engine.query(f"SET {key} = DEFAULT")
        engine.query("USE default")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def do_GET(self):
        self.answer(200, b"Ok.\n", {})

    def do_POST(self):
        body = self.body()
        query = parse_qsl(urlsplit(self.path).query, keep_blank_values=True, encoding="latin-1")
        options = {key: value.encode("latin-1").decode("utf-8", "surrogateescape") for key, value in query}
        user = self.headers.get("x-clickhouse-user", "default")
        if (user, self.headers.get("x-clickhouse-key", "")) != (USER, PASSWORD):
            text = f"Code: 516. DB::Exception: {user}: Authentication failed. (AUTHENTICATION_FAILED)\n"
            return self.answer(401, text.encode(), {"X-ClickHouse-Exception-Code": "516"})
        sql = body.decode("utf-8", "surrogateescape")
        try:
            with lock:
                answer, name = run(sql, options)
        except RuntimeError as error:
            text = str(error)
            found = re.search(r"Code: (\d+)", text)
            code = int(found.group(1)) if found else 1002
            text = text[found.start() :] if found else f"Code: 1002. DB::Exception: {text}"
            headers = {"X-ClickHouse-Exception-Code": str(code)}
            return self.answer(STATUS.get(code, 500), text.encode() + b"\n", headers)
        self.answer(200, answer, {"X-ClickHouse-Format": name})

    def answer(self, status, body, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 1 << 20):
            piece = body[at : at + (1 << 20)]
            self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = True
print("ready", flush=True)
server.serve_forever()
