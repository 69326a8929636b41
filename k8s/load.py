"""Clients that ask until they are told to stop, and count what is lost. Standard library alone: it also runs in pods.

python load.py ADDRESS HOST CLIENTS PAUSE KEEP

Each client asks one thing after another, `PAUSE` seconds apart. With KEEP `keep` it holds one connection, as an ingress
controller does; with `fresh` each request has a new one, since a Service chooses a pod once for each connection. The
first line printed is `begun`, when every client has had an answer. The end of standard input is the end; then the last
line says what was seen, as JSON.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter

FLOWER = json.dumps({"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2})


class Client(threading.Thread):
    """One client. `seen` counts answers by their status and losses by their kind."""

    def __init__(self, address: str, host: str, pause: float, keep: bool, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.address, self.host, self.pause, self.keep, self.stop = address, host, pause, keep, stop
        self.begun = threading.Event()
        self.seen: Counter[str] = Counter()
        self.seconds: list[float] = []

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        while not self.stop.is_set():
            connection = connection or http.client.HTTPConnection(self.address, timeout=30)
            begin = time.perf_counter()
            try:
                headers = {"host": self.host, "content-type": "application/json"}
                connection.request(
                    "POST", "/v1/iris", FLOWER, headers if self.keep else {**headers, "connection": "close"}
                )
                answer = connection.getresponse()
                answer.read()
                told = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                told = type(error).__name__
                connection.close()
                connection = None
            self.seconds.append(time.perf_counter() - begin)
            if told == "200":
                self.begun.set()
            if self.begun.is_set():  # what comes before the first answer belongs to nobody's test
                self.seen[told] += 1
            if connection is not None and not self.keep:
                connection.close()
                connection = None
            self.stop.wait(self.pause)


def main(address: str, host: str, clients: str, pause: str, keep: str) -> None:
    stop = threading.Event()
    all_clients = [Client(address, host, float(pause), keep == "keep", stop) for _ in range(int(clients))]
    for client in all_clients:
        client.start()
    if all(client.begun.wait(120) for client in all_clients):
        print("begun", flush=True)
    sys.stdin.read()
    stop.set()
    for client in all_clients:
        client.join(35)
    seen: Counter[str] = sum((client.seen for client in all_clients), Counter())
    took = sorted(second for client in all_clients for second in client.seconds)
    at = {name: round(took[int(share * (len(took) - 1))] * 1000, 1) for name, share in (("p50", 0.5), ("p99", 0.99))}
    print(json.dumps({"seen": dict(seen), "p50_ms": at["p50"], "p99_ms": at["p99"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
