"""Serve the built book at 127.0.0.1, for this machine alone; build it first if it is not there."""

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from coursekit import book


def add_arguments(parser):
    parser.add_argument("--port", type=int, default=8000, help="8000, or the next one that is free")


def main(args):
    if not (book.SITE / "index.html").exists() and book.main(args):
        return 1
    with server(args.port) as site:
        if site.server_port != args.port != 0:
            print(f"Port {args.port} is taken.")
        print(f"The book is at http://127.0.0.1:{site.server_port}/ (Ctrl-C stops)", flush=True)
        try:
            site.serve_forever()
        except KeyboardInterrupt:
            print()


def server(port):
    """A server at `port` or the next one of twenty that is free; 0 is any free one."""
    for candidate in range(port, port + 20):
        try:
            return Server(("127.0.0.1", candidate), partial(Pages, directory=book.SITE))
        except (OSError, OverflowError) as error:
            last = error
    raise SystemExit(f"No port from {port} to {port + 19} can be used: {last}. Name another: --port 9000")


class Server(ThreadingHTTPServer):
    allow_reuse_address = sys.platform != "win32"  # there it would take a port that is in use
    daemon_threads = True


class Pages(SimpleHTTPRequestHandler):
    # Not from the system's table, which on Windows may call scripts plain text; browsers then refuse modules.
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".js": "text/javascript",
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")  # a page that was built anew is seen at once
        super().end_headers()

    def log_message(self, *words):
        pass
