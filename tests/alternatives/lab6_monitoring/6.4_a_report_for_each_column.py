# exercise: 6.4
# file: drift.py
# accepted: a report of Evidently for each column, and Holm's method in a loop

import pandas as pd


def holm(p_values):
    values = list(p_values)
    adjusted = [0.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, values[place] * (len(values) - rank)))
        adjusted[place] = largest
    return pd.Series(adjusted, index=p_values.index)


def feature_drift(reference, current, *, categories=("zipcode",)):
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    if not len(reference) or not len(current):
        raise ValueError("a table has no row")
    if set(reference.columns) != set(current.columns):
        raise ValueError(f"the columns differ: {list(reference.columns)} and {list(current.columns)}")
    sizes = (len(reference), len(current))
    if len(reference) > MOST_ROWS:
        reference = reference.sample(n=MOST_ROWS, random_state=7)
    if len(current) > MOST_ROWS:
        current = current.sample(n=MOST_ROWS, random_state=7)
    rows, pages = [], []
    for column in reference.columns:
        before, now = reference[[column]], current[[column]]
        if before[column].notna().sum() == 0 or now[column].notna().sum() == 0:
            raise ValueError(f"{column} has no value")
        is_category = column in categories or before[column].dtype == bool or before[column].dtype.kind not in "iuf"
        if is_category:
            before, now = before.astype(str), now.astype(str)
            definition = DataDefinition(categorical_columns=[column])
        else:
            definition = DataDefinition(numerical_columns=[column])
        test = "chisquare" if is_category else "ks"
        report = Report([ValueDrift(column=column, method=test), ValueDrift(column=column, method="psi")])
        found = report.run(Dataset.from_pandas(now, definition), Dataset.from_pandas(before, definition))
        p, psi = (one["value"] for one in found.dict()["metrics"])
        rows.append((column, "category" if is_category else "number", test, float(p), float(psi)))
        pages.append(found.get_html_str(as_iframe=False))
    table = pd.DataFrame(rows, columns=["column", "kind", "test", "p_value", "psi"])
    table["p_adjusted"] = holm(table["p_value"])
    table["drifted"] = table["psi"].ge(LEAST_PSI) & table["p_adjusted"].lt(ALPHA)
    names = ("reference", "current", "reference_used", "current_used")
    return DriftReport(table, dict(zip(names, (*sizes, len(reference), len(current)), strict=True)), "\n".join(pages))
