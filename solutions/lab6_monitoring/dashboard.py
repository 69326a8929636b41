"""The dashboard of the service, as code: reviewed like code, the same on each machine, and never edited by hand.

`python -m lab6_monitoring.dashboard` prints the JSON that Grafana loads.
"""

from __future__ import annotations

import json
from typing import Any

UID = "house-prices"
TITLE = "House prices"
# Grafana puts a window here that is never shorter than four scrapes.
WINDOW = "$__rate_interval"

# Each panel answers one question. Title → question, and the unit in which Grafana shows the answer.
PANELS: dict[str, tuple[str, str]] = {
    "Requests": ("How many requests per second, by route?", "reqps"),
    "Errors": ("Which share of all requests ends with a status of 500 or more?", "percentunit"),
    "Latency": ("Within which time are 99 of 100 requests answered, by route?", "s"),
    "Predictions": ("How many houses are priced per second, by version and arm?", "cps"),
    "Price": ("What is the median of the prices that are given, by version?", "currencyUSD"),
    "Unseen zipcodes": ("Which share of the priced houses has a zipcode that the model has never seen?", "percentunit"),
    "Model age": ("How long ago was the newest version of a model made, by model?", "s"),
    "Drift": ("How far are the houses from those of the training (0.2 is far), by feature?", "short"),
}


def queries() -> dict[str, str]:
    """Return the PromQL of each panel of `PANELS`, by its title.

    Only metrics of `metrics.py` are asked for, and `feature_drift_score` of `drift_job.py`. Counters and buckets are
    asked for their rate over `WINDOW`, gauges as they are. A query has the labels that its question names, and no other
    one. A quantile is computed from the sum of all instances' buckets. Where a share has nothing to divide by, or 0,
    its answer is no number.
    """
    # solution 6.7
    requests, predictions = f"rate(http_requests_total[{WINDOW}])", f"rate(predictions_total[{WINDOW}])"
    broken = f'rate(http_requests_total{{status=~"5.."}}[{WINDOW}])'
    return {
        "Requests": f"sum by (route) ({requests})",
        "Errors": f"(sum({broken}) or vector(0)) / sum({requests})",
        "Latency": "histogram_quantile(0.99, "
        f"sum by (le, route) (rate(http_request_duration_seconds_bucket[{WINDOW}])))",
        "Predictions": f"sum by (version, arm) ({predictions})",
        "Price": f"histogram_quantile(0.5, sum by (le, version) (rate(prediction_usd_bucket[{WINDOW}])))",
        "Unseen zipcodes": f'sum(rate(unseen_category_total{{feature="zipcode"}}[{WINDOW}])) / sum({predictions})',
        # Several instances say the same: the newest of them counts once.
        "Model age": "time() - max by (model) (model_trained_timestamp_seconds)",
        "Drift": "max by (feature) (feature_drift_score)",
    }
    # end solution


def build_dashboard(datasource: str = "prometheus") -> dict[str, Any]:
    """Return the dashboard as Grafana's JSON model, made with the Foundation SDK.

    It has `UID` and `TITLE`, and a panel for each entry of `PANELS`, in that order: a time series with that title, the
    question as description, the unit, the query of `queries`, and the Prometheus data source whose uid is `datasource`.
    Each panel has an id of its own. Two calls return the same.
    """
    # solution 6.7
    from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    source = DataSourceRef(type_val="prometheus", uid=datasource)
    board = dashboard.Dashboard(TITLE).uid(UID).tags(["mlops-lab"]).refresh("30s").time("now-6h", "now").readonly()
    asked = queries()
    for number, (title, (question, unit)) in enumerate(PANELS.items(), 1):
        query = prometheus.Dataquery().expr(asked[title]).ref_id("A")
        panel = timeseries.Panel().id(number).title(title).description(question).unit(unit)
        board.with_panel(panel.datasource(source).min(0).with_target(query))
    answer: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(board.build()))
    return answer
    # end solution


def main() -> int:
    """Print the JSON that Grafana loads."""
    print(json.dumps(build_dashboard(), indent=2, sort_keys=True))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
