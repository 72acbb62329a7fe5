"""A web service that limits its users, as the demo runs it:

    python service.py URL

It listens on a free port of this machine, prints its number, and ends when its standard input does.
"""

from __future__ import annotations

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import keywright

api = keywright.connect(sys.argv[1]).limiter("api", "5/s burst 10")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        decision = api.hit(self.headers["X-User"] or "anonymous")
        body = b"hello\n" if decision else b"slow down\n"
        self.send_response(200 if decision else 429)
        for name, value in decision.headers().items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
