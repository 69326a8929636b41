"""Fills and sends the forms of the page (2.7), and reads what is shown, by names and roles and never by classes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lab2_judges.page_browser import Exchange, Visit
from labkit.checks import expect, fail
from labkit.text import clean

# What can be seen and heard of a form. A field's notes are the elements that `aria-describedby` and
# `aria-errormessage` name; how far away they are is in CSS pixels.
_STATE = """(model) => {
  const form = document.querySelector(`form[data-model="${model}"]`);
  if (!form) return null;
  const shown = (one) => one.checkVisibility({visibilityProperty: true, opacityProperty: true})
    && one.getClientRects().length > 0;
  const text = (one) => shown(one) ? (one.innerText ?? one.textContent).trim() : "";
  const all = (selector) => [...form.querySelectorAll(selector)]
    // What stands in another one is read with that.
    .filter((one, _, every) => !every.some((other) => other !== one && other.contains(one)))
    .map(text).filter(Boolean).join("\\n");
  const fields = {};
  for (const field of form.elements) {
    if (!field.name || field.type === "submit") continue;
    const names = ["aria-describedby", "aria-errormessage"];
    const ids = names.flatMap((name) => (field.getAttribute(name) ?? "").split(/\\s+/)).filter(Boolean);
    const notes = ids.map((id) => document.getElementById(id)).filter(Boolean);
    const box = field.getBoundingClientRect();
    const gaps = notes.filter(shown).map((note) => note.getBoundingClientRect()).map((note) => Math.max(
      note.top - box.bottom, box.top - note.bottom, note.left - box.right, box.left - note.right, 0));
    fields[field.name] = {
      value: field.type === "checkbox" ? String(field.checked) : field.value,
      is_wrong: field.getAttribute("aria-invalid") === "true",
      note: notes.map(text).filter(Boolean).join(" "),
      is_torn: ids.some((id) => !document.getElementById(id)),
      gap: gaps.length ? Math.min(...gaps) : null,
      is_shown: shown(field),
      has_focus: document.activeElement === field,
    };
  }
  return {
    fields,
    answer: all("output, [role=status], [aria-live=polite]"),
    alert: all("[role=alert], [aria-live=assertive]"),
    all: text(form),
    images: form.querySelectorAll("img[onerror], img[src^=x]").length,
  };
}"""

# Puts values into fields as typing does: with the events `input` and `change`. Answers with what is wrong, if anything.
_FILL = """([model, values]) => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  for (const [name, value] of Object.entries(values)) {
    const all = [...document.querySelectorAll(`form[data-model="${model}"] [name="${name}"]`)];
    const field = all.find((one) => one.type !== "radio" || one.value === String(value)) ?? all[0];
    if (!field) return [`the form ${model} has a field named ${name}`, "none"];
    field.focus();
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked !== (field.type === "radio" || value)) field.click();
    } else if (field.value !== value) {
      const options = field.localName === "select" && value !== "" ? [...field.options] : [];
      const same = options.find((one) => one.value !== "" && Number(one.value) === Number(value));
      field.value = same?.value ?? value;
      if (field.localName === "select" && field.value !== (same?.value ?? value))
        return [`${name} offers the value ${value}`, [...field.options].map((option) => option.value).join(", ")];
      field.dispatchEvent(new Event("input", {bubbles: true}));
      field.dispatchEvent(new Event("change", {bubbles: true}));
    }
  }
  return null;
}"""


@dataclass(frozen=True)
class Field:
    """One field: whether it is marked as wrong, the text that belongs to it, how far away that stands.

    `is_torn`: it names an element that is not there.
    """

    value: str
    is_wrong: bool
    note: str
    is_torn: bool
    gap: float | None
    is_shown: bool
    has_focus: bool


@dataclass(frozen=True)
class State:
    """What a form shows: its fields by name, the answer, the alert, all its text, and how many images a text became."""

    fields: Mapping[str, Field]
    answer: str
    alert: str
    all: str
    images: int

    @property
    def wrong(self) -> list[str]:
        """The fields that are marked as wrong."""
        return [name for name, field in self.fields.items() if field.is_wrong]

    @property
    def focused(self) -> str:
        """The field with the focus, or nothing."""
        return next((name for name, field in self.fields.items() if field.has_focus), "")


def look(visit: Visit, model: str) -> State:
    """Read a form."""
    found = visit.page.evaluate(_STATE, model)
    if found is None:
        fail(expected=f'`<form data-model="{model}">` is on the page', found="none")
    fields = {name: Field(**field) for name, field in found.pop("fields").items()}
    return State(fields=fields, **found)


def wait(visit: Visit, model: str, is_there: Callable[[State], bool]) -> State:
    """Read a form until something is there, or the patience is at its end; return what was read last."""
    end = time.monotonic() + visit.patience.seconds
    while not is_there(state := look(visit, model)):
        if time.monotonic() > end:
            visit.patience.was_in_vain()
            break
        visit.settle()
    return state


def fill(visit: Visit, model: str, values: Mapping[str, Any]) -> None:
    """Put values into the fields of a form in the order of `values`, None empties a field. All is unfolded then."""
    texts = {
        name: value if isinstance(value, bool) else "" if value is None else str(value)
        for name, value in values.items()
    }
    problem = visit.page.evaluate(_FILL, [model, texts])
    if problem:
        fail(expected=clean(problem[0], 100), found=clean(problem[1], 100))


def fold(visit: Visit) -> None:
    """Fold everything again that can be folded."""
    visit.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = false; })")


def press_button(visit: Visit, model: str) -> None:
    """Click the button that sends a form."""
    place = visit.page.locator(
        f'form[data-model="{model}"] :is(button:not([type]), button[type=submit], input[type=submit])'
    )
    if place.count() == 0:
        fail(
            expected=f"the form `{model}` has a button that sends it",
            found="none",
            help='`<button type="submit">…</button>`: the form of the iris has one.',
        )
    place.first.click()


def send(visit: Visit, model: str, by: Callable[[], None] | None = None) -> Exchange:
    """Send a form, by its button or in the way of `by`, and return what the page has asked the service."""
    count = len(visit.exchanges)
    (by or (lambda: press_button(visit, model)))()
    end = time.monotonic() + visit.patience.seconds
    while len(visit.exchanges) == count and time.monotonic() < end and _is_here(visit):
        visit.settle()
    stays(visit)
    if len(visit.exchanges) == count:
        visit.patience.was_in_vain()
        error = f", and the console says: {visit.errors[-1]}" if visit.errors else ""
        fail(
            expected=f"the form asks the service: `POST /v1/{model}`",
            found=f"nothing was sent{error}",
            help="The listener of `submit` in page.js calls `submit(form)`, which calls `ask`.",
        )
    exchange = visit.exchanges[-1]
    if exchange.path != f"/v1/{model}":
        fail(
            expected=f"the form `{model}` asks `POST /v1/{model}`",
            found=f"it asks `POST {clean(exchange.path, 80)}`",
            help="Each form has its own model: `form.dataset.model` says which.",
        )
    expect.that(
        isinstance(exchange.body, dict),
        expected="the page sends a JSON object",
        found=expect.shown(exchange.body),
        help="`body: JSON.stringify(…)`, with `Content-Type: application/json`.",
    )
    return exchange


def refuse(visit: Visit, model: str, detail: str, errors: Mapping[str, str]) -> None:
    """Send a form whose fields the service refuses, each with its reason, and again from now on."""
    listed = [{"field": name, "reason": reason} for name, reason in errors.items()]
    content = {"type": "about:blank", "title": "t", "status": 422, "detail": detail, "errors": listed}
    visit.answer_with(f"/v1/{model}", 422, content)
    send(visit, model)


def stays(visit: Visit) -> None:
    """Fail where the browser has left the page."""
    if not _is_here(visit):
        path = visit.page.url.removeprefix(visit.url)
        fail(
            expected="the browser stays on the page when a form is sent",
            found=f"it goes to `{clean(path[:40])}`",
            help="Without `event.preventDefault()` in the listener of `submit` the browser sends the form itself, and "
            "loads the page anew.",
        )


def _is_here(visit: Visit) -> bool:
    return visit.page.url.partition("#")[0] == visit.url + "/"


def typed(values: Mapping[str, Any]) -> str:
    """Values as a message shows them."""
    return ", ".join(f"`{name}`: {value!r}" for name, value in values.items())
