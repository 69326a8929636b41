"""Judges what the page sends and how it shows an answer (2.7). What is right, the service itself says."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any

from lab2_judges import inputs
from lab2_judges.page_browser import Exchange, Visit
from lab2_judges.page_forms import State, fill, refuse, send, stays, typed, wait
from lab2_judges.page_static import FIELDS
from labkit.checking.deadlines import Deadline
from labkit.checks import expect, fail
from labkit.text import clean

HOUSE = "house-price"
PATIENCE = 5.0
"""Seconds for a whole answer of the service, however it comes."""
_LATE = f"no whole answer in {PATIENCE:.0f} seconds"
_DOLLARS = re.compile(r"(?<![\d,.])\$(\d{1,3}(?:,\d{3}){0,5}+)(?![\d,]*\d|\.\d)")
_WHOLE = frozenset(inputs.HOUSE) - {"bathrooms", "floors", "lat", "long", "waterfront"} | {"recency_days", "frequency"}
TEXT_HELP = (
    "The page has no business to read HTML in an answer: whoever can bring text into an answer would run code in the "
    "browsers of others. `element.textContent = text` shows it as it is; `innerHTML` does not."
)


def service_says(url: str, path: str, body: Any) -> tuple[int, Any]:
    """Ask the service itself; returns the status and the JSON of its answer, None where it is none."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
    deadline = Deadline(PATIENCE)
    try:
        with deadline:
            connection.connect()
            deadline.watch(connection.sock)
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            status, text = answer.status, answer.read(1_000_000)
    except (OSError, http.client.HTTPException) as error:
        found = f"{type(error).__name__}: {clean(str(error), 200)}"
        fail(expected=f"`POST {path}` is answered", found=_LATE if deadline.passed else found)
    finally:
        connection.close()
    if deadline.passed:  # what was cut off looks like an answer that ends
        fail(expected=f"`POST {path}` is answered", found=_LATE)
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None


def expected_answer(url: str, exchange: Exchange) -> dict[str, Any]:
    """What the service answers to the question of the page; anything but 200 fails the check."""
    status, content = service_says(url, exchange.path, exchange.body)
    if status != 200 or not isinstance(content, dict):
        sent = clean(json.dumps(exchange.body), 200)
        fail(
            expected=f"`POST {exchange.path}` answers with status 200",
            found=f"status {status}, {clean(json.dumps(content), 200)}; the page sent {sent}",
            help="This is not the page's fault: the endpoint is exercise 2.2."
            if status == 404
            else "Compare what is sent with the schema: numbers are numbers, and a checkbox is `true` or `false`.",
        )
    return content


def dollars_in(text: str) -> list[int]:
    """The amounts in a text that are written like $468,200."""
    return [int(amount.replace(",", "")) for amount in _DOLLARS.findall(text)]


def judge_types(model: str, exchange: Exchange) -> None:
    """Fail unless the fields of the schema were sent, each with its type."""
    body = exchange.body
    missing = [name for name in FIELDS[model] if name not in body]
    if missing:
        help_text = "A checkbox without a tick is not in `FormData`." if missing == ["waterfront"] else ""
        fail(
            expected=f"all {len(FIELDS[model])} fields are sent", found=f"missing: {', '.join(missing)}", help=help_text
        )
    for name in FIELDS[model]:
        value = body[name]
        if name == "waterfront":
            right, kind = isinstance(value, bool), "true or false"
        elif name in _WHOLE:
            right, kind = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        else:
            right, kind = isinstance(value, (int, float)) and not isinstance(value, bool), "a number"
        expect.that(
            right,
            expected=f"`{name}` is sent as {kind}",
            found=f"{clean(json.dumps(value), 60)}",
            help="What stands in a field is always text. To JSON, 3 and \"3\" are two things, and to the service as "
            "well: `readForm` turns what was typed into numbers.",
        )  # fmt: skip


def judge_defaults(visit: Visit) -> None:
    """Fail unless each form gets an answer though nobody has touched it."""
    for model in FIELDS:
        exchange = send(visit, model)
        judge_types(model, exchange)
        expected_answer(visit.url, exchange)
        stays(visit)


