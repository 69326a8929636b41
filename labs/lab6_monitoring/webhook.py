"""Given: the receiver of pages and tickets: `lab run 6 python -m lab6_monitoring.webhook` prints what arrives.

In real life a pager or a chat stands here. The address is the one of `alertmanager.yml`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST, PORT = "127.0.0.1", 9099
Message = dict[str, Any]


def make_server(tell: Callable[[str, Message], None], port: int = PORT) -> ThreadingHTTPServer:
    """Return a server that calls `tell(path, message)` for each message; port 0 takes a free one."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()
            tell(self.path, json.loads(body))

        def log_message(self, *unused: object) -> None:
            """What arrives is printed by `tell`."""

    return ThreadingHTTPServer((HOST, port), Receiver)


def lines(path: str, message: Message) -> list[str]:
    """Return a line for each alert of a message: where it went, whether it rings, what it is, what to do."""
    return [
        f"{path.strip('/'):<6}  {alert['status']:<8}  {alert['labels'].get('alertname', '?')}: "
        f"{alert['annotations'].get('summary', '')}  → {alert['annotations'].get('runbook', 'no runbook')}"
        for alert in message.get("alerts", [])
    ]


def main() -> None:
    """Print what arrives, until Ctrl-C."""
    server = make_server(lambda path, message: print(*lines(path, message), sep="\n", flush=True))
    print(f"waiting for alerts at http://{HOST}:{PORT}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
