"""Judges how the page shows what went wrong (2.7): wrong fields, a service that is down, and the keyboard."""

from __future__ import annotations

from typing import Any

from lab2_judges.page_answers import HOUSE, dollars_in, expected_answer, service_says
from lab2_judges.page_browser import Visit
from lab2_judges.page_forms import Field, State, fill, fold, look, refuse, send, wait
from labkit.checks import expect, fail
from labkit.text import clean

FARTHEST = 160
"""CSS pixels between a field and the reason why it is wrong."""
# A field that is always there, and one of those that may be folded away.
WRONG = ("bedrooms", "sqft_lot15")


def provoke(visit: Visit, names: tuple[str, ...]) -> dict[str, str]:
    """Empty these fields and send; returns the reason of the service for each of them."""
    fill(visit, HOUSE, dict.fromkeys(names))
    fold(visit)
    exchange = send(visit, HOUSE)
    for name in names:
        if exchange.body.get(name) == 0:
            fail(
                expected=f"an empty `{name}` is not sent as a number",
                found=f"`{name}`: 0",
                help="In JavaScript, `Number('')` is 0. Leave an empty field out: the service says that it is missing.",
            )
    status, content = service_says(visit.url, exchange.path, exchange.body)
    errors = content.get("errors") if status == 422 and isinstance(content, dict) else None
    reasons: dict[str, str] = {}
    for error in errors if isinstance(errors, list) else []:
        if isinstance(error, dict) and isinstance(error.get("field"), str) and error.get("reason"):
            reasons.setdefault(error["field"], str(error["reason"]))
    if missing := [name for name in names if name not in reasons]:
        fail(
            expected=f"the service says what is wrong with `{missing[0]}`, which is empty",
            found=f"status {status}, {clean(str(content), 200)}",
            help="This is not the page's fault: problem documents are exercise 2.4.",
        )
    return {name: reasons[name] for name in names}


def judge_reasons(visit: Visit, rng: Any) -> None:
    """Fail unless each reason stands beside its field, and is gone when the field is right again."""
    reasons = provoke(visit, WRONG)
    state = wait(visit, HOUSE, lambda state: all(reasons[name] in state.fields[name].note for name in WRONG))
    for name, reason in reasons.items():
        _expect_reason(state, name, reason)
    if extra := [name for name in state.wrong if name not in reasons]:
        help_text = "Only the fields in `errors` are wrong."
        fail(expected=f"{' and '.join(WRONG)} are marked", found=f"{extra[0]} as well", help=help_text)
    send(visit, "iris")
    state = look(visit, HOUSE)
    if lost := [name for name in WRONG if not _has(state, name, reasons)]:
        fail(
            expected=f"`{lost[0]}` in the form of the house stays marked when another form is sent",
            found="its mark is gone",
            help="`clearProblem(form)` looks into this form alone: `form.querySelectorAll(…)`.",
        )
    # One is right again, the other still wrong; then both are right.
    fill(visit, HOUSE, {WRONG[0]: 3})
    send(visit, HOUSE)
    _expect_gone(wait(visit, HOUSE, lambda state: not _has(state, WRONG[0], reasons)), WRONG[0], reasons)
    _expect_reason(wait(visit, HOUSE, lambda state: _has(state, WRONG[1], reasons)), WRONG[1], reasons[WRONG[1]])
    fill(visit, HOUSE, {WRONG[1]: 5_000})
    answer = expected_answer(visit.url, send(visit, HOUSE))
    state = wait(visit, HOUSE, lambda state: not state.wrong and round(answer["price"]) in dollars_in(state.answer))
    for name in WRONG:
        _expect_gone(state, name, reasons)
    if left := [reason for reason in reasons.values() if reason in state.all]:
        fail(
            expected="no reason is left where nothing is wrong any more",
            found=f"somewhere in the form it says: {left[0]}",
            help="`clearProblem` takes away all of them: a loop over `querySelectorAll`. Two elements with one id are "
            "hard to find again.",
        )


def judge_every_field(visit: Visit, rng: Any) -> None:
    """Fail unless each field of the form can be marked, lists and boxes too, with a reason of its own."""
    names = list(look(visit, HOUSE).fields)
    reasons = {
        name: f"nothing costs {place} (no. {int(rng.integers(1_000, 10_000))})" for place, name in enumerate(names)
    }
    refuse(visit, HOUSE, "all is wrong", reasons)
    state = wait(visit, HOUSE, lambda state: all(reasons[name] in state.fields[name].note for name in names))
    for name, reason in reasons.items():
        _expect_reason(state, name, reason, farthest=2 * FARTHEST)  # rows are high where all of them have a reason
    visit.connect(f"/v1/{HOUSE}")
    send(visit, HOUSE)
    state = wait(visit, HOUSE, lambda state: not state.wrong)
    for name in names:
        _expect_gone(state, name, reasons)


