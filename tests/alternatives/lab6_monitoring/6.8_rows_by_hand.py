# exercise: 6.8
# file: logs.py
# accepted: a regular expression before the parser, and a dict of labels by id
import re


def read_predictions(lines: Iterable[str]) -> pd.DataFrame:
    import pandas as pd

    wanted = re.compile(r'^\{.*"event":\s*"prediction".*\}\s*$')
    records = [json.loads(line) for line in lines if wanted.match(line)]
    table = pd.DataFrame.from_records(records, columns=list(FIELDS)).drop(columns="event")
    table = table.drop_duplicates("prediction_id", ignore_index=True)
    return table.assign(time=pd.to_datetime(table["time"], utc=True, format="ISO8601"))


def join_labels(predictions: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    known: dict[str, tuple[Any, Any]] = {}
    for name, price, when in zip(labels["prediction_id"], labels["price"], labels["reported_at"], strict=True):
        if name not in known or when >= known[name][1]:
            known[name] = (price, when)
    joined = predictions.copy()
    found = [known.get(name, (float("nan"), pd.NaT)) for name in joined["prediction_id"]]
    joined["paid"] = [price for price, _ in found]
    joined["reported_at"] = pd.to_datetime(pd.Series([when for _, when in found], index=joined.index))
    return joined
