"""Judgements of 2.2 and 2.3: the answers are the model's own, from models that were loaded once."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np

from lab2_judges import inputs
from lab2_judges.answer_suspects import ORDER_HELP, why_price, why_segment, why_shares
from lab2_judges.models import NAMES, PATHS, Models, draw_models, told_models
from lab2_judges.services import FOLDER, ask, fields, start, start_ready, typical, write
from labkit.checking.service import Answer, Service
from labkit.checks import LabHandle, expect, fail
from labkit.text import clean
from mlops_probes.service import ASKED, LOADED

BATCH = "/v1/house-price/batch"
LATE = 0.3
"""Seconds in which what a service printed is seen here."""


@dataclass
class Running:
    """A service with drawn models, shared by several checks."""

    service: Service
    models: Models


def run(lab: LabHandle, rng: np.random.Generator, names: tuple[str, ...] = NAMES) -> Running:
    """Start the learner's service on models that were trained a moment ago."""
    models = draw_models(rng)
    return Running(start_ready(lab, models, names), models)


def judge_house_price(running: Running, rng: np.random.Generator) -> None:
    """The price of a house is what the model says."""
    houses = inputs.draw_houses(rng, 3)
    # The same house in another state has another price: nothing may be remembered by a few fields only.
    houses += [{**houses[0], "grade": 3}, {**houses[0], "grade": 12}]
    for house, wanted in zip(houses, running.models.prices(houses), strict=True):
        request = inputs.mixed(rng, house)
        found = expect.number(fields(ask(running.service, "house_price", request), "price")["price"], "`price`")
        judge_price(found, float(wanted), "the price of a house", running.models, request)


def judge_price(found: float, wanted: float, what: str, models: Models, house: dict[str, Any]) -> None:
    """Compare a price, which may be rounded to the dollar."""
    if np.isclose(found, np.log1p(wanted), rtol=1e-6):
        fail(
            expected=f"{what} is {wanted:,.2f} USD, as the model says",
            found=f"{found:,.4f}: the logarithm of it",
            help="The trees have learned log prices. `np.expm1` turns them back into dollars.",
        )
    if abs(found - wanted) > max(0.51, 1e-6 * abs(wanted)):
        fail(
            expected=f"{what} is {wanted:,.2f} USD, as the model says",
            found=f"{found:,.2f}",
            help=why_price(found, wanted, models, house),
        )


def judge_likely_range(running: Running, rng: np.random.Generator) -> None:
    """The likely range is the price times what the metadata say."""
    known = running.models.metadata["house_price"].extra["likely_range"]
    house = inputs.draw_houses(rng, 1)[0]
    value = fields(ask(running.service, "house_price", house), "price", "likely_range")
    price, likely = expect.number(value["price"], "`price`"), value["likely_range"]
    if not isinstance(likely, dict) or set(likely) != {"low", "high", "share"}:
        wanted = "`likely_range` has `low`, `high` and `share`"
        fail(expected=wanted, found=expect.shown(likely), help="`extra` in the metadata of the model has the factors.")
    for side in ("low", "high"):
        found = expect.number(likely[side], f"`{side}` of the likely range")
        if abs(found - price * known[side]) > 2:
            fail(
                expected=f"`{side}` is {price * known[side]:,.0f} USD: the price times {known[side]}",
                found=f"{found:,.0f}",
                help="`likely_range` in `extra` of the metadata holds factors of the price.",
            )
    expect.close(likely["share"], known["share"], "`share`")


def judge_iris(running: Running, rng: np.random.Generator) -> None:
    """Species and probabilities are those of the model."""
    model = running.models.estimators["iris"]
    flowers = inputs.draw_flowers(rng, 4)
    # Where all are of one species, an answer that is always the same would be right.
    while len(set(model.predict(running.models.frame("iris", flowers)))) < 2:
        flowers = inputs.draw_flowers(rng, 4)
    for flower in flowers:
        wanted = dict(zip(model.classes_, model.predict_proba(running.models.frame("iris", [flower]))[0], strict=True))
        request = inputs.mixed(rng, flower)
        value = fields(ask(running.service, "iris", request), "species", "probabilities")
        found = value["probabilities"]
        if not isinstance(found, dict) or set(found) != set(wanted):
            fail(
                expected=f"`probabilities` has the classes of the model: {', '.join(wanted)}",
                found=expect.shown(found),
                help="Another model may know other species: `model.classes_` names them, in the order of the answer.",
            )
        shares = {species: expect.number(found[species], f"the probability of {species}") for species in wanted}
        for species, share in wanted.items():
            if abs(shares[species] - share) > 5e-4:
                fail(
                    expected=f"the probability of {species} is {share:.4f}, as the model says",
                    found=f"{shares[species]:.4f}",
                    help=why_shares(shares, wanted, running.models, request),
                )
        best = max(wanted, key=lambda one: wanted[one])
        if value["species"] != best:
            fail(expected=f"`species` is the most probable one, {best}", found=expect.shown(value["species"]))


