# exercise: 6.5
# file: drift.py
# accepted: one group-by with named aggregations

import numpy as np
import pandas as pd


def performance_drift(predictions, labels, as_of):
    day = pd.Timestamp(as_of).floor("D")
    ids = predictions["prediction_id"]
    if ids.nunique() < len(ids):
        raise ValueError("twice the same prediction_id")
    seen = labels.assign(day=labels["known_on"].dt.floor("D")).query("day <= @day")
    newest = seen.sort_values("known_on").groupby("prediction_id")["price"].last()
    table = predictions[predictions["date"].dt.floor("D") <= day].join(newest, on="prediction_id")
    table = table.assign(
        error=(table["predicted"] - table["price"]).abs(),
        ratio=np.log(table["predicted"] / table["price"]),
        month=table["date"].dt.to_period("M").dt.to_timestamp(),
    )
    out = table.groupby("month").agg(
        predictions=("predicted", "size"),
        known=("price", "count"),
        mae=("error", "mean"),
        mae_se=("error", "sem"),
        bias=("ratio", "mean"),
        bias_se=("ratio", "sem"),
    )
    for name in ("mae", "bias"):
        step = 1.96 * out.pop(f"{name}_se")
        out[f"{name}_low"], out[f"{name}_high"] = out[name] - step, out[name] + step
    end = out.index + pd.offsets.MonthEnd(0)
    out["complete"] = end + pd.Timedelta(days=DAYS_UNTIL_KNOWN) <= day
    return out.reset_index()
