# exercise: 6.8
# file: logs.py
# accepted: FastAPI's own style of middleware, a logger that writes the line, a merge by id
import logging


class Through(logging.Handler):
    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self.write = write

    def emit(self, record: logging.LogRecord) -> None:
        self.write(self.format(record))


def log_predictions(app: FastAPI, write: Callable[[str], None] = print_line) -> None:
    from fastapi import Request as FastAPIRequest

    models = app.state.models
    arm = os.environ.get("MODEL_ARM") or "champion"
    logger = logging.getLogger(f"predictions.{id(app)}")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(Through(write))

    def watch(rows: Any, prices: Any) -> None:
        request = AT_HAND.get()
        if request is not None:
            request.priced = True
            for place, row in enumerate(rows):
                line = {
                    "event": EVENT,
                    "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    "prediction_id": f"{request.id}-{place}",
                    "version": models.ready["house_price"].metadata.version,
                    "arm": arm,
                    "price": round(float(prices[place]), 2),
                    "zipcode": row["zipcode"],
                }
                logger.info(json.dumps(line, separators=(",", ":")).replace('"event":', '"event": '))

    models.watchers.append(watch)

    @app.middleware("http")
    async def name(asked: FastAPIRequest, call_next: Any) -> Any:
        request = Request(str(uuid.uuid4()))
        AT_HAND.set(request)
        answer = await call_next(asked)
        if request.priced:
            answer.headers[HEADER] = request.id
        return answer


def join_labels(predictions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    last = labels.loc[labels.groupby("prediction_id")["reported_at"].idxmax()]
    last = last.rename(columns={"price": "paid"})[["prediction_id", "paid", "reported_at"]]
    joined = predictions.merge(last, on="prediction_id", how="left", validate="m:1")
    return joined.set_axis(predictions.index)