def judge_segment(running: Running, rng: np.random.Generator) -> None:
    """The segment is that of the model, with how many there are."""
    customers = inputs.draw_customers(rng, 6)
    # Not for every customer does it matter what stands in which column: for one of these, it does.
    while not all(differs_by_place(running.models, customers, order) for order in permutations(inputs.CUSTOMER)):
        customers = inputs.draw_customers(rng, 6)
    wanted = running.models.estimators["customer_segment"].predict(running.models.frame("customer_segment", customers))
    segments = running.models.metadata["customer_segment"].extra["segments"]
    for customer, segment in zip(customers, wanted, strict=True):
        request = inputs.mixed(rng, customer)
        value = fields(ask(running.service, "customer_segment", request), "segment", "segments")
        if value["segment"] != int(segment):
            fail(
                expected=f"the segment is {segment}, as the model says",
                found=expect.shown(value["segment"]),
                help=why_segment(value["segment"], int(segment), running.models, request),
            )
        if value["segments"] != segments:
            fail(
                expected=f"`segments` is {segments}, how many there are",
                found=expect.shown(value["segments"]),
                help="Another model may have another number: `metadata.extra` has it.",
            )


def differs_by_place(models: Models, customers: list[dict[str, Any]], order: Iterable[str]) -> bool:
    """Whether another order of the values than that of the columns puts one of these customers elsewhere."""
    frame, model = models.frame("customer_segment", customers), models.estimators["customer_segment"]
    other = frame[list(order)]
    if list(other.columns) == list(frame.columns):
        return True
    return bool((model.predict(other.set_axis(frame.columns, axis=1)) != model.predict(frame)).any())


def judge_versions(running: Running) -> None:
    """Each answer names the version of the model that gave it."""
    for name in NAMES:
        wanted = running.models.metadata[name].version
        found = fields(ask(running.service, name, typical(name)), "model_version")["model_version"]
        if found != wanted:
            fail(
                expected=f"`model_version` of {PATHS[name]} is {wanted}, from the metadata of that model",
                found=expect.shown(found),
                help="When an answer is wrong, the first question is which model gave it.",
            )


def judge_loaded_once(lab: LabHandle, rng: np.random.Generator) -> None:
    """Each model is loaded once, when the service starts, whatever comes after."""
    models = told_models(rng, **{name: {"again": True} for name in NAMES})
    with start(lab, models) as service:
        service.get("/openapi.json")  # answered once the start is over
        if not all(service.wait_for_output(f"{LOADED} {name}", 3) for name in NAMES):
            missing = [name for name in NAMES if f"{LOADED} {name}" not in service.output()]
            fail(
                expected="all models are loaded when the service starts, before the first request",
                found=f"nobody has asked yet, and `{missing[0]}` is not loaded",
                help="Load in the lifespan. A model that is loaded by the first request makes its caller wait, and "
                "a damaged one is noticed when it is too late.",
            )
        for name in NAMES:
            ask(service, name, typical(name))
        for name in NAMES:
            answer, loaded = ask(service, name, typical(name)), models.metadata[name].version
            found = fields(answer, "model_version")["model_version"]
            if found != loaded:
                fail(
                    expected=f"`model_version` of `{name}` is {loaded}: the model that was loaded gives the answer",
                    found=f"{expect.shown(found)}: that of a model that was trained meanwhile, and is not loaded",
                    help="The artifact has model and metadata, loaded together: `artifact.metadata.version`.",
                )
            times = service.output().count(f"{LOADED} {name}")
            if times != 1:
                fail(
                    expected=f"`{name}` is loaded once for the life of the service",
                    found=f"loaded {times} times after two requests to each model",
                    help="Reading a model from disk takes longer than asking it. Load in the lifespan, keep it in "
                    "`app.state`, and let the endpoints use it from there.",
                )