def draw_house(rng: Any, **fixed: Any) -> dict[str, Any]:
    """A real house whose values a form can offer."""
    for house in inputs.draw_houses(rng, 50):
        if 4 <= house["grade"] <= 12 and house["sqft_above"] + house["sqft_basement"] == house["sqft_living"]:
            return house | {"waterfront": bool(rng.integers(2))} | fixed
    raise AssertionError("no usual house among fifty")


def ask_price(visit: Visit, house: dict[str, Any]) -> tuple[dict[str, Any], State]:
    """Fill in a house and send it; returns what the service says to it and what the page shows then."""
    fill(visit, HOUSE, house)
    exchange = send(visit, HOUSE)
    judge_types(HOUSE, exchange)
    other = {name: exchange.body[name] for name, value in house.items() if exchange.body[name] != value}
    if other:
        wanted = typed({name: house[name] for name in other})
        fail(expected=f"the page sends what was typed: {wanted}", found=clean(typed(other), 200))
    answer = expected_answer(visit.url, exchange)
    price = round(answer["price"])
    return answer, wait(visit, HOUSE, lambda state: any(abs(found - price) <= 1 for found in dollars_in(state.answer)))


def judge_price(visit: Visit, rng: Any) -> None:
    """Fail unless a price and its range are shown in dollars, also in a browser that speaks German."""
    answer, state = ask_price(visit, draw_house(rng))
    _expect_dollars(answer["price"], state, "the price")
    likely = answer.get("likely_range")
    if not likely:
        fail(
            expected="the service answers with a likely range", found=f"{likely}", help="See `priced_house` in app.py."
        )
    for side in ("low", "high"):
        _expect_dollars(likely[side], state, f"the {side} end of the likely range")
    amounts = dollars_in(state.answer)
    low, high = (
        [place for place, one in enumerate(amounts) if abs(one - likely[side]) <= 1] for side in ("low", "high")
    )
    expect.that(
        min(low) < max(high),
        expected=f"the range goes from its low end to its high one: ${likely['low']:,.0f} to ${likely['high']:,.0f}",
        found=expect.shown(clean(state.answer, 160)),
        help="`likely_range.low` is the smaller one: it comes first.",
    )
    old = round(answer["price"])
    for _ in range(4):  # two houses may have one price
        answer, state = ask_price(visit, draw_house(rng))
        if round(answer["price"]) != old:
            break
    _expect_dollars(answer["price"], state, "the price of the next house")
    expect.that(
        old == round(answer["price"]) or old not in dollars_in(state.answer),
        expected="the next answer takes the place of the one before",
        found=expect.shown(clean(state.answer, 160)),
        help="`place.replaceChildren(…)` takes away what stood there; `append` adds to it.",
    )


def _expect_dollars(amount: float, state: State, what: str) -> None:
    if any(abs(found - amount) <= 1 for found in dollars_in(state.answer)):
        return
    wanted, whole = f"${amount:,.0f}", str(int(amount))
    digits = re.sub(r"[^\d]", "", state.answer)
    if not state.answer:
        help_text = "The answer belongs into the live region of the form, as text."
    elif whole in digits or str(round(amount)) in digits:
        help_text = (
            "The number is there, in another form. `new Intl.NumberFormat('en-US', {style: 'currency', currency: "
            "'USD', maximumFractionDigits: 0})` writes whole dollars in English. Without 'en-US' it takes the language "
            "of the browser. Here that is German: 468.200 is 468 thousand to one reader and 468 to another."
        )
    else:
        help_text = "`answer.price`, `answer.likely_range.low` and `answer.likely_range.high` hold the numbers."
    fail(expected=f"the page shows {what}: {wanted}", found=expect.shown(clean(state.answer, 160)), help=help_text)


def judge_other_model(visit: Visit, model: str, rng: Any) -> None:
    """Fail unless the form of the iris, or of the customer, shows what the service says."""
    draw = inputs.draw_flowers if model == "iris" else inputs.draw_customers
    fill(visit, model, draw(rng, 1)[0])
    exchange = send(visit, model)
    judge_types(model, exchange)
    answer = expected_answer(visit.url, exchange)
    wanted = str(answer["species"] if model == "iris" else answer["segment"])
    pattern = re.compile(rf"\b{re.escape(wanted)}\b", re.IGNORECASE)
    state = wait(visit, model, lambda state: bool(pattern.search(state.answer)))
    if not pattern.search(state.answer):
        what = "species" if model == "iris" else "segment"
        fail(expected=f"the page shows the {what}: {wanted}", found=expect.shown(clean(state.answer, 160)))


