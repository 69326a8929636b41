"""One headless Chromium for the checks of the page (2.7). The page is the learner's: whatever it does has a deadline.

Its service is all the network that this Chromium has. A visit loads the page anew. What goes wrong in it, a script that
loops for ever included, is a failed check.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.checking.enclosure import Enclosure
from labkit.checks import CheckFailed, fail
from labkit.text import clean
from labkit.tools import tools

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request, Route, WebSocket

NAMES = next(tool.names for tool in tools() if tool.name == "chromium")
ARGUMENTS = (
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # its name until 2023
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--proxy-bypass-list=<-loopback>",
)
PROXIED = ("--proxy-server=socks5://{proxy}",)
LOADS = 8.0
"""Seconds in which the page has to be there."""
VISIT = 16.0
"""Seconds after which a visit is ended, whatever the page does."""


class NoBrowser(Exception):
    """There is no browser on this machine, or it does not start; the message says how to get one."""


def find_browser() -> str | None:
    """The first Chromium on PATH, or Chrome in its place on macOS."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass(frozen=True)
class Exchange:
    """One question of the page to the service: the path, the JSON that it sent, the status of the answer.

    `status` is 0 where no answer came, `body` is None where it was no JSON.
    """

    path: str
    body: Any
    status: int


@dataclass
class Patience:
    """How many seconds the page has to show something, or to ask: less when that was in vain, for all later checks."""

    seconds: float = 2.0

    def was_in_vain(self) -> None:
        """Wait less from now on."""
        self.seconds = max(0.7, self.seconds / 2)


@dataclass
class Visit:
    """A visit of the page, and what was seen in it."""

    page: Page
    url: str
    patience: Patience = field(default_factory=Patience)
    exchanges: list[Exchange] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def note_request(self, request: Request, status: int) -> None:
        """Remember a question to the service, or a file that is not there."""
        path = request.url.removeprefix(self.url).partition("?")[0]
        if request.method == "POST":
            try:
                body = json.loads(request.post_data or "")
            except ValueError:
                body = None
            self.exchanges.append(Exchange(path, body, status))
        elif status >= 400 and "icon" not in path:  # a browser asks for icons when it likes, or not at all
            self.missing.append(f"`{clean(path, 80)}` has status {status}")

    def note_console(self, message: ConsoleMessage) -> None:
        """Remember an error in the console. An answer of the service that is none is the business of other checks."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(clean(message.text, 200))

    def note_channel(self, channel: WebSocket) -> None:
        """Remember a WebSocket to somebody else: nothing lets it through, and no route sees it."""
        if not channel.url.startswith(f"ws{self.url.removeprefix('http')}/"):
            self.foreign.append(clean(channel.url, 120))

    def let_through(self, route: Route) -> None:
        """Let through what goes to the service itself, and nothing else."""
        if route.request.url.startswith((self.url + "/", "blob:" + self.url)):
            route.continue_()
        else:
            self.foreign.append(clean(route.request.url, 120))
            route.abort()

    def answer_with(self, path: str, status: int, content: dict[str, Any]) -> None:
        """From now on the page gets this answer at `path` instead of the service's own."""
        kind = "application/json" if status < 400 else "application/problem+json"
        body = json.dumps(content)
        self.page.route(self.url + path, lambda route: route.fulfill(status=status, content_type=kind, body=body))

    def cut(self, path: str) -> None:
        """From now on the connection breaks at `path`."""
        self.page.route(self.url + path, lambda route: route.abort("connectionrefused"))

    def connect(self, path: str) -> None:
        """From now on the service itself answers at `path` again."""
        self.page.unroute(self.url + path)

    def settle(self) -> None:
        """Let what has happened in the browser arrive here."""
        self.page.wait_for_timeout(20)


