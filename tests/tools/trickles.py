"""A server that answers a byte at a time and never comes to an end, in several ways."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

Trickle = Callable[[socket.socket, threading.Event], None]


def slowly(first: bytes, piece: bytes) -> Trickle:
    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(2**16)
        connection.sendall(first)
        while not over.wait(0.02):
            connection.sendall(piece)

    return answer


WAYS = {
    "informational answers": slowly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "headers": slowly(b"HTTP/1.1 200 OK\r\nx: ", b"x"),
    "a body": slowly(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n", b"x"),
    "a body of no length": slowly(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
    "nothing": slowly(b"", b""),
}


@contextlib.contextmanager
def server() -> Iterator[Callable[[Trickle], int]]:
    """What starts the server in one of the `WAYS` and returns its port, once."""
    over, threads = threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0))

    def run(answer: Trickle) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    answer(connection, over)

    def start(answer: Trickle) -> int:
        threads.append(threading.Thread(target=run, args=(answer,)))
        threads[0].start()
        return int(listener.getsockname()[1])

    yield start
    over.set()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(10)