def judge_missing_is_trained(lab: LabHandle, rng: np.random.Generator) -> None:
    """A model without an artifact is trained first."""
    models = draw_models(rng)
    models.files = {path: data for path, data in models.files.items() if not path.startswith("iris/")}
    with start(lab, models) as service:
        answer = ask(service, "iris", typical("iris"))
        if answer.status != 200:
            fail(
                expected="a model that has no artifact is trained, and then answers",
                found=f"{answer.asked}: {answer.told()}",
                help="While it is trained, `models.get(name)` answers with 503: take the model from there."
                if answer.status == 500
                else "`ensure_artifact(folder, name)` returns the folder of an artifact and trains it where it is "
                "missing.",
            )


def judge_answers_while_loading(lab: LabHandle, rng: np.random.Generator) -> None:
    """While a model loads, the service already answers: 503 for predictions, and the rest as always."""
    models = told_models(rng, iris={"loading": 1.5})
    with start(lab, models, MODELS="house_price,iris") as service:
        service.get("/openapi.json").expect(200)
        if f"{LOADED} iris" in service.output():
            fail(
                expected="the service answers while its models are loading",
                found="a model takes 1.5 seconds to load, and the first answer came when it was there",
                help="Before `yield` in the lifespan no request is answered. Start a task that loads in a thread "
                "(`asyncio.create_task(run_in_threadpool(…))`), then `yield`.",
            )
        answer = service.post(PATHS["iris"], typical("iris"))
        if answer.status != 503 and not service.wait_for_output(f"{LOADED} iris", LATE):
            answer.expect(503, help="The model is not there yet: the caller should come again.")
        ask(service, "iris", typical("iris")).expect(200, help="The model is loaded by now.")
        service.post(PATHS["customer_segment"], typical("customer_segment")).expect(
            404, help="This model is not in `MODELS`, so it never comes: `models.get(name)` says that, too."
        )


def judge_frame(lab: LabHandle, rng: np.random.Generator) -> None:
    """The frame has the columns of the model in its order, whatever the order of the fields."""
    features = [f"{name}_{rng.integers(100)}" for name in ("cpus", "memory", "disk", "age")]
    rows = [{name: float(rng.uniform(0, 1_000)) for name in features} for _ in range(2)]
    rows.append(rows[0])  # two may ask for the same
    requests = [inputs.mixed(rng, {**row, "note": 1.0}) for row in rows]
    wanted = [features[place] for place in rng.permutation(4)]
    found = expect.frame(lab.predictor.as_frame(requests, wanted), "what `as_frame` returns", rows=3)
    if list(found.columns) != wanted:
        names = ", ".join(map(str, found.columns))
        fail(expected=f"the columns are {', '.join(wanted)}", found=names, help=ORDER_HELP)
    if not np.allclose(found.to_numpy(dtype=float), [[row[name] for name in wanted] for row in rows]):
        fail(expected="each value stands below the name of its field", found=expect.shown(found), help=ORDER_HELP)


def judge_others_load(lab: LabHandle, rng: np.random.Generator) -> None:
    """A model that cannot be loaded, for whatever reason, is a trouble of its own only."""
    models = told_models(rng)
    short, odd, well = (str(name) for name in rng.permutation(NAMES))
    path = models.path_of(short, ".joblib")
    models.files[path] = models.files[path][:-30]
    path = models.path_of(odd, ".json")
    models.files[path] = json.dumps({**json.loads(models.files[path]), "libraries": None}).encode()
    with start(lab, models, MODELS=",".join((short, odd, well))) as service:
        answer = ask(service, well, typical(well))
        if answer.status != 200:
            fail(
                expected=f"`{well}` answers where other models cannot be loaded",
                found=f"status {answer.status}",
                help=f"The file of `{short}` is damaged, and the metadata of `{odd}` break the loading in a way that "
                "nobody thought of. One `try` for each model, inside the loop, and `except Exception`.",
            )
        end = time.monotonic() + 3
        while (silent := _not_named((short, odd), service.output())) and time.monotonic() < end:
            time.sleep(0.02)
        if silent:
            fail(
                expected=f"the log says why `{silent[0]}` could not be loaded",
                found="no line that names it",
                help="The caller learns that a model has failed, and not why: that is for the log. "
                "`logger.error(…)`, with the name of the model and the error.",
            )
        # Nobody but the loading knows these words: the message, or the trace, of the error.
        if not service.wait_for_output("sha256", 3):
            fail(
                expected=f"the log says why `{short}` could not be loaded: its sha256 is another one",
                found="its name, and no reason",
                help='Hand the error to the log, too: `logger.error("… %s: %s", name, error)`.',
            )


