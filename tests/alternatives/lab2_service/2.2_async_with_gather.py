# exercise: 2.2
# file: app.py
# accepted: everything is async, and threads are asked by hand
import asyncio


def load_models(models):
    for name in MODELS:
        load_one(models, name)


def load_one(models, name):
    try:
        artifact, models.pricer = prepared(models, name)
        models.ready[name] = artifact
    except Exception as error:
        models.failed[name] = str(error)
        logger.warning("%s: %s", name, error)


def prepared(models, name):
    artifact = load_artifact(ensure_artifact(models.folder, name))
    return artifact, make_pricer(artifact) if name == "house_price" else models.pricer


@asynccontextmanager
async def lifespan(app):
    log_to_stdout()
    task = asyncio.ensure_future(asyncio.to_thread(load_models, app.state.models))
    try:
        yield
    finally:
        await asyncio.gather(task, return_exceptions=True)


def add_predictions(app):
    models = app.state.models

    def ask(name, method, body):
        artifact = models.get(name)
        return artifact, getattr(artifact.model, method)(
            as_frame([body.model_dump()], list(artifact.metadata.features))
        )[0]

    async def house_price(house: House) -> HousePrice:
        version = models.get("house_price").metadata.version
        (priced,) = await price_houses(models, [house])
        return HousePrice(model_version=version, **priced.model_dump())

    async def iris(flower: Flower) -> Species:
        artifact, shares = await asyncio.to_thread(ask, "iris", "predict_proba", flower)
        names = [str(name) for name in artifact.model.classes_]
        found = dict(zip(names, map(float, shares), strict=False))
        return Species(
            species=names[int(shares.argmax())], probabilities=found, model_version=artifact.metadata.version
        )

    async def customer_segment(customer: Customer) -> Segment:
        artifact, segment = await asyncio.to_thread(ask, "customer_segment", "predict", customer)
        known = artifact.metadata
        return Segment(segment=segment, segments=known.extra["segments"], model_version=known.version)

    for path, endpoint in (("house-price", house_price), ("iris", iris), ("customer-segment", customer_segment)):
        app.add_api_route(f"/v1/{path}", endpoint, methods=["POST"])
