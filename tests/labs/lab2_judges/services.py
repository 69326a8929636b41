"""The learner's service as a running process, with models of the check's own."""

from __future__ import annotations

from typing import Any

from lab2_judges import inputs
from lab2_judges.models import PATHS, SHOWN, Models
from labkit.checking.service import Answer, Service
from labkit.checks import LabHandle, expect, fail

FOLDER = "models"
READY_HELP = (
    "Load the models once, in a task that the lifespan starts: requests that come before get 503, all later ones an "
    "answer."
)


def start(lab: LabHandle, models: Models, **environment: str) -> Service:
    """Start the service of a lab that was opened with `listen=True`, on these artifacts."""
    write(lab, models)
    return lab.serve("app:create_app", MODELS_DIR=FOLDER, **environment)


def write(lab: LabHandle, models: Models) -> None:
    """Put artifacts into the folder `FOLDER` of a worker."""
    for path, data in models.files.items():
        lab.write_bytes(f"{FOLDER}/{path}", data)


def ask(service: Service, name: str, request: dict[str, Any], within: float = 5.0) -> Answer:
    """Ask a model; while it is loading, ask again, for so many seconds."""
    return service.poll("POST", PATHS[name], {*range(200, 503), *range(504, 600)}, within=within, json=request)


def start_ready(lab: LabHandle, models: Models, names: tuple[str, ...] = ("house_price",)) -> Service:
    """Start the service and wait until these models answer."""
    service = start(lab, models)
    for name in names:
        # A busy machine takes its time to load a model.
        answer = ask(service, name, typical(name), within=service.seconds)
        if answer.status != 200:
            if "protocol appears unsupported" in service.output():
                fail(
                    expected="the lifespan of the app runs",
                    found="uvicorn says that the app does not support it: a middleware breaks what is no request",
                    help='The start and the end of the app come through each middleware, too. Where `scope["type"]` is '
                    'not "http", hand everything on: `return await self.app(scope, receive, send)`.',
                )
            fail(
                expected=f"{answer.asked} answers with status 200 to a "
                f"{'house' if name == 'house_price' else 'request'} of the data",
                found=answer.told(),
                help=help_for(answer),
            )
    return service


def help_for(answer: Answer) -> str:
    """What a status of an answer that should be 200 points to."""
    if answer.status == 404:
        return "There is no such path. `create_app` calls `add_predictions(app)`: add the endpoint there."
    if answer.status == 422:
        return "The body is the JSON of one `House`, `Flower` or `Customer`: take it as the only parameter."
    if answer.status == 503:
        return READY_HELP
    return "Run the service yourself, send it the same request, and read what it prints."


def typical(name: str) -> dict[str, Any]:
    """One request of the data for a model."""
    frame, columns = {
        "house_price": (inputs.sales(), inputs.HOUSE),
        "iris": (inputs.flowers(), inputs.FLOWER),
        "customer_segment": (inputs.customers(), inputs.CUSTOMER),
    }[name]
    return inputs.records(frame.head(1)[list(columns)])[0]


def fields(answer: Answer, *names: str) -> dict[str, Any]:
    """Expect status 200 and a JSON object with these fields."""
    value = answer.expect(200).json()
    missing = [name for name in names if not isinstance(value, dict) or name not in value]
    if missing:
        fail(
            expected=f"{answer.asked} answers with an object that has {', '.join(f'`{name}`' for name in names)}",
            found=f"{expect.shown(value)}: no {', '.join(f'`{name}`' for name in missing)}",
        )
    return dict(value)


__all__ = ["FOLDER", "PATHS", "READY_HELP", "SHOWN", "ask", "fields", "start", "start_ready", "typical", "write"]
