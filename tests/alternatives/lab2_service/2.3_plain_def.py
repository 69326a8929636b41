# exercise: 2.3
# file: app.py
# accepted: `def`, which FastAPI runs in a thread, and a plain dict as answer
def add_batch(app):
    models = app.state.models

    @app.post("/v1/house-price/batch", response_model=HousePrices)
    def batch(many: HouseBatch):
        artifact = models.get("house_price")
        prices = models.pricer.predict([dict(house) for house in many.houses])
        return {
            "predictions": [
                priced_house(float(price), house.zipcode, artifact.metadata.extra)
                for price, house in zip(prices, many.houses, strict=False)
            ],
            "model_version": artifact.metadata.version,
        }
