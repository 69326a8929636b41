"""Judgements of 2.1: what the schemas accept, what they refuse, and what they document."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from lab2_judges import inputs
from labkit.checks import LabHandle, expect, fail

FIELDS = {"House": inputs.HOUSE, "Flower": inputs.FLOWER, "Customer": inputs.CUSTOMER}
OF_JSON_SCHEMA = {"type", "format", "pattern", "title", "$ref"}
FLOATS = {
    "House": ("bathrooms", "floors", "lat", "long"),
    "Flower": inputs.FLOWER,
    "Customer": ("monetary",),
}
WHOLE = {
    "House": ("bedrooms", "view", "condition", "grade", "zipcode", "yr_built", "yr_renovated"),
    "Customer": ("recency_days", "frequency"),
}

# What no house, flower or customer has; beyond any sensible limit, so that a learner may choose the limit.
IMPOSSIBLE: dict[str, dict[str, tuple[float, ...]]] = {
    "House": {
        "bedrooms": (-1, 40, 400),
        "bathrooms": (-1, 200),
        "sqft_living": (-100, 0, 10**9),
        "sqft_lot": (-100, 0, 10**12),
        "floors": (-1, 0, 200),
        "view": (-1, 5, 40),
        "condition": (0, 6, 50),
        "grade": (0, 14, 130),
        "sqft_above": (-100, 10**9),
        "sqft_basement": (-1, 10**9),
        "yr_built": (-5, 1066, 1600, 2200, 3000),
        "yr_renovated": (-1, 2200, 9999),
        "zipcode": (-98103, 981, 9_999, 100_000),
        "lat": (-47.5, 0, 46.9, 48.1),
        "long": (122.3, 0, -123.1, -120.4),
        "sqft_living15": (-100, 0, 10**9),
        "sqft_lot15": (-100, 0, 10**12),
    },
    "Flower": dict.fromkeys(inputs.FLOWER, (-1.0, 0.0, 300.0)),
    "Customer": {"recency_days": (-1, 10**9), "frequency": (-3, 0), "monetary": (-0.5,)},
}

UNITS: dict[str, dict[str, tuple[str, ...]]] = {
    "House": {
        **dict.fromkeys(
            ("sqft_living", "sqft_lot", "sqft_above", "sqft_basement", "sqft_living15", "sqft_lot15"),
            ("square feet", "square foot", "sq ft", "sqft", "sq. f", "sq f", "sq.f", "ft²", "feet²", "ft2", "ft^2"),
        ),
        **dict.fromkeys(("lat", "long"), ("degree", "°", "deg")),
    },
    "Flower": dict.fromkeys(inputs.FLOWER, ("cm", "centimet")),
    "Customer": {"recency_days": ("day",), "monetary": ("usd", "dollar", "$")},
}

OWN_WORDS = (
    (("lat",), "latitude", "longitude"),
    (("long",), "longitude", "latitude"),
    (("sepal_length", "petal_length"), "length", "width"),
    (("sepal_width", "petal_width"), "width", "length"),
    (("sepal_length", "sepal_width"), "sepal", "petal"),
    (("petal_length", "petal_width"), "petal", "sepal"),
)
"""Fields, a word of theirs, and the word of another field: whoever has only the other one describes that field."""

HELP = {
    "zipcode": "A zipcode has five digits. The service prices a house in any of them, with a warning (2.4).",
    "waterfront": "`waterfront` is `true` or `false`.",
    "bedrooms": "One house of the data has 33 bedrooms. Strange is not impossible: refuse 40 and more.",
    "yr_renovated": "0 means that the house was never renovated.",
    "sqft_basement": "0 means that there is no basement.",
    "bathrooms": "Ten houses of the data have no bathroom.",
}


def samples(schema: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Requests of the data: a draw, and the rows with the smallest and the largest values."""
    if schema == "House":
        # Not in the data, and answered all the same: a zipcode that nobody has sold a house in. Five digits are enough.
        elsewhere = [10_000, 99_999, int(rng.choice([98999, 98620, 99301]))]
        strange = [{**inputs.draw_houses(rng, 1)[0], "zipcode": zipcode} for zipcode in elsewhere]
        return [*strange, *inputs.draw_houses(rng, 150), *inputs.extreme(inputs.sales(), inputs.HOUSE)]
    if schema == "Flower":
        return inputs.draw_flowers(rng, 150)
    return [*inputs.draw_customers(rng, 100), *inputs.extreme(inputs.customers(), inputs.CUSTOMER)]


