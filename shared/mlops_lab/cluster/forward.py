"""A port that is forwarded to a pod: a WebSocket, in which each message begins with the number of a channel.

Channel 0 carries what the two sides say to each other, channel 1 what went wrong. Each begins with the port's number.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from mlops_lab.cluster.objects import PORT

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PROTOCOL = "v4.channel.k8s.io"
DATA, ERROR = b"\x00", b"\x01"


async def refuse(receive: Receive, send: Send) -> None:
    """There is no such pod."""
    await receive()
    await send({"type": "websocket.close"})


async def one_port(
    scope: MutableMapping[str, Any], ports: str, answer: Callable[[str], int], receive: Receive, send: Send
) -> None:
    """Take one HTTP request on a port, and answer it. `answer` says with which status a path is answered."""
    await receive()
    if not (ports.isascii() and ports.isdecimal() and int(ports) < 2**16):
        await send({"type": "websocket.close"})
        return
    chosen = PROTOCOL if PROTOCOL in scope.get("subprotocols", ()) else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    port = struct.pack("<H", int(ports))
    for channel in (DATA, ERROR):
        await send({"type": "websocket.send", "bytes": channel + port})
    if int(ports) != PORT:
        words = f"error forwarding port {ports} to pod: dial tcp4 127.0.0.1:{ports}: connect: connection refused"
        await send({"type": "websocket.send", "bytes": ERROR + words.encode()})
        await send({"type": "websocket.close"})
        return
    asked = b""
    while b"\r\n\r\n" not in asked:
        message = await receive()
        if message["type"] == "websocket.disconnect" or len(asked) > 10_000:
            return
        asked += (message.get("bytes") or b"")[1:]
    method, _, rest = asked.partition(b"\r\n")[0].decode("latin-1").partition(" ")
    status = answer(rest.partition(" ")[0].partition("?")[0]) if method == "GET" else 405
    body = json.dumps({"status": "ready" if status == 200 else HTTPStatus(status).phrase}).encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    await send({"type": "websocket.send", "bytes": DATA + head.encode() + body})
    await send({"type": "websocket.close"})