class Browser:
    """A headless Chromium with one window, which speaks German. A context manager: leaving it ends it for good.

    It reaches the service at `url` only. `alone` says whether it has a network of its own; else a proxy leads it.

    One window for all visits saves a third of a second each; each visit loads the page anew.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.alone = False
        self._stack = contextlib.ExitStack()
        self._enclosures: list[Enclosure] = []
        self._page: Page | None = None
        self._pid = 0
        self._dead_end: CheckFailed | None = None
        self._visit: Visit | None = None
        self._patience = Patience()
        self._hangs = 0

    def __enter__(self) -> Browser:
        from playwright.sync_api import Error, sync_playwright

        if find_browser() is None:
            raise NoBrowser("no Chromium is on PATH; `lab doctor` says how to get it")
        try:
            self._home = self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix="lab-browser-", ignore_cleanup_errors=True)
            )
            with _temporary_files_in(self._home):  # the profiles too
                self._playwright = self._stack.enter_context(sync_playwright())
            self._window()
        except Error as error:
            self._stack.close()
            raise NoBrowser(f"`{find_browser()}` does not start: {clean(error.message, 300)}") from None
        return self

    def __exit__(self, *unused: object) -> None:
        from playwright.sync_api import Error

        with contextlib.suppress(Error):
            if self._page and self._page.context.browser:
                self._page.context.browser.close()
        for enclosure in self._enclosures:
            enclosure.close()
        self._stack.close()

    def _enclose(self) -> Enclosure:
        """Make the way to the service for a browser that is about to be started."""
        program = find_browser()
        assert program is not None
        folder = Path(tempfile.mkdtemp(dir=self._home))
        self._enclosures.append(Enclosure(program, int(self.url.rpartition(":")[2]), folder, PROXIED))
        return self._enclosures[-1]

    def _window(self) -> Page:
        """The window; a new one in a new browser at first, and where the last one had to be ended."""
        if self._page is not None and not self._page.is_closed():
            return self._page
        enclosure = self._enclose()
        chromium = self._playwright.chromium.launch(
            executable_path=enclosure.command,
            args=list(ARGUMENTS),
            chromium_sandbox=os.geteuid() != 0,  # root has no other choice; everybody else's browser has its sandbox
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": self._home, "TMPDIR": self._home},
            timeout=20_000,
        )
        self.alone = enclosure.open()
        information = chromium.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        self._pid = next(process["id"] for process in information["processInfo"] if process["type"] == "browser")
        page = chromium.new_context(
            locale="de-DE", reduced_motion="reduce", accept_downloads=False, service_workers="block"
        ).new_page()
        page.set_default_timeout(2_000)
        page.on("pageerror", lambda error: self._now.errors.append(clean(error.message, 200)))
        page.on("console", lambda message: self._now.note_console(message))
        page.on("response", lambda response: self._now.note_request(response.request, response.status))
        page.on("requestfailed", lambda request: self._now.note_request(request, 0))
        page.on("websocket", lambda channel: self._now.note_channel(channel))
        page.on("dialog", lambda dialog: dialog.dismiss())
        self._page = page
        return page

    @property
    def _now(self) -> Visit:
        assert self._visit is not None
        return self._visit

    def judge(self, judge: Callable[..., object], *arguments: object, width: int = 1280) -> None:
        """Load the page and judge it: `judge(visit, *arguments)`."""
        with self.visit(width=width) as visit:
            judge(visit, *arguments)

    @contextlib.contextmanager
    def visit(self, *, width: int = 1280) -> Iterator[Visit]:
        """Load the page in a window of this width, in light mode.

        Every error of the browser becomes a failed check. A page that does not load is not waited for again.
        """
        from playwright.sync_api import Error

        if self._dead_end:
            raise self._dead_end
        page = self._window()
        late = threading.Event()
        timer = threading.Timer(VISIT, self._end_hanging, [late])
        timer.daemon = True
        timer.start()
        try:
            self._visit = Visit(page, self.url, self._patience)
            page.unroute_all()
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme="light")
            page.route("**/*", self._visit.let_through)
            self._load(page)
            yield self._visit
        except Error as error:
            failure = _failure(error)
            if late.is_set() or not _answers(page):
                self._end_hanging(late)
                failure = _hangs()
                self._hangs += 1
                self._dead_end = failure if self._hangs > 1 else None  # who waits twice need not wait fifteen times
            raise failure from None
        finally:
            timer.cancel()

    def _load(self, page: Page) -> None:
        from playwright.sync_api import Error

        try:
            answer = page.goto(self.url + "/", wait_until="load", timeout=LOADS * 1_000)
        except Error as error:
            self._dead_end = _never_loaded(error)
            self._end_hanging(threading.Event())
            raise self._dead_end from None
        if answer is None or not answer.ok:
            status = "no answer" if answer is None else f"status {answer.status}"
            help_text = "`add_page` in app.py serves it: leave it there."
            fail(expected="`GET /` answers with the page", found=status, help=help_text)

    def _end_hanging(self, late: threading.Event) -> None:
        """End the browser itself: a page in an endless loop answers nobody, not even a request to close."""
        late.set()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._pid, signal.SIGKILL)


@contextlib.contextmanager
def _temporary_files_in(folder: str) -> Iterator[None]:
    """Programs that are started meanwhile put their temporary files there."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        os.environ.pop("TMPDIR")
        if before is not None:
            os.environ["TMPDIR"] = before


def _answers(page: Page) -> bool:
    """Whether the scripts of the page leave time for anything else."""
    from playwright.sync_api import Error

    try:
        page.wait_for_function("true", timeout=500)
    except Error:
        return False
    return True


def _failure(error: Exception) -> CheckFailed:
    first = clean(str(error), 300).strip().partition("\n")[0]
    return CheckFailed("the page can be used", f"the browser says: {first}", "Open the page and do the same by hand.")


def _hangs() -> CheckFailed:
    help_text = "Is there a loop in page.js that never ends?"
    return CheckFailed("the page answers what somebody does on it", "it does not answer any more", help_text)


def _never_loaded(error: Exception) -> CheckFailed:
    found = clean(str(error), 200).strip().partition("\n")[0]
    if "Timeout" in found:
        found = f"it is still loading after {LOADS:g} s"
    return CheckFailed("the page loads", found, "Is there a loop in page.js that never ends?")
