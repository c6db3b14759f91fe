"""ClickHouse's HTTP interface in front of an engine that has none.

The engine is `chdb`, ClickHouse as a library. This program speaks as much of the server's HTTP interface as a
client needs: the statement in the body, settings, `param_…`, `database`, `default_format` and `query_id` in the
query, name and password in headers, exceptions with their numbers, before an answer and in the middle of one,
bodies compressed with LZ4.

Every request runs in a session of the engine of its own, beside the others. What it sets goes with it, `readonly`
is the engine's own, and `KILL QUERY` ends the statement of another. Results leave in pieces as the engine makes
them, in the formats that can be joined.

What it can't do: take bytes that are no text, tell users' rights apart. The engine names statements itself; a
`query_id` is therefore kept as the comment of its statement, and read from there where statements are listed or
killed.

Arguments: port, file of name and password (a line each), folder of the data. Prints `ready` once it listens.
"""

import re
import secrets
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import ChdbError, session

NOT_SETTINGS = {
    "query", "database", "default_format", "query_id", "user", "password", "session_id",
    "enable_http_compression", "readonly",
}
STATUS = {192: 401, 193: 401, 194: 401, 516: 401, 60: 404, 81: 404, 46: 404, 47: 404, 62: 400, 164: 500}
PIECE = 1 << 20

FOLDER = sys.argv[3]
# Data lasts as long as one session does.
keeper = session.Session(FOLDER)
with open(sys.argv[2], encoding="utf-8") as file:
    USER, PASSWORD = file.read().split("\n")[:2]


def literal(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def first_word(sql):
    sql = re.sub(r"(?s)^(\s|\(|/\*.*?\*/|--[^\n]*(\n|$))*", "", sql)
    return re.match(r"\w*", sql).group(0).upper()


def by_its_own_name(sql):
    """Statements by the names that requests gave them."""
    if first_word(sql) == "KILL" or re.search(r"(?i)\bsystem\.processes\b", sql):
        comment = "Settings['log_comment']"
        return re.sub(r"\bquery_id\b", f"if({comment} = '', query_id, {comment})", sql)
    return sql


def prepare(engine, options):
    """Puts what a request asks for into its session; `readonly` last, for it locks the rest."""
    if options.get("database"):
        engine.query("USE `" + options["database"].replace("`", "\\`") + "`")
    settings = {key: value for key, value in options.items() if key not in NOT_SETTINGS}
    if "query_id" in options:
        settings["log_comment"] = options["query_id"]
    if settings:
        engine.query("SET " + ", ".join(f"{key} = {literal(value)}" for key, value in settings.items()))
    if "readonly" in options:
        engine.query(f"SET readonly = {literal(options['readonly'])}")


def joined(piece, first):
    """A piece of rows that stand for themselves."""
    return piece, b""


def joined_arrow(piece, first):
    """A piece without the schema, which every one repeats, and the mark of the stream's end."""
    begin = 0 if first else 8 + int.from_bytes(piece[4:8], "little")
    return memoryview(piece)[begin:-8], piece[-8:]


JOINED = {
    "ArrowStream": joined_arrow,
    "RowBinary": joined,
    "TabSeparated": joined,
    "TabSeparatedRaw": joined,
}


def pieces(engine, sql, name):
    """The answer's bytes as they come; at once where the engine makes no pieces or none that can be joined."""
    stream = None
    if name in JOINED:
        try:
            stream = engine.send_query(sql, name)
        except (RuntimeError, ChdbError) as error:
            if "not supported for query" not in str(error):
                raise
    if stream is None:
        yield bytes(engine.query(sql, name).bytes())
        return
    first, end = True, b""
    try:
        while (chunk := stream.fetch()) is not None:
            piece, end = JOINED[name](bytes(chunk.bytes()), first)
            first = False
            yield piece
    finally:
        stream.close()
    if first:
        # No piece says the columns of no rows.
        yield bytes(engine.query(sql, name).bytes())
    yield end


def exception(error):
    """Number and text of what the engine says."""
    text = str(error)
    found = re.search(r"Code: (\d+)", text)
    if found is None:
        return 1002, f"Code: 1002. DB::Exception: {text}\n".encode()
    return int(found.group(1)), text[found.start() :].encode() + b"\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

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
        self.begin(200, {})
        self.chunk(b"Ok.\n")
        self.end()

    def do_POST(self):
        body = self.body()
        query = parse_qsl(urlsplit(self.path).query, keep_blank_values=True, encoding="latin-1")
        options = {key: value.encode("latin-1").decode("utf-8", "surrogateescape") for key, value in query}
        user = self.headers.get("x-clickhouse-user", "default")
        if (user, self.headers.get("x-clickhouse-key", "")) != (USER, PASSWORD):
            text = f"Code: 516. DB::Exception: {user}: Authentication failed. (AUTHENTICATION_FAILED)\n"
            return self.refuse(516, text.encode())
        sql = by_its_own_name(body.decode("utf-8", "surrogateescape"))
        try:
            with session.Session(FOLDER) as engine:
                self.run(engine, sql, options)
        except ConnectionError:
            self.close_connection = True

    def run(self, engine, sql, options):
        clause = re.search(r"(?i)\bFORMAT\s+(\w+)\s*;?\s*$", sql)
        name = clause.group(1) if clause else options.get("default_format", "TabSeparated")
        try:
            prepare(engine, options)
            answer = pieces(engine, sql, name)
            # What fails at once is no answer.
            piece = next(answer)
        except (RuntimeError, ChdbError) as error:
            return self.refuse(*exception(error))
        tag = secrets.token_hex(8)
        headers = {"X-ClickHouse-Format": name, "X-ClickHouse-Exception-Tag": tag}
        lz4 = options.get("enable_http_compression") == "1" and "lz4" in self.headers.get("accept-encoding", "")
        send = self.chunk
        if lz4:
            from lz4.frame import LZ4FrameCompressor

            headers["Content-Encoding"] = "lz4"
            compressor = LZ4FrameCompressor()
            send = lambda piece: self.chunk(compressor.compress(piece))
        self.begin(200, headers)
        if lz4:
            self.chunk(compressor.begin())
        try:
            while True:
                send(piece)
                piece = next(answer)
        except StopIteration:
            if lz4:
                self.chunk(compressor.flush())
            return self.end()
        except (RuntimeError, ChdbError) as error:
            _, text = exception(error)
            text = text.rstrip()
            mark = f"\r\n__exception__\r\n{tag}\r\n".encode()
            send(mark + text + f"\n{len(text) + 1} {tag}\r\n__exception__\r\n".encode())
            if lz4:
                self.chunk(compressor.flush())
            # Without an end, which would say that all is well.
            self.wfile.flush()
            self.close_connection = True
        finally:
            answer.close()

    def refuse(self, code, text):
        self.begin(STATUS.get(code, 500), {"X-ClickHouse-Exception-Code": str(code)})
        self.chunk(text)
        self.end()

    def begin(self, status, headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, body):
        for at in range(0, len(body), PIECE):
            piece = body[at : at + PIECE]
            self.wfile.write(b"%x\r\n" % len(piece))
            self.wfile.write(piece)
            self.wfile.write(b"\r\n")
        self.wfile.flush()

    def end(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
print("ready", flush=True)
server.serve_forever()
