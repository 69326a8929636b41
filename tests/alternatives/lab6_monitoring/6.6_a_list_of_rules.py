# exercise: 6.6
# file: drift.py
# accepted: the verdicts are a list of rules, in their order

import numpy as np


def bugs(reference, current, performance):
    for name in reference.columns.difference(current.columns):
        yield f"{name} is missing from the table"
    for name in reference.columns.intersection(current.columns):
        old, new = reference[name], current[name]
        if new.isna().mean() - old.isna().mean() > MOST_MISSING:
            yield f"{name} has lost values"
        rest = list(set(new.dropna()))
        if len(rest) == 1 and old.value_counts(normalize=True).get(rest[0], 0) <= MOST_COMMON:
            yield f"{name} is the same everywhere"
        if old.dtype.kind in "iuf" and (old.dropna() >= 0).all():
            factor = np.log(new[new > 0].median() / old[old > 0].median())
            if abs(factor) > np.log(MOST_SCALE):
                yield f"{name} has another scale"
    if {"sqft_above", "sqft_basement", "sqft_living"} <= set(reference.columns) & set(current.columns):
        before, now = (
            (t.eval("sqft_above + sqft_basement - sqft_living").dropna().abs() > 0.5).mean()
            for t in (reference, current)
        )
        if now > MOST_BROKEN_SUMS and before <= MOST_BROKEN_SUMS:
            yield "sqft_living, sqft_above and sqft_basement do not fit"


def other_houses(reference, current, performance):
    yield from feature_drift(reference, current).drifted()


def other_prices(reference, current, performance):
    months = performance[performance["complete"].astype(bool)].sort_values("month").tail(1)
    for month in months.itertuples():
        if min(abs(month.bias_low), abs(month.bias_high)) > MOST_BIAS and month.bias_low * month.bias_high > 0:
            yield f"{month.month:%Y-%m}"


def diagnose(reference, current, performance):
    for verdict, signs in (("data bug", bugs), ("covariate", other_houses), ("concept", other_prices)):
        if found := list(signs(reference, current, performance)):
            return Diagnosis(verdict, tuple(found), NEXT_STEPS[verdict])
    return Diagnosis("none", (), NEXT_STEPS["none"])
