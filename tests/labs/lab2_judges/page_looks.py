"""Judges how the page looks (2.7): on a phone, in the dark, and whether it loads quietly."""

from __future__ import annotations

import contextlib
from typing import Any

from lab2_judges.page_answers import HOUSE
from lab2_judges.page_browser import LOADS, Visit
from lab2_judges.page_forms import fill, send, wait
from labkit.checks import fail
from labkit.text import clean

PHONE = 390
"""CSS pixels."""
DARKEST = 0.18
"""Relative luminance that the background of a dark page stays under."""

_WIDTH = """() => {
  const room = document.documentElement.clientWidth;
  const wide = [...document.body.querySelectorAll("*")].filter((one) => one.checkVisibility()
    && one.getBoundingClientRect().right > room + 1);
  const first = wide.find((one) => ![...one.children].some((child) => wide.includes(child)));
  const name = first && (first.name || first.id || first.className);
  return {room, width: document.documentElement.scrollWidth,
    first: first ? first.localName + (typeof name === "string" && name ? " " + name : "") : ""};
}"""

# Contrast as WCAG 2 has it. A canvas turns every notation of a colour into red, green, blue and alpha.
_CONTRAST = """() => {
  const brush = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d",
    {willReadFrequently: true});
  const known = new Map();
  const parse = (colour) => {
    if (!known.has(colour)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((one) => one / 255).map((one) =>
      one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches
    && getComputedStyle(document.documentElement).colorScheme.includes("dark") ? [18, 18, 18, 1] : [255, 255, 255, 1];
  const behind = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== "none") return null;
      layers.push(parse(style.backgroundColor));
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), canvas);
  };
  const owners = new Set(document.querySelectorAll("input:not([type=checkbox], [type=radio]), select, textarea"));
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const owner = texts.currentNode.parentElement;
    const is_hidden = owner.closest("select, script, style, noscript, meter, progress");
    if (texts.currentNode.data.trim() && !is_hidden) owners.add(owner);
  }
  const found = [];
  for (const one of owners) {
    const is_shown = one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length > 0;
    if (!is_shown || one.closest("[disabled]")) continue;
    const style = getComputedStyle(one), below = behind(one);
    if (!below) continue;
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && parseInt(style.fontWeight) >= 700);
    const [first, second] = [light(over(parse(style.color), below)), light(below)];
    const ratio = (Math.max(first, second) + 0.05) / (Math.min(first, second) + 0.05);
    if (ratio < (large ? 3 : 4.5)) {
      const text = (one.value ?? one.innerText).trim().slice(0, 40);
      found.push({text, ratio, color: style.color, wanted: large ? 3 : 4.5});
    }
  }
  found.sort((one, other) => one.ratio - other.ratio);
  return {found: found.slice(0, 3), background: light(behind(document.body) ?? canvas)};
}"""


def judge_quiet(visit: Visit) -> None:
    """Fail where a script throws, a file is missing, or something comes from elsewhere."""
    visit.settle()
    if visit.foreign:
        help_text = "The page loads its own files only: another site would see each visitor."
        fail(expected="the page asks its own service only", found=f"it asks {visit.foreign[0]}", help=help_text)
    if visit.missing:
        fail(expected="every file of the page is there", found=visit.missing[0])
    if visit.errors:
        fail(
            expected="the page loads without an error",
            found=f"the console of the browser says: {visit.errors[0]}",
            help="F12 opens the console, which names file and line.",
        )


def judge_documentation(visit: Visit) -> None:
    """Fail unless `/docs` shows the operations of the service, and asks nobody else for it."""
    from playwright.sync_api import TimeoutError as Late

    visit.page.goto(f"{visit.url}/docs", wait_until="load", timeout=LOADS * 1_000)
    paths = visit.page.locator(".opblock-summary-path")
    with contextlib.suppress(Late):
        paths.first.wait_for(timeout=5_000)
    judge_quiet(visit)
    shown = {"".join(text.split()).replace("\u200b", "") for text in paths.all_inner_texts()}
    for path in ("/v1/house-price", "/v1/iris"):
        if path not in shown:
            fail(
                expected=f"`/docs` shows `POST {path}`",
                found=f"it shows {', '.join(sorted(clean(one, 40) for one in shown)[:3]) or 'no operation'}",
                help="`add_page` in app.py serves `/docs`, and page/docs.js draws it from `/openapi.json`.",
            )


def judge_phone(visit: Visit, rng: Any) -> None:
    """Fail where the page is wider than a phone: at first, with an answer, with all unfolded and with errors."""
    _expect_narrow(visit, "at first")
    fill(visit, HOUSE, {"zipcode": int(rng.integers(98_900, 99_000))})
    send(visit, HOUSE)
    wait(visit, HOUSE, lambda state: "$" in state.answer)
    _expect_narrow(visit, "with an answer and all fields unfolded")
    fill(visit, HOUSE, {"bedrooms": None, "sqft_lot15": None})
    send(visit, HOUSE)
    wait(visit, HOUSE, lambda state: bool(state.wrong))
    _expect_narrow(visit, "with errors")


def _expect_narrow(visit: Visit, when: str) -> None:
    seen = visit.page.evaluate(_WIDTH)
    if seen["width"] > seen["room"]:
        widest = f"; `{clean(seen['first'], 60)}` sticks out" if seen["first"] else ""
        fail(
            expected=f"the page fits a phone, {seen['room']:g} CSS pixels wide, {when}",
            found=f"it is {seen['width']:g} pixels wide{widest}",
            help="A width in pixels fits one screen only: use `max-width`, `%`, or a grid with `minmax(0, 1fr)`.",
        )


def judge_colours(visit: Visit, rng: Any) -> None:
    """Fail where dark mode changes nothing, or a text cannot be told from its background in light or dark."""
    fill(visit, HOUSE, {"zipcode": int(rng.integers(98_900, 99_000))})
    send(visit, HOUSE)
    wait(visit, HOUSE, lambda state: "$" in state.answer)
    fill(visit, "iris", {"petal_width": None})
    send(visit, "iris")
    wait(visit, "iris", lambda state: bool(state.wrong))
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        visit.settle()
        seen = visit.page.evaluate(_CONTRAST)
        if scheme == "dark" and seen["background"] > DARKEST:
            help_text = "`:root { color-scheme: light dark; }`, and colours by `light-dark(…, …)`: see style.css."
            fail(expected="the page is dark for who has set dark", found="its background is light", help=help_text)
        for text in seen["found"]:
            fail(
                expected=f"every text has a contrast of {text['wanted']:g} or more to its background in {scheme} mode",
                found=f"{clean(text['text'], 40)!r} has {text['ratio']:.1f}: its colour is {clean(text['color'], 40)}",
                help="A colour that is typed in is right in one mode only: use the variables at the top of style.css.",
            )
