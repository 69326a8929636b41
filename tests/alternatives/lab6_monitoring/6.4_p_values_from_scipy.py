# exercise: 6.4
# file: drift.py
# accepted: the p-values come from SciPy, the sizes and the page from Evidently

import numpy as np
import pandas as pd


def p_of(before, now, in_words):
    from scipy.stats import chisquare, ks_2samp

    if not in_words:
        return ks_2samp(before.dropna(), now.dropna()).pvalue
    names = np.union1d(before.unique(), now.unique())
    expected = before.value_counts(normalize=True).reindex(names, fill_value=0) * len(now)
    seen = now.value_counts().reindex(names, fill_value=0)
    if (expected[seen > 0] == 0).any():
        return 0.0
    return chisquare(seen[expected > 0], expected[expected > 0]).pvalue


def feature_drift(reference, current, *, categories=("zipcode",)):
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    _refuse_what_cannot_be_compared(reference, current)
    names = list(reference)
    words = [name for name in names if name in categories or not _is_number(reference[name])]
    before, now = _readable(reference, words), _readable(current[names], words)
    definition = DataDefinition(categorical_columns=words, numerical_columns=sorted(set(names) - set(words)))
    report = Report([ValueDrift(column=name, method="psi") for name in names])
    found = report.run(Dataset.from_pandas(now, definition), Dataset.from_pandas(before, definition))
    table = pd.DataFrame(
        {
            "column": names,
            "kind": np.where([name in words for name in names], "category", "number"),
            "test": np.where([name in words for name in names], "chisquare", "ks"),
            "p_value": [p_of(before[name], now[name], name in words) for name in names],
            "psi": [metric["value"] for metric in found.dict()["metrics"]],
        }
    )
    table.insert(4, "p_adjusted", holm(table["p_value"]))
    table["drifted"] = (table["p_adjusted"] < ALPHA) & (table["psi"] >= LEAST_PSI)
    rows = {
        "reference": len(reference),
        "reference_used": len(before),
        "current": len(current),
        "current_used": len(now),
    }
    return DriftReport(table=table, rows=rows, html=found.get_html_str(as_iframe=False))


def drift_by_month(reference, sales, *, categories=("zipcode",)):
    first = sales["date"].dt.to_period("M").dt.start_time
    answer = []
    for month in sorted(first.unique()):
        part = sales.loc[first == month, list(reference.columns)]
        names = feature_drift(reference, part, categories=categories).drifted()
        answer.append({"month": month, "rows": len(part), "drifted": len(names), "columns": ", ".join(names)})
    return pd.DataFrame(answer)