def _has(state: State, name: str, reasons: dict[str, str]) -> bool:
    field = state.fields[name]
    return field.is_wrong or reasons[name] in field.note


def _expect_reason(state: State, name: str, reason: str, farthest: int = FARTHEST) -> None:
    field: Field = state.fields[name]
    if not field.is_wrong:
        where = "; the alert says it, far from the field" if reason in state.alert or name in state.alert else ""
        fail(
            expected=f'`{name}` has `aria-invalid="true"`, because the service says: {reason}',
            found="it has not" + where,
            help="`form.elements.namedItem(error.field)` finds the field of an error.",
        )
    if reason not in field.note:
        beside = "; it is somewhere in the form" if reason in state.all else ""
        fail(
            expected=f"the text that belongs to `{name}` says: {reason}",
            found=(expect.shown(clean(field.note, 120)) if field.note else "there is no such text that can be seen")
            + beside,
            help="It is folded away, with its field: `field.closest('details')?.setAttribute('open', '')` unfolds it."
            if not field.is_shown
            else "Give the element with the reason an `id`, and the field an `aria-describedby` with this id: then a "
            "screen reader reads both together.",
        )
    if field.gap is not None and field.gap > farthest:
        fail(
            expected=f"the reason stands beside `{name}`",
            found=f"it is {field.gap:.0f} pixels away",
            help="Append it to `field.closest('.field')`, under an id of its own: of two elements with one id, a field "
            "gets the first.",
        )


def _expect_gone(state: State, name: str, reasons: dict[str, str]) -> None:
    if _has(state, name, reasons):
        what = "`aria-invalid`" if state.fields[name].is_wrong else f"the reason ({reasons[name]})"
        fail(
            expected=f"nothing is wrong with `{name}` any more once it was corrected and sent",
            found=f"{what} is still there",
            help="`submit` calls `clearProblem` before each question: it takes away what `markField` has put there.",
        )
    if state.fields[name].is_torn:
        fail(
            expected=f"`{name}` names no reason any more",
            found="its `aria-describedby` or `aria-errormessage` names an element that is gone",
            help="`field.removeAttribute(…)` takes away what `markField` has set.",
        )


def judge_focus(visit: Visit, rng: Any) -> None:
    """Fail unless the first wrong field of the form has the focus, also one that was folded away."""
    for names in (WRONG[1:], WRONG):
        provoke(visit, names)
        state = wait(visit, HOUSE, lambda state, first=names[0]: state.focused == first)  # type: ignore[misc]
        if not state.fields[names[0]].is_shown:
            fail(
                expected=f"`{names[0]}` can be seen, because it is wrong",
                found="it is folded away",
                help="`field.closest('details')?.setAttribute('open', '')` unfolds it. What is folded away cannot get "
                "the focus either.",
            )
        if state.focused != names[0]:
            fail(
                expected=f"the first wrong field has the focus: `{names[0]}`",
                found=f"`{state.focused}` has it" if state.focused else "the focus is somewhere else",
                help="`field.focus()`: a screen reader then reads field and reason, and the page scrolls there.",
            )

    # The form of the house stays marked, and another one is sent.
    refuse(visit, "iris", "no such flower", dict.fromkeys(("petal_length", "petal_width"), "no such flower"))
    state = wait(visit, "iris", lambda state: state.focused == "petal_length")
    if state.focused != "petal_length":
        elsewhere = look(visit, HOUSE).focused
        fail(
            expected="the first wrong field of the form that was sent has the focus: `petal_length`",
            found=f"`{elsewhere}` of another form has it" if elsewhere else f"`{state.focused or 'another element'}`",
            help="`form.querySelector(…)` looks into this form, `document.querySelector(…)` into the whole page.",
        )


def judge_service_down(visit: Visit, rng: Any) -> None:
    """Fail unless the form says that the service is not ready, or gone, and takes the old answer away."""
    path, detail = f"/v1/{HOUSE}", f"the model is not loaded yet ({int(rng.integers(1_000, 10_000))})"
    price = round(expected_answer(visit.url, send(visit, HOUSE))["price"])
    wait(visit, HOUSE, lambda state: price in dollars_in(state.answer))
    content = {"type": "about:blank", "title": "Service Unavailable", "status": 503, "detail": detail, "instance": path}
    visit.answer_with(path, 503, content)
    send(visit, HOUSE)
    state = wait(visit, HOUSE, lambda state: detail in state.alert)
    _expect_alert(state, detail in state.alert, f"what the service says: {detail}", "the service answers 503")
    if price in dollars_in(state.answer):
        help_text = "Somebody would take it for the answer to the new question: empty the place of the answer."
        fail(
            expected="no price is shown, because there is none", found="the old one still stands there", help=help_text
        )
    visit.connect(path)
    send(visit, HOUSE)
    state = wait(visit, HOUSE, lambda state: not state.alert)
    if state.alert:
        help_text = "`clearProblem` empties the alert too."
        fail(expected="the alert is empty when the service answers again", found=state.alert[:120], help=help_text)
    visit.cut(path)
    send(visit, HOUSE)
    state = wait(visit, HOUSE, lambda state: bool(state.alert))
    _expect_alert(state, bool(state.alert), "that there was no answer", "the connection breaks")


