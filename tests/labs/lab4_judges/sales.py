"""Sales for lab 4: real ones, drawn anew for each run; and what a small model makes of them, computed here."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from mlops_lab.datasets import load_house_sales
from mlops_probes.tracking import small_model

Generator = np.random.Generator

FEATURES = [
    "bedrooms", "bathrooms", "sqft_living", "sqft_lot", "floors", "waterfront", "view", "condition", "grade",
    "sqft_above", "sqft_basement", "yr_built", "yr_renovated", "zipcode", "lat", "long", "sqft_living15", "sqft_lot15",
]  # fmt: skip
METRICS = ("rmse", "mae", "r2")
FOLDS = 5


@cache
def all_sales() -> pd.DataFrame:
    """Every sale of a house that was sold once."""
    sales = load_house_sales()
    return sales[~sales["id"].duplicated(keep=False)]


def draw(rng: Generator, rows: int = 300) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Some sales from before a day, and some from that day on; neither sorted by date."""
    cutoff = pd.Timestamp("2014-12-01") + pd.Timedelta(days=int(rng.integers(60)))
    sales = all_sales()
    past, future = sales[sales["date"] < cutoff], sales[sales["date"] >= cutoff]
    return past.sample(rows, random_state=rng), future.sample(rows // 2, random_state=rng)


def train(frame: pd.DataFrame, alpha: float) -> Any:
    """A small model that was trained on these sales."""
    return small_model(alpha).fit(frame[FEATURES], frame["price"])


def metrics(model: Any, frame: pd.DataFrame) -> dict[str, float]:
    """What the model is worth on these sales: computed here, by the formulas."""
    price = frame["price"].to_numpy(float)
    error = price - model.predict(frame[FEATURES])
    spread = ((price - price.mean()) ** 2).sum()
    return {
        "rmse": float(np.sqrt((error**2).mean())),
        "mae": float(np.abs(error).mean()),
        "r2": float(1 - (error**2).sum() / spread),
    }


def folds(frame: pd.DataFrame, alpha: float) -> list[dict[str, float]]:
    """The metrics of each fold, as lab 1's `cross_validate_model` cuts them."""
    from sklearn.model_selection import GroupKFold

    splitter = GroupKFold(n_splits=FOLDS, shuffle=True, random_state=0)
    found = []
    for past, rest in splitter.split(frame, groups=frame["id"]):
        found.append(metrics(train(frame.iloc[past], alpha), frame.iloc[rest]))
    return found


def fingerprint(frame: pd.DataFrame, prefix: str = "data") -> dict[str, str]:
    """The tags of a table, as `lineage.fingerprint` defines them."""
    return {
        f"{prefix}.sha256": sha256(frame),
        f"{prefix}.rows": str(len(frame)),
        f"{prefix}.first_date": f"{frame['date'].min():%Y-%m-%d}",
        f"{prefix}.last_date": f"{frame['date'].max():%Y-%m-%d}",
    }


def sha256(frame: pd.DataFrame) -> str:
    """The fingerprint of a table, as `lineage.fingerprint` defines it."""
    digest = hashlib.sha256("\n".join(frame.columns).encode())
    digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()