def _not_named(names: Iterable[str], output: str) -> list[str]:
    """The models that the service does not speak of. What a model prints when it is loaded is not its word."""
    return [name for name in names if not re.search(rf"(?<!{re.escape(LOADED)} )\b{name}\b", output)]


def judge_ready_last(lab: LabHandle, rng: np.random.Generator) -> None:
    """The models of `MODELS` get ready, and the one of house prices when its pricer is there."""
    write(lab, told_models(rng))
    names = [str(name) for name in rng.permutation(["house_price", str(rng.choice(NAMES[1:]))])]
    ready, early = lab.make("mlops_probes.service:loaded", FOLDER, names, doing="`load_models(…)`")
    if list(ready) != sorted(names):
        fail(
            expected=f"with `MODELS={','.join(names)}` in the environment these models are loaded, and no other",
            found=f"`models.ready` has {', '.join(ready) or 'none'}",
            help="`MODELS` says which models a service has: go through it, and name none yourself.",
        )
    if early:
        fail(
            expected="`house_price` gets into `models.ready` when `models.pricer` is there",
            found="it is ready, and the pricer is still None: a request in between breaks",
            help="The service answers while models load. What says that a model is ready comes last.",
        )
    models = told_models(rng)
    path = models.path_of(names[0], ".joblib")
    models.files[path] = models.files[path][:-30]
    write(lab, models)
    why = lab.make("mlops_probes.service:failures", FOLDER, names, doing="`load_models(…)`")
    if list(why) != names[:1] or not why[names[0]].strip():
        fail(
            expected=f"where the file of `{names[0]}` is damaged, `models.failed` says why, for this model alone",
            found=f"`models.failed` is {expect.shown(why)}",
            help="The name of the model, and the words of the error: `str(error)`.",
        )
    judge_reasons(lab, rng, told_models(rng))
    why = lab.make("mlops_probes.service:failures", "nowhere", ["iris"], True, doing="`load_models(…)`")
    if why:
        fail(
            expected="a model that is missing is trained and loaded, also where the folder cannot be written",
            found=f"`models.failed` is {expect.shown(why)}",
            help="`ensure_artifact` returns the folder in which the artifact is. Load it from there.",
        )


