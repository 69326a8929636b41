"""A page under check that asks for everything it can think of reaches its own service, and nobody else."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab2_judges.page_browser import Browser, NoBrowser, find_browser

from labkit.sandbox import alone

pytestmark = pytest.mark.skipif(find_browser() is None, reason="no Chromium on PATH; `lab doctor` says how to get it")

PAGE = b"<!doctype html><html lang=en><title>A page</title><body>"
WORKER = """
onmessage = async ({ data }) => {
  new WebSocket(`ws://${data}/worker`).onopen = () => postMessage("opened");
  await fetch(`http://${data}/worker`, { mode: "no-cors" }).catch(() => 0);
  postMessage("done");
};
addEventListener("install", (event) => {
  event.waitUntil(fetch(`http://${location.hash.slice(1)}/service-worker`, { mode: "no-cors" }));
});
"""
ATTACK = """async (there) => {
  const url = `http://${there}`, found = {};
  const settles = (name, start) =>
    Promise.race([
      new Promise((resolve) => start((what) => resolve(what))).catch((error) => String(error)),
      new Promise((resolve) => setTimeout(resolve, 1200, "nothing")),
    ]).then((what) => { found[name] = what; });
  const add = (html) => document.body.insertAdjacentHTML("beforeend", html);
  const turn = (kind) => async (end) => {
    const servers = [{ urls: kind, username: "a", credential: "b" }];
    const peer = new RTCPeerConnection({ iceServers: servers, iceTransportPolicy: kind[0] === "t" ? "relay" : "all" });
    peer.createDataChannel("d");
    peer.onicecandidateerror = (event) => end(event.errorText);
    await peer.setLocalDescription(await peer.createOffer());
  };
  add(`<link rel=preconnect href=${url}><link rel=dns-prefetch href=${url}><link rel=prefetch href=${url}/p>
    <link rel=stylesheet href=${url}/css><iframe src=${url}/frame></iframe><object data=${url}/object></object>
    <a id=ping href=#here ping=${url}/ping>a</a><video src=${url}/video></video>
    <form id=post method=post action=${url}/form target=other><input name=a value=b></form>
    <iframe name=other></iframe>`);
  document.getElementById("ping").click();
  document.getElementById("post").submit();
  navigator.sendBeacon(`${url}/beacon`, "a");
  await Promise.all([
    settles("fetch", (end) => fetch(`${url}/fetch`, { mode: "no-cors" }).then(() => end("opened"), end)),
    settles("image", (end) => { const one = new Image(); one.onerror = () => end("error"); one.src = `${url}/image`; }),
    settles("socket", (end) => {
      const one = new WebSocket(`ws://${there}/socket`);
      one.onopen = () => end("opened");
      one.onerror = () => end("error");
    }),
    settles("events", (end) => { new EventSource(`${url}/events`).onerror = () => end("error"); }),
    settles("worker", (end) => {
      const one = new Worker("/worker.js");
      one.onmessage = ({ data }) => end(data);
      one.postMessage(there);
    }),
    settles("service worker", (end) =>
      navigator.serviceWorker.register(`/worker.js#${there}`).then(() => end("registered"), () => end("error"))),
    settles("window", (end) => { const one = open(`${url}/window`); if (one) one.location = `${url}/moved`; }),
    settles("transport", (end) => {
      new WebTransport(`https://${there}/`).ready.then(() => end("opened"), () => end("error"));
    }),
    settles("turn over tcp", turn(`turn:${there}?transport=tcp`)),
    settles("turn over udp", turn(`turn:${there}?transport=udp`)),
    settles("stun", turn(`stun:${there}`)),
  ]);
  found.own = (await fetch("/")).status;
  return found;
}"""


class Pages(http.server.BaseHTTPRequestHandler):
    """The page's own service."""

    def do_GET(self) -> None:
        body, kind = (WORKER.encode(), "text/javascript") if self.path.startswith("/worker") else (PAGE, "text/html")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *unused: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Elsewhere:
    """A port of this machine's loopback, TCP and UDP, and who came there."""

    def __init__(self) -> None:
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self.tcp.getsockname()[1]
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))

    def visitors(self) -> list[str]:
        """What has come, by its first bytes."""
        found = []
        for end in (self.tcp, self.udp):
            end.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _ = self.tcp.accept()
                with client:
                    client.settimeout(0.5)
                    try:
                        found.append(f"tcp {client.recv(60)!r}")
                    except OSError:
                        found.append("tcp")
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(f"udp {self.udp.recv(60)!r}")
        return found

    def close(self) -> None:
        self.tcp.close()
        self.udp.close()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    elsewhere = Elsewhere()
    yield elsewhere
    elsewhere.close()


@pytest.fixture(params=["in a network of its own", "behind a proxy"])
def browser(
    request: pytest.FixtureRequest, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Browser]:
    """A browser as the checks have it; also as they have it on a system without namespaces."""
    proxied = request.param == "behind a proxy"
    if proxied:
        text, head = Path(alone.__file__).read_text(encoding="utf-8"), "def enter_network() -> None:\n"
        assert head in text
        (tmp_path / "alone.py").write_text(text.replace(head, head + "    raise OSError\n"), encoding="utf-8")
        monkeypatch.setattr(alone, "__file__", str(tmp_path / "alone.py"))
    try:
        with Browser(url) as browser:
            if not proxied and not browser.alone:
                pytest.skip("this system gives no network namespace")
            assert browser.alone is not proxied
            yield browser
    except NoBrowser as reason:
        pytest.skip(str(reason))


def test_a_hostile_page_reaches_nobody(browser: Browser, elsewhere: Elsewhere) -> None:
    with browser.visit() as visit:
        visit.page.unroute_all()  # what is stopped by name in a check shall not be needed
        found = visit.page.evaluate(ATTACK, f"127.0.0.1:{elsewhere.port}")
        assert found.pop("own") == 200, "the page's own service answers"
        assert "opened" not in found.values() and len(found) == 11, found
        with visit.page.expect_event("requestfailed", lambda request: request.url.endswith("/location")):
            visit.page.evaluate("there => { location = there }", f"http://127.0.0.1:{elsewhere.port}/location")
    assert elsewhere.visitors() == []


def test_a_socket_to_elsewhere_is_told(browser: Browser, elsewhere: Elsewhere) -> None:
    there = f"ws://127.0.0.1:{elsewhere.port}/socket"
    with browser.visit() as visit:
        visit.page.evaluate("there => new Promise(end => { new WebSocket(there).onerror = end })", there)
        visit.settle()
        assert visit.foreign == [there]
    assert elsewhere.visitors() == []


def test_the_page_is_loaded_after_the_browser_had_to_be_ended(browser: Browser) -> None:
    with contextlib.suppress(AssertionError), browser.visit() as visit:
        browser._end_hanging(threading.Event())
        visit.page.evaluate("1")
    with browser.visit() as visit:
        assert visit.page.title() == "A page"
