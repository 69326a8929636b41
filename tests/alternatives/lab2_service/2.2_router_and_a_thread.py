# exercise: 2.2
# file: app.py
# accepted: a router with dependencies, and a plain thread that loads
import threading

from fastapi import APIRouter, Depends


def load_models(models):
    def load(name):
        try:
            found = load_artifact(ensure_artifact(models.folder, name))
        except Exception as reason:
            logger.exception("no model %s", name)
            models.failed[name] = repr(reason)
            return
        if name == "house_price":
            models.pricer = make_pricer(found)
        models.ready[name] = found

    for name in reversed(MODELS):
        load(name)


@asynccontextmanager
async def lifespan(app):
    log_to_stdout()
    thread = threading.Thread(target=load_models, args=(app.state.models,), daemon=True)
    thread.start()
    yield


def add_predictions(app):
    router = APIRouter(prefix="/v1", tags=["predictions"])

    def models_of(request: Request):
        return request.app.state.models

    @router.post("/house-price", response_model=HousePrice, responses=ERRORS)
    def house_price(house: House, models=Depends(models_of)):
        artifact = models.get("house_price")
        [price] = models.pricer.predict([house.model_dump()])
        answer = priced_house(round(float(price)), house.zipcode, artifact.metadata.extra).model_dump()
        return answer | {"model_version": artifact.metadata.version}

    @router.post("/iris", response_model=Species, responses=ERRORS)
    def iris(flower: Flower, models=Depends(models_of)):
        artifact = models.get("iris")
        row = as_frame([dict(flower)], list(artifact.metadata.features))
        shares = {
            name: round(float(share), 4)
            for name, share in zip(artifact.model.classes_, artifact.model.predict_proba(row)[0], strict=False)
        }
        return {
            "species": max(shares, key=shares.get),
            "probabilities": shares,
            "model_version": artifact.metadata.version,
        }

    @router.post("/customer-segment", response_model=Segment, responses=ERRORS)
    def segment(customer: Customer, models=Depends(models_of)):
        artifact = models.get("customer_segment")
        row = as_frame([dict(customer)], list(artifact.metadata.features))
        return {
            "segment": int(artifact.model.predict(row).item()),
            "segments": artifact.metadata.extra["segments"],
            "model_version": artifact.metadata.version,
        }

    app.include_router(router)