def judge_warning(visit: Visit, rng: Any) -> None:
    """Fail unless the warning about a zipcode that the model has never seen stands beside the price."""
    answer, state = ask_price(visit, draw_house(rng, zipcode=int(rng.integers(98_900, 99_000))))
    warnings = answer.get("warnings")
    if not warnings:
        help_text = "This is not the page's fault: the warnings are a part of exercise 2.4."
        fail(expected="the service warns of a zipcode that it has not seen", found="no warning", help=help_text)
    _expect_dollars(answer["price"], state, "the price, in spite of the warning")
    for warning in warnings:
        expect.that(
            warning in state.all,
            expected=f"the page shows the warning: {clean(warning, 100)}",
            found=expect.shown(clean(state.answer, 160)),
            help="`answer.warnings` is a list of texts, mostly empty. Who reads the price must know that the model has "
            "guessed more than usual.",
        )
    # The service has one warning so far. Its answer is a list.
    number = int(rng.integers(1_000, 10_000))
    texts = [f"there was no house with {number} rooms", f"there was no house of {number + 1} square feet"]
    content = {"price": 1.0, "likely_range": None, "warnings": texts, "model_version": "0"}
    visit.answer_with(f"/v1/{HOUSE}", 200, content)
    send(visit, HOUSE)
    state = wait(visit, HOUSE, lambda state: all(text in state.all for text in texts))
    for text in texts:
        expect.that(
            text in state.all,
            expected=f"the page shows each of two warnings, also: {text}",
            found=expect.shown(clean(state.answer, 160)),
            help="`answer.warnings` may hold several texts. Go through all of them.",
        )


def judge_no_range(visit: Visit, rng: Any) -> None:
    """Fail unless an answer without a range is shown as a price alone."""
    price = float(rng.integers(200_000, 900_000))
    visit.answer_with(f"/v1/{HOUSE}", 200, {"price": price, "likely_range": None, "warnings": [], "model_version": "0"})
    send(visit, HOUSE)
    state = wait(visit, HOUSE, lambda state: round(price) in dollars_in(state.answer))
    help_text = "`answer.likely_range` may be `null`: a model can be saved without one. Look before you take its `low`."
    if round(price) not in dollars_in(state.answer):
        said = f"; the console says: {visit.errors[-1]}" if visit.errors else ""
        found = expect.shown(clean(state.answer, 160)) + said
        fail(expected=f"the page shows the price: ${price:,.0f}", found=found, help=help_text)
    odd = re.search(r"undefined|null|NaN|\[object", state.answer)
    amounts = dollars_in(state.answer)
    if odd or len(amounts) > 1:
        fail(expected="the page shows the price alone", found=expect.shown(clean(state.answer, 160)), help=help_text)


def judge_text(visit: Visit, rng: Any) -> None:
    """Fail where text of the service becomes HTML: in a warning, in the reason of a field, in the detail."""
    number = int(rng.integers(1_000, 10_000))
    text = f"<img src=x{number} onerror=alert({number})>"
    content: dict[str, Any] = {"price": 1.0, "likely_range": None, "warnings": [text], "model_version": "0"}
    visit.answer_with(f"/v1/{HOUSE}", 200, content)
    send(visit, HOUSE)
    _expect_text(wait(visit, HOUSE, lambda state: text in state.all or state.images > 0), text, "a warning")
    for errors, what in (
        ({"bedrooms": text}, "the reason of a field"),
        ({}, "the detail of a problem"),
    ):
        visit.connect(f"/v1/{HOUSE}")
        refuse(visit, HOUSE, text, errors)
        _expect_text(wait(visit, HOUSE, lambda state: text in state.all or state.images > 0), text, what)


def _expect_text(state: State, text: str, what: str) -> None:
    if state.images:
        fail(expected=f"{what} is shown as text: {text}", found="it has become an image on the page", help=TEXT_HELP)
    expect.that(
        text in state.all,
        expected=f"the page shows {what} as it is: {text}",
        found="it is not there",
        help="The service's words are shown whole, as text"
        + (", and what belongs to no field stands in the alert of the form." if "detail" in what else "."),
    )