def refusals(lab: LabHandle, schema: str, requests: list[dict[str, Any]]) -> list[list[str] | None]:
    """Validate requests; for each one the places that are wrong, or None where it is accepted."""
    lab._called("schemas", schema)
    doing = f"`{schema}(…)`"
    found: list[list[str] | None] = lab.make(
        "mlops_probes.service:refusals", f"lab2_service.schemas:{schema}", requests, doing=doing
    )
    return found


def judge_accepts(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """Every row of the data is a valid request."""
    requests = samples(schema, rng)
    for request, wrong in zip(requests, refusals(lab, schema, requests), strict=True):
        if wrong is not None:
            name = wrong[0] if wrong else "?"
            fail(
                expected=f"`{schema}` accepts a row of the data of the course",
                found=f"refused because of `{name}`: {request.get(name, 'no such field')!r}",
                help=HELP.get(name, "Choose limits that hold the data, and somewhat more."),
            )


def judge_limits(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """Values that cannot be are refused, each by its own field."""
    cases = [(name, value) for name, values in IMPOSSIBLE[schema].items() for value in values]
    found = refused(lab, schema, rng, cases)
    for (name, value), wrong in zip(cases, found, strict=True):
        if wrong is None:
            fail(
                expected=f"`{schema}` refuses {name} = {value}",
                found="accepted",
                help=f"Give `{name}` limits that no {schema.lower()} passes: `Field(ge=…, le=…)`.",
            )
        if name not in " ".join(wrong):
            fail(
                expected=f"{name} = {value} is refused because of `{name}`",
                found=f"refused because of {', '.join(f'`{one}`' for one in wrong)}",
            )


def refused(
    lab: LabHandle, schema: str, rng: np.random.Generator, cases: Iterable[tuple[str, object]]
) -> list[list[str] | None]:
    """Validate right requests in which one value is another one."""
    cases = list(cases)
    requests = samples(schema, rng)
    chosen = [requests[int(rng.integers(len(requests)))] for _ in cases]
    changed = [{**request, name: value} for request, (name, value) in zip(chosen, cases, strict=True)]
    return refusals(lab, schema, changed)


def judge_not_finite(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """NaN and infinity are no numbers of a request."""
    values = (float("nan"), float("inf"), float("-inf"))
    cases = [(name, value) for name in FLOATS[schema] for value in values]
    for (name, value), wrong in zip(cases, refused(lab, schema, rng, cases), strict=True):
        if wrong is None:
            fail(
                expected=f"`{schema}` refuses {name} = {value}",
                found="accepted: a model would answer with some number, and nobody would notice",
                help="Python's JSON parser takes `NaN` and `Infinity`. `ConfigDict(allow_inf_nan=False)` refuses them.",
            )


def judge_unknown_fields(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """A field that the schema does not have is an error, so that a misspelt name is noticed."""
    extra = str(rng.choice(["bedroms", "colour", "price", "species", "note"])) + str(rng.integers(10, 99))
    request = samples(schema, rng)[0] | {extra: 1}
    if refusals(lab, schema, [request])[0] is None:
        fail(
            expected=f"`{schema}` refuses a field that it does not have, such as `{extra}`",
            found="accepted, and silently ignored",
            help='A misspelt field would be lost without a word: `ConfigDict(extra="forbid")`.',
        )


def judge_required(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """No field may be left out."""
    request = samples(schema, rng)[0]
    cut = [{key: value for key, value in request.items() if key != name} for name in FIELDS[schema]]
    for name, wrong in zip(FIELDS[schema], refusals(lab, schema, cut), strict=True):
        if wrong is None:
            fail(
                expected=f"`{schema}` refuses a request without `{name}`",
                found="accepted",
                help="With a default in its place the model would price a house that nobody described.",
            )
    document = schema_of(lab, schema)
    properties, required = document.get("properties"), document.get("required")
    needed = required if isinstance(required, list) else []
    optional = [name for name in properties if name not in needed] if isinstance(properties, dict) else []
    if optional:
        fail(
            expected=f"`{schema}` asks for every field that it has",
            found=f"a request may leave out `{optional[0]}`",
            help="No field has a default, also none that you added.",
        )


def judge_types(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """Text, null and a fraction are no whole numbers; truth values are truth values."""
    cases: list[tuple[str, object]] = [(name, "a few") for name in FIELDS[schema]]
    cases += [(name, None) for name in FIELDS[schema]]
    request = samples(schema, rng)[0]
    # A little more than a right value: what is refused is the fraction, and not the size.
    cases += [(name, request[name] + 0.5) for name in WHOLE.get(schema, ())]
    cases += [("waterfront", 7)] if schema == "House" else []
    for (name, value), wrong in zip(cases, refused(lab, schema, rng, cases), strict=True):
        if wrong is None:
            fail(expected=f"`{schema}` refuses {name} = {value!r}", found="accepted")


def schema_of(lab: LabHandle, schema: str) -> dict[str, Any]:
    """The JSON schema of a class."""
    lab._called("schemas", schema)
    document = lab.make(
        "mlops_probes.service:json_schema",
        f"lab2_service.schemas:{schema}",
        doing=f"`{schema}.model_json_schema()`",
    )
    return document if isinstance(document, dict) else {}


def documented(lab: LabHandle, schema: str) -> dict[str, dict[str, Any]]:
    """What the JSON schema says about each field, with the examples that it gives for the whole where there are any."""
    document = schema_of(lab, schema)
    properties = document.get("properties")
    if not isinstance(properties, dict):
        fail(expected=f"`{schema}` has fields", found=expect.shown(document))
    named = document.get("$defs") if isinstance(document.get("$defs"), dict) else {}
    for name, field in properties.items():  # a named alias stands elsewhere
        behind = named.get(str(field.get("$ref")).rpartition("/")[2]) if isinstance(field, dict) else None
        if isinstance(behind, dict):
            properties[name] = {**behind, **field}
    missing = [name for name in FIELDS[schema] if not isinstance(properties.get(name), dict)]
    if missing:
        fail(
            expected=f"`{schema}` has the fields {', '.join(FIELDS[schema])}",
            found=f"no {', '.join(f'`{name}`' for name in missing)}",
            help="The fields have the names of the columns that the models take.",
        )
    whole = document.get("examples") or ([document["example"]] if "example" in document else [])
    examples = [one for one in whole if isinstance(one, dict)] if isinstance(whole, list) else []
    return {
        name: {
            **properties[name],
            "all examples": _examples(properties[name]) + [one[name] for one in examples if name in one],
        }
        for name in FIELDS[schema]
    }


def _examples(properties: dict[str, Any]) -> list[Any]:
    found = properties.get("examples", [])
    one = [properties["example"]] if "example" in properties else []
    return [*(found if isinstance(found, list) else []), *one]


def judge_documentation(lab: LabHandle, rng: np.random.Generator, schema: str) -> None:
    """Each field says what it is, in which unit, and gives an example that is right."""
    fields = documented(lab, schema)
    for name, properties in fields.items():
        text = str(properties.get("description") or "").strip().lower()
        if not text:
            fail(
                expected=f"`{schema}.{name}` has a description",
                found="none",
                help='`Field(description="…")`: the service\'s own documentation shows it to who has to call it.',
            )
        for names, own, other in OWN_WORDS:
            if name in names and other in text and own not in text:
                fail(
                    expected=f"the description of `{schema}.{name}` says what this field is, its {own}",
                    found=f"`{text[:100]}`",
                    help="Two descriptions have changed places: whoever believes them sends another request.",
                )
        units = UNITS[schema].get(name, ())
        # The name of the field is no unit (`sqft_lot`), and `today` is none either. A unit may have a key of its own.
        others = [one for key, one in properties.items() if isinstance(one, str) and key not in OF_JSON_SCHEMA]
        words = " ".join([text, *(one.lower() for one in others)]).replace(name, "")
        if units and not any(
            re.search(rf"{'(?<![a-z])' if unit[0].isalpha() else ''}{re.escape(unit)}", words) for unit in units
        ):
            fail(
                expected=f"the description of `{schema}.{name}` says its unit ({units[0]})",
                found=f"`{text[:100]}`",
                help="A number without its unit is the classic mistake between two teams.",
            )
        if not properties["all examples"]:
            fail(
                expected=f"`{schema}.{name}` has an example",
                found="none",
                help="`Field(examples=[3])`: it stands in the form of the documentation, ready to be sent.",
            )
    # Each example once, the last one of a field again where another field has more.
    most = max(len(properties["all examples"]) for properties in fields.values())
    requests = [
        {name: properties["all examples"][: place + 1][-1] for name, properties in fields.items()}
        for place in range(most)
    ]
    for wrong in refusals(lab, schema, requests):
        if wrong is not None:
            fail(
                expected=f"the examples of `{schema}` are a valid request",
                found=f"refused because of {', '.join(wrong)}",
                help="Whoever reads the documentation sends what stands there: each example has to be valid itself.",
            )