def judge_reasons(lab: LabHandle, rng: np.random.Generator, models: Models) -> None:
    """Two models that fail in two ways have two reasons, and one that nobody can train stops no other."""
    kept, hurt, odd = "customer_segment", "iris", f"model_{rng.integers(100)}"
    path = models.path_of(hurt, ".json")
    models.files[path] = models.files[path][: len(models.files[path]) // 2]
    path = models.path_of("house_price", ".joblib")
    models.files[path] = models.files[path][:-30]
    write(lab, models)
    names = [odd, hurt, "house_price", kept]
    why = lab.make("mlops_probes.service:failures", FOLDER, names, doing="`load_models(…)`")
    if sorted(why) != sorted(names[:3]):
        fail(
            expected=f"with `MODELS={','.join(names)}` `models.failed` names {', '.join(names[:3])}",
            found=f"it names {', '.join(why) or 'none'}",
            help=f"Nobody can train `{odd}`, and the files of the other two are damaged.",
        )
    # Without the names: what is left is the reason.
    said = [re.sub("|".join(names), "", why[name]) for name in (hurt, "house_price")]
    if said[0] == said[1]:
        fail(
            expected="`models.failed` says why: the metadata of one model are damaged, and the model file of another",
            found=f"the same words for both: {clean(why[hurt], 200)}",
            help="That it has failed is known. The words of the error say why: `str(error)`.",
        )


def judge_together(lab: LabHandle, rng: np.random.Generator) -> None:
    """`price_houses` gives each of many houses its own price and range."""
    models = draw_models(rng)
    write(lab, models)
    houses = inputs.draw_houses(rng, 5)
    target = "mlops_probes.service:priced_together"
    priced, seen = expect.pair(lab.make(target, FOLDER, houses, doing="`price_houses(…)`"), "what the probe says")
    zipcodes, watched = seen["zipcodes"], seen["watched"]
    judge_each(predictions({"predictions": priced}, 5), houses, models)
    expect.that(
        bool(watched),
        expected="`price_houses` asks `models.pricer`, which tells its watchers of each price",
        found="the right prices, and no watcher was told",
        help="`models.pricer.predict(rows)`: the pricer is the fast way to use the model, and metrics come from it.",
    )
    wanted = [house["zipcode"] for house in houses]
    # Whoever writes the answer without `priced_house` asks for none.
    expect.that(
        not zipcodes or zipcodes == wanted,
        expected=f"`priced_house` gets the zipcode of each house: {wanted}",
        found=zipcodes,
        help="Its warnings are of this very house: go through prices and houses together, with `zip`.",
    )


def judge_each(found: list[dict[str, Any]], houses: list[dict[str, Any]], models: Models) -> None:
    """Expect each house's own price and range, in their order."""
    wanted = models.prices(houses)
    prices = [expect.number(one["price"], "`price`") for one in found]
    if np.allclose(np.sort(prices), np.sort(wanted), rtol=1e-5) and not np.allclose(prices, wanted, rtol=1e-5):
        fail(
            expected="the answers come in the order of the houses",
            found="the right prices in another order",
            help="The caller knows which price belongs to which house by its place only.",
        )
    for place, (price, right) in enumerate(zip(prices, wanted, strict=True)):
        judge_price(price, float(right), f"the price of house {place}", models, houses[place])
    known = models.metadata["house_price"].extra["likely_range"]
    # Each of them: two houses may have one price, and so one range.
    for one, price in zip(found, prices, strict=True):
        likely = one.get("likely_range")
        if not isinstance(likely, dict) or any(
            abs(expect.number(likely.get(side), f"`{side}`") - price * known[side]) > 2 for side in ("low", "high")
        ):
            fail(
                expected="each prediction has its own likely range, from "
                f"{known['low']:.4g} to {known['high']:.4g} times its price: "
                f"{price * known['low']:,.0f} to {price * known['high']:,.0f} USD",
                found=expect.shown(likely),
                help="`low` and `high` of the metadata are factors of this very price.",
            )
        expect.close(likely.get("share"), known["share"], "`share`")


# 2.3


def judge_batch(running: Running, rng: np.random.Generator) -> None:
    """A batch is priced house by house, in its order."""
    houses = inputs.draw_houses(rng, int(rng.integers(20, 60)))
    houses.insert(int(rng.integers(len(houses))), dict(houses[0]))  # the same house twice gets two answers
    value = fields(ask_batch(running.service, houses), "predictions", "model_version")
    found = predictions(value, len(houses))
    judge_each(found, houses, running.models)
    judge_warnings(running, rng, houses[:3])
    version = running.models.metadata["house_price"].version
    expect.that(
        value["model_version"] == version, expected=f"`model_version` is {version}", found=value["model_version"]
    )


def judge_warnings(running: Running, rng: np.random.Generator, houses: list[dict[str, Any]]) -> None:
    """Each house of a batch has the warnings that it has alone, and not those of another one."""
    known = running.models.metadata["house_price"].extra["zipcodes"]
    zipcodes = (rng.choice(known), rng.integers(98_900, 98_999), rng.choice(known))
    houses = [{**house, "zipcode": int(zipcode)} for house, zipcode in zip(houses, zipcodes, strict=True)]
    for first in range(3):  # each of them is the first once
        batch = houses[first:] + houses[:first]
        found = predictions(fields(ask_batch(running.service, batch), "predictions"), len(batch))
        for place, (one, house) in enumerate(zip(found, batch, strict=True)):
            alone = fields(ask(running.service, "house_price", house), "price").get("warnings")
            expect.that(
                one.get("warnings") == alone,
                expected=f"house {place} of a batch has the `warnings` that it has alone: {expect.shown(alone)}",
                found=expect.shown(one.get("warnings")),
                help="Each house has its own zipcode: look at that one.",
            )


def ask_batch(service: Service, houses: list[dict[str, Any]]) -> Answer:
    """Ask for the prices of many houses."""
    answer = service.post(BATCH, {"houses": houses})
    if answer.status in (404, 405):
        fail(expected=f"there is `POST {BATCH}`", found=f"status {answer.status}", help="Add it in `add_batch(app)`.")
    return answer


def predictions(value: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Expect one prediction for each house."""
    found = value["predictions"]
    if not isinstance(found, list) or len(found) != count or not all(isinstance(one, dict) for one in found):
        many = f"a list of {len(found)}" if isinstance(found, list) else expect.shown(found)
        fail(
            expected=f"`predictions` is a list of {count} objects",
            found=many,
            help="One answer for each house, also where two are equal.",
        )
    if not all("price" in one for one in found):
        fail(expected="each prediction has a `price`", found=expect.shown(found[0]))
    return found


def judge_one_call(lab: LabHandle, rng: np.random.Generator) -> None:
    """The model is asked once for the whole batch."""
    models = told_models(rng)
    # Each house once: who asks about equal houses only once is right, too.
    houses = list({tuple(house.values()): house for house in inputs.draw_houses(rng, 990)}.values())
    with start_ready(lab, models) as service:
        service.wait_for_output(f"{ASKED} house_price", 1)  # by the question whether it is ready
        before = len(asked(service))
        ask_batch(service, houses).expect(200)
        sizes = asked_since(service, before)
        if sizes != [len(houses)]:
            many = f"{len(sizes)} times, with {sizes[0]} each" if len(set(sizes)) == 1 else f"with {sizes[:6]} houses"
            fail(
                expected=f"the model is asked once, with all {len(houses)} houses",
                found=f"asked {many}" if sizes else "the model was not asked",
                help="A call for one row costs nearly as much as a call for a thousand: hand all rows over at once.",
            )


def asked(service: Service) -> list[int]:
    """How many rows the model was asked for, call by call."""
    lines = [line for line in service.output().splitlines() if line.startswith(f"{ASKED} house_price ")]
    return [int(line.rpartition(" ")[2]) for line in lines]


def asked_since(service: Service, before: int) -> list[int]:
    """The same for the calls after the first `before`. What a service prints arrives here a little later."""
    end = time.monotonic() + 1
    while len(asked(service)) == before and time.monotonic() < end:
        time.sleep(0.01)
    return asked(service)[before:]


def judge_batch_limits(running: Running, rng: np.random.Generator, count: int) -> None:
    """1 to 1,000 houses are a batch; none and 1,001 are refused."""
    houses = inputs.draw_houses(rng, count)
    answer = ask_batch(running.service, houses)
    if 1 <= count <= 1_000:
        predictions(fields(answer, "predictions"), count)
    elif answer.status != 422:
        fail(
            expected=f"a batch of {count:,} houses is refused with status 422",
            found=f"status {answer.status}",
            help="Without a limit, one caller can keep the service busy for all others: "
            "`Field(min_length=1, max_length=1_000)`.",
        )


def judge_bad_row(running: Running, rng: np.random.Generator) -> None:
    """One wrong row refuses the batch, and the answer names the row and the field."""
    houses = inputs.draw_houses(rng, 30)
    row, name = int(rng.integers(11, 29)), str(rng.choice(["bedrooms", "grade", "condition"]))
    houses[row][name] = "many"
    answer = ask_batch(running.service, houses).expect(422, help="A batch with a wrong row is not answered in part.")
    places = wrong_places(answer)
    if not any(str(row) in place and name in place for place in places):
        fail(
            expected=f"the answer names row {row} and `{name}`, such as `houses[{row}].{name}`",
            found=f"it names {', '.join(places[:3]) or 'no place'}",
            help="Who sends a thousand houses has to find the wrong one. Pydantic tells the place in `loc`.",
        )


def wrong_places(answer: Answer) -> list[str]:
    """The places that an error names: ours (`errors`, `field`) or FastAPI's own (`detail`, `loc`)."""
    value = answer.json()
    found = []
    if isinstance(value, dict):
        for key in ("errors", "detail"):
            told = value.get(key)
            for one in told if isinstance(told, list) else []:
                if isinstance(one, dict):
                    loc = one.get("loc")
                    found.append(".".join(map(str, loc)) if isinstance(loc, list) else str(one.get("field", "")))
    return found