def judge_other_errors(visit: Visit, rng: Any) -> None:
    """Fail unless an error that belongs to no field of the form is said in its alert, of whichever form."""
    # Alone, beside an error that has a field, beside another one without, and in a form that is not the first one.
    for model, others in ((HOUSE, ()), (HOUSE, ("bedrooms",)), (HOUSE, ("star",)), ("iris", ())):
        reason = f"nothing of planet {int(rng.integers(1_000, 10_000))} has an answer"
        refuse(visit, model, f"planet: {reason}", {**dict.fromkeys(others, "no"), "planet": reason})
        state = wait(visit, model, lambda state, reason=reason: reason in state.alert)  # type: ignore[misc]
        said = f"; the console says: {visit.errors[-1]}" if visit.errors else ""
        found = " and ".join(f"`{name}`" for name in (*others, "planet"))
        _expect_alert(
            state, reason in state.alert, reason, f"in the form `{model}` the service finds errors in {found}{said}"
        )
        visit.connect(f"/v1/{model}")


def _expect_alert(state: State, is_said: bool, what: str, when: str) -> None:
    if not is_said:
        fail(
            expected=f"the alert of the form says {what}",
            found=f"{when}, and the alert " + (f"says: {clean(state.alert, 120)}" if state.alert else "is empty"),
            help="What belongs to no field is said in the element with `role=\"alert\"` in the form. Without a word, "
            "somebody waits for an answer that never comes. `problem.message` holds the sentence.",
        )  # fmt: skip


def judge_keyboard(visit: Visit, rng: Any) -> None:
    """Fail unless everything works with Tab, Enter and Space, and one sees where one is."""
    page, state = visit.page, look(visit, HOUSE)
    page.evaluate(_REMEMBER)
    wanted = {name for name, field in state.fields.items() if field.is_shown} | {"(button)"}
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP, HOUSE)
        if stop["form"]:
            reached.add(stop["name"])
            if not stop["is_seen"]:
                help_text = "`outline: none` takes away what shows the way. `:focus-visible` in style.css draws a ring."
                fail(
                    expected="one sees which field has the focus",
                    found=f"`{stop['name']}` looks as before",
                    help=help_text,
                )
        if wanted <= reached:
            break
    if missing := sorted(wanted - reached):
        fail(
            expected="Tab reaches every field of the form, and its button",
            found=f"not reached: {', '.join(missing)}",
            help="Fields and a real `<button>` are reached by themselves; `tabindex` is not needed.",
        )
    page.locator(f'form[data-model="{HOUSE}"] [name="bedrooms"]').focus()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Delete")
    send(visit, HOUSE, lambda: page.keyboard.press("Enter"))
    state = wait(visit, HOUSE, lambda state: state.focused == "bedrooms" and state.fields["bedrooms"].is_wrong)
    if state.focused != "bedrooms":
        fail(expected="the wrong field has the focus", found=f"`{state.focused or 'something else'}` has it")
    page.keyboard.type(str(int(rng.integers(2, 6))))
    page.locator(f'form[data-model="{HOUSE}"] :is(button:not([type]), [type=submit])').first.focus()
    price = round(expected_answer(visit.url, send(visit, HOUSE, lambda: page.keyboard.press("Space")))["price"])
    state = wait(visit, HOUSE, lambda state: price in dollars_in(state.answer))
    if price not in dollars_in(state.answer):
        fail(expected=f"Space on the button brings the price: ${price:,}", found=expect.shown(clean(state.answer, 120)))


# How each field and button looks without the focus, to be compared with how it looks with it.
_LOOKS = """const looks = (one) => { const style = getComputedStyle(one); return [style.outlineStyle === "none" ? "" :
  style.outlineWidth + style.outlineColor, style.boxShadow, style.borderColor, style.borderWidth, style.backgroundColor,
  style.textDecoration].join(";"); };"""
_REMEMBER = f"""() => {{ {_LOOKS} window.labLooks = new Map();
  for (const one of document.querySelectorAll("input, select, textarea, button"))
    window.labLooks.set(one, looks(one)); }}"""
_STOP = f"""(model) => {{ {_LOOKS} const one = document.activeElement;
  const form = one?.closest(`form[data-model="${{model}}"]`);
  const is_button = one?.matches("button, [type=submit]");
  return {{form: Boolean(form) && (Boolean(one.name) || is_button), name: is_button ? "(button)" : (one?.name ?? ""),
    is_seen: window.labLooks?.get(one) !== looks(one)}}; }}"""
