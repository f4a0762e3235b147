"""A static host in a thread: one ruleset with its ETag, which can be changed, broken and slowed."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class RulesetServer:
    """What the host serves, and what it was asked."""

    def __init__(self) -> None:
        self.data, self.status, self.is_gzipped, self.url = b"", 200, False, ""
        self.asked: list[str | None] = []
        self.answered: list[int] = []

    def handler(self) -> type[BaseHTTPRequestHandler]:
        state = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                tag = f'"{sha256(state.data).hexdigest()[:8]}"'
                given = self.headers.get("If-None-Match")
                status = 304 if state.status == 200 and given == tag else state.status
                state.asked.append(given)
                state.answered.append(status)
                self.send_response(status)
                body = state.data if status == 200 else b""
                if state.is_gzipped:
                    body = gzip.compress(body)
                    self.send_header("Content-Encoding", "gzip")
                self.send_header("ETag", tag)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@contextmanager
def serving(data: bytes) -> Iterator[RulesetServer]:
    """Serve on a free port of this machine."""
    state = RulesetServer()
    state.data = data
    server = ThreadingHTTPServer(("127.0.0.1", 0), state.handler())
    state.url = f"http://127.0.0.1:{server.server_address[1]}/ruleset.json"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
