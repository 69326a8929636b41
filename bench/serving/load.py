"""Load: the same request again and again over a few connections, by wrk or by a loop of ours."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.common import p99

JSON = {"Content-Type": "application/json"}

# wrk answers in microseconds; an answer of status 400 and above is an error of status.
WRK_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = io.open("body.json"):read("*a")
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "failures": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class LoadError(RuntimeError):
    """A server that answered with an error, or not at all."""


@dataclass(frozen=True)
class Load:
    """What one run over a few seconds found. Only runs without a failed request are kept."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float


def generator(*, own: bool = False) -> str:
    """Name what makes the load here."""
    wrk = shutil.which("wrk")
    if own or wrk is None:
        return "load by our own asyncio loop (high rates are its own limit: wrk finds about twice as many)"
    # It prints its version and leaves with status 1.
    version = re.search(r"\d+(\.\d+)+", subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False).stdout)
    return f"wrk {version.group() if version else ''}".strip()


def run_load(url: str, body: bytes, seconds: float, connections: int, *, own: bool = False) -> Load:
    """POST `body` for `seconds` over `connections`, each of which sends as soon as it has its answer.

    With wrk; where it is missing, or `own` is set, with a loop of ours, which is slower than the fastest servers.
    Raises LoadError where one request failed.
    """
    if own or shutil.which("wrk") is None:
        return asyncio.run(_run_own(url, body, seconds, connections))
    return _run_wrk(url, body, seconds, connections)


def _run_wrk(url: str, body: bytes, seconds: float, connections: int) -> Load:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        Path(folder, "body.json").write_bytes(body)
        Path(folder, "post.lua").write_text(WRK_SCRIPT, encoding="utf-8")
        options = ["-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "-s", "post.lua"]
        done = subprocess.run(["wrk", *options, url], cwd=folder, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise LoadError(f"wrk did not finish: exit {done.returncode}\n{done.stdout[-500:]}{done.stderr[-500:]}")
    found = json.loads(lines[-1])
    _expect_no_failure(url, found["failures"], found["requests"])
    return Load(found["requests"] / found["seconds"], found["p50_ms"], found["p99_ms"])


async def _run_own(url: str, body: bytes, seconds: float, connections: int) -> Load:
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n"
    request = (head + "".join(f"{name}: {value}\r\n" for name, value in JSON.items()) + "\r\n").encode() + body
    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        address = (str(parts.hostname), int(parts.port or 80))
        tasks = [group.create_task(_one_connection(address, request, started + seconds)) for _ in range(connections)]
    took = time.perf_counter() - started
    answers = [answer for task in tasks for answer in task.result()]
    _expect_no_failure(url, sum(not is_ok for _, is_ok in answers), len(answers))
    milliseconds = [1_000 * each for each, _ in answers]
    return Load(len(answers) / took, statistics.median(milliseconds), p99(milliseconds))


async def _one_connection(address: tuple[str, int], request: bytes, end: float) -> list[tuple[float, bool]]:
    """Send until `end`; return for each request the seconds that it took, and whether its status was 200."""
    reader, writer = await asyncio.open_connection(*address)
    answers = []
    while (started := time.perf_counter()) < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        if length is None:
            raise LoadError("an answer has no `Content-Length`; use wrk for this server")
        await reader.readexactly(int(length[1]))
        answers.append((time.perf_counter() - started, head.startswith(b"HTTP/1.1 200 ")))
    writer.close()
    await writer.wait_closed()
    return answers


def _expect_no_failure(url: str, failures: int, requests: int) -> None:
    if failures or not requests:
        raise LoadError(f"`{url}`: {failures} of {requests} requests failed")


def ask(url: str, body: bytes) -> bytes:
    """POST once and return the body of the answer. Raises LoadError where its status is not 200."""
    return times_of_single_requests(url, body, 1)[1]


def times_of_single_requests(url: str, body: bytes, count: int) -> tuple[list[float], bytes]:
    """POST `count` times over one connection, one after the other. Return the milliseconds and the last answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=60)
    milliseconds, content = [], b""
    try:
        for _ in range(count):
            started = time.perf_counter()
            connection.request("POST", parts.path, body, JSON)
            answer = connection.getresponse()
            content = answer.read()
            milliseconds.append(1_000 * (time.perf_counter() - started))
            if answer.status != 200:
                raise LoadError(f"`{url}` answered {answer.status}: {content[:500].decode(errors='replace')}")
    finally:
        connection.close()
    return milliseconds, content
