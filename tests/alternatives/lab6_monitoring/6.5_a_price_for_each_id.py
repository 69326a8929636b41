# exercise: 6.5
# file: drift.py
# accepted: a dictionary of the newest prices, and a bootstrap for the limits

import numpy as np
import pandas as pd


def limits(values):
    if len(values) < 2:
        return np.nan, np.nan
    rng = np.random.default_rng(0)
    means = rng.choice(values, (2_000, len(values))).mean(axis=1)
    return tuple(np.quantile(means, [0.025, 0.975]))


def performance_drift(predictions, labels, as_of):
    end = pd.Timestamp(as_of).normalize() + pd.Timedelta(days=1)
    if not predictions["prediction_id"].is_unique:
        raise ValueError("prediction_id must be unique")
    newest = {}
    for row in labels.sort_values("known_on", kind="stable").itertuples():
        if row.known_on < end:
            newest[row.prediction_id] = row.price
    made = predictions[predictions["date"] < end]
    price = made["prediction_id"].map(newest).astype(float)
    rows = []
    for month in sorted(made["date"].dt.to_period("M").unique()):
        here = made["date"].dt.to_period("M") == month
        said, true = made.loc[here, "predicted"], price[here]
        known = true.notna()
        error = (said[known] - true[known]).abs().to_numpy(dtype=float)
        ratio = np.log(said[known] / true[known]).to_numpy(dtype=float)
        last_day = month.end_time.normalize()
        row = [month.start_time, len(said), int(known.sum())]
        for values in (error, ratio):
            row += [values.mean() if len(values) else np.nan, *limits(values)]
        rows.append([*row, (end - pd.Timedelta(days=1) - last_day).days >= DAYS_UNTIL_KNOWN])
    columns = [
        "month",
        "predictions",
        "known",
        "mae",
        "mae_low",
        "mae_high",
        "bias",
        "bias_low",
        "bias_high",
        "complete",
    ]
    return pd.DataFrame(rows, columns=columns)
