"""Reads the page as text (2.7): its language, fields, labels and buttons, and what it would load. No browser needed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

from lab2_judges.inputs import CUSTOMER, FLOWER, HOUSE
from labkit.checks import fail
from labkit.text import clean

FIELDS = {"house-price": HOUSE, "iris": FLOWER, "customer-segment": CUSTOMER}
"""The names of the fields of each form, by `data-model`."""
MOST_CHARACTERS = 128 * 1024  # of index.html
MOST_LEVELS = 200  # the text of an element is asked for at each level above it, too
_VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"))
_TYPED = ("input", "select", "textarea")
_EXTERNAL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_EXTERNAL_IN_CODE = re.compile(
    r"""(?:url\(\s*+["']?+|@import\s++["']|from\s++["']|import\s*+(?:\(\s*+)?+["']|fetch\(\s*+["'`])
                                   \s*+(?P<url>(?:https?:)?//[^"'`)\s]+)""",
    re.VERBOSE,
)


@dataclass
class Node:
    """An element: its tag, its attributes, the line where it begins, and what is inside it."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    line: int = 0
    parent: Node | None = None
    children: list[Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    def walk(self) -> Iterator[Node]:
        """This element and all inside it, in the order of the file."""
        waiting = [self]  # no recursion: a page may be nested as deep as it likes
        while waiting:
            node = waiting.pop()
            yield node
            waiting += reversed(node.children)

    def find(self, *tags: str) -> list[Node]:
        """The elements inside with one of these tags."""
        return [node for node in self.walk() if node.tag in tags and node is not self]

    def above(self, tag: str) -> Node | None:
        """The nearest element around this one with that tag."""
        node = self.parent
        while node is not None and node.tag != tag:
            node = node.parent
        return node

    @cached_property
    def text(self) -> str:
        """The text inside, with single spaces. Asked for when the whole page is read."""
        return " ".join(" ".join(piece for node in self.walk() for piece in node.pieces).split())

    def shown(self) -> str:
        """The element as a message names it."""
        name = self["name"] or self["id"]
        return f"line {self.line}: `<{self.tag}{f' name={name}' if name else ''}>`"


class _Reader(HTMLParser):
    """Makes the tree. Takes a time that grows with the page as it is long, and not faster."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.open = Node("document")
        self.opened: Counter[str] = Counter()  # so that an end without a beginning is not looked for

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, self.getpos()[0], self.open)
        self.open.children.append(node)
        if tag not in _VOID:
            self.open = node
            self.opened[tag] += 1
            if self.opened.total() > MOST_LEVELS:
                fail(
                    expected=f"elements inside of each other up to {MOST_LEVELS} deep",
                    found=f"{node.shown()} lies deeper",
                    help="Is there an element before it that is not closed?",
                )

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.opened[tag]:
            return
        closed = ""
        while closed != tag and self.open.parent is not None:
            closed = self.open.tag
            self.opened[closed] -= 1
            self.open = self.open.parent

    def handle_data(self, data: str) -> None:
        self.open.pieces.append(data)

    def end(self) -> None:
        """Read what is left; fails where a tag or a comment has no end.

        The parser would take its `<` for text and try again behind it, each time up to the end of the page.
        """
        if self.rawdata.startswith("<"):
            fail(
                expected="each tag of `page/index.html` ends with `>`, and each comment with `-->`",
                found=f"line {self.getpos()[0]}: `{clean(self.rawdata, 60)}`",
            )
        self.close()


def read(submitted: Mapping[str, str]) -> Node:
    """Parse `page/index.html`."""
    text = submitted.get("page/index.html", "")
    if not text.strip():
        fail(expected="`page/index.html` is there", found="no such file, or an empty one")
    if len(text) > MOST_CHARACTERS:
        fail(
            expected=f"`page/index.html` has at most {MOST_CHARACTERS:,} characters",
            found=f"{len(text):,}",
            help="Pictures and data are files of their own.",
        )
    reader = _Reader()
    reader.feed(text)
    reader.end()
    return reader.root


def judge_head(page: Node) -> None:
    """Fail where language, title or viewport are missing."""
    html = next(iter(page.find("html")), Node("html"))
    if not html["lang"].lower().startswith("en"):
        fail(
            expected='`<html lang="en">`',
            found=f"`lang` is `{html['lang']}`" if html["lang"] else "no `lang`",
            help="A screen reader chooses its voice by the language. The page is English.",
        )
    if not any(title.text for title in page.find("title")):
        fail(expected="the page has a `<title>`", found="none", help="It is the name of the tab, and is read first.")
    views = [meta["content"].replace(" ", "").lower() for meta in page.find("meta") if meta["name"] == "viewport"]
    if not views or "width=device-width" not in views[0]:
        help_text = "Without it a phone shows a tiny picture of the wide page."
        fail(expected='`<meta name="viewport" content="width=device-width, …">`', found="none", help=help_text)
    if "user-scalable=no" in views[0] or "maximum-scale=1" in views[0]:
        fail(expected="the reader may zoom", found=f"the viewport says `{views[0]}`", help="Some readers must zoom.")


def judge_own_files(page: Node, submitted: Mapping[str, str]) -> None:
    """Fail where something comes from elsewhere, or stands inside the HTML, which the policy of the service forbids."""
    for node in page.walk():
        for name, value in node.attributes.items():
            loads = name in ("src", "srcset", "action", "formaction", "poster") or (name, node.tag) == ("href", "link")
            if loads and (_EXTERNAL.match(value) or value.lower().lstrip().startswith("data:")):
                _external(f"page/index.html, {node.shown()} with `{clean(value, 80)}`")
            if name.startswith("on") or (name == "style" and value) or value.lower().lstrip().startswith("javascript:"):
                _inline(f"{node.shown()} with `{name}`")
        if node.tag == "style" or (node.tag == "script" and "".join(node.pieces).strip()):
            _inline(node.shown())
    for file, text in submitted.items():
        if file.startswith("page/") and file.endswith((".css", ".js")) and (match := _EXTERNAL_IN_CODE.search(text)):
            _external(f"{file}, line {text[: match.start()].count(chr(10)) + 1}: `{clean(match['url'], 80)}`")


def _external(found: str) -> None:
    fail(
        expected="the page loads its own files only",
        found=found,
        help="Another site would see each visitor, and could change the page. When it is down, the page is broken. "
        "The service forbids it: `Content-Security-Policy: default-src 'self'`.",
    )


def _inline(found: str) -> None:
    fail(
        expected="script and style stand in `page/page.js` and `page/style.css`",
        found=found,
        help="The service sends `Content-Security-Policy: default-src 'self'`: the browser ignores what is inline. In "
        "page.js, `addEventListener` connects an element with a function.",
    )


def forms(page: Node) -> dict[str, Node]:
    """The forms by `data-model`; fails where one is missing."""
    found = {form["data-model"]: form for form in page.find("form") if form["data-model"]}
    for model in FIELDS:
        if model not in found:
            has = f"only {', '.join(sorted(found))}" if found else "none with `data-model`"
            fail(expected=f'`<form data-model="{model}">`', found=has)
        if "novalidate" not in found[model].attributes:
            fail(
                expected=f"the form `{model}` has `novalidate`",
                found="it has not",
                help="The service judges what was typed, and the page shows what it says. Else the browser stops some "
                "values before, with words of its own.",
            )
    return found


def judge_fields(page: Node) -> None:
    """Fail where a field is missing, has another name, or is empty at first."""
    for model, form in forms(page).items():
        if model not in FIELDS:
            continue
        inputs = [node for node in form.find(*_TYPED) if node["name"]]
        names = [node["name"] for node in inputs if node["type"] not in ("submit", "button")]
        missing = [name for name in FIELDS[model] if name not in names]
        unknown = [name for name in names if name not in FIELDS[model]]
        if missing or unknown:
            fail(
                expected=f"the form `{model}` has the {len(FIELDS[model])} fields of the schema, under their names",
                found="; ".join(
                    ([f"missing: {', '.join(missing)}"] if missing else [])
                    + ([f"not in the schema: {', '.join(map(clean, unknown))}"] if unknown else [])
                ),
                help="The attribute `name` becomes the name in the JSON. schemas.py has the names.",
            )
        counts = Counter(node["name"] for node in inputs if node["type"] != "radio")
        for name, count in counts.items():
            if count > 1:
                fail(expected=f"each field is once in the form `{model}`", found=f"`{name}` is there {count} times")
        for node in inputs:
            _judge_default(node)


def _judge_default(node: Node) -> None:
    if node.tag == "select":
        if not node.find("option"):
            fail(expected=f"`{node['name']}` offers values", found=f"{node.shown()} has no `<option>`")
    elif node["type"] not in ("checkbox", "radio") and not (node["value"].strip() or node.text):
        fail(
            expected=f"`{node['name']}` is filled in at first",
            found=f"{node.shown()} has no `value`" + (", only a placeholder" if node["placeholder"] else ""),
            help="Nobody should have to fill in 18 fields for a first answer. A placeholder is not a value: it is not "
            "sent. The examples in schemas.py are good defaults.",
        )


def judge_labels(page: Node) -> None:
    """Fail where a field has no label, or an id comes twice."""
    nodes = list(page.walk())
    for name, count in Counter(node["id"] for node in nodes if node["id"]).items():
        if count > 1:
            help_text = "A label finds its field by the id: with two of them, only the first has a label."
            fail(expected="each `id` is once on the page", found=f"`{clean(name)}` comes twice", help=help_text)
    named = {label["for"] for label in page.find("label") if label["for"] and label.text}
    with_text = {node["id"] for node in nodes if node["id"] and node.text}
    for node in page.find(*_TYPED):
        if node["type"] in ("hidden", "submit", "button"):
            continue
        around = node.above("label")
        by_id = not with_text.isdisjoint(node["aria-labelledby"].split())
        if not (node["id"] in named or (around and around.text) or node["aria-label"].strip() or by_id):
            fail(
                expected="each field has a label",
                found=f"{node.shown()} has none" + (", only a placeholder" if node["placeholder"] else ""),
                help='`<label for="bedrooms">Bedrooms</label>` belongs to the field with `id="bedrooms"`. A screen '
                "reader reads it out, and a click on it goes to the field. Text beside the field does neither.",
            )


def judge_parts(page: Node) -> None:
    """Fail where a form has no button of its own, or no place for the answer or for errors."""
    for model, form in forms(page).items():
        if model not in FIELDS:
            continue
        nodes = list(form.walk())
        buttons = [node for node in form.find("button") if node["type"].lower() in ("", "submit")]
        buttons += [node for node in form.find("input") if node["type"].lower() in ("submit", "image")]
        if not any(node.text or node["value"] or node["alt"] or node["aria-label"] for node in buttons):
            other = next((node for node in nodes if node["role"] == "button" or node["type"] == "button"), None)
            fail(
                expected=f'the form `{model}` has a `<button type="submit">` with a text',
                found=f"{other.shown()}" if other else "none",
                help="A real button takes part in Tab, Enter and Space, and screen readers name it. A `<div>` that "
                "listens to clicks does nothing of this.",
            )
        if not any(node.tag == "output" or node["role"] == "status" or node["aria-live"] == "polite" for node in nodes):
            help_text = 'Put the answer into `<div role="status">` or `<output>`: what changes there is read out.'
            fail(expected=f"the form `{model}` has a place for the answer", found="no live region", help=help_text)
        if not any(node["role"] == "alert" or node["aria-live"] == "assertive" for node in nodes):
            help_text = 'An empty `<p role="alert">` in the form is enough: page.js fills it.'
            fail(expected=f"the form `{model}` has a place for its errors", found='no `role="alert"`', help=help_text)
