# exercise: 6.7
# file: dashboard.py
# accepted: a row above the panels, increases in place of rates, and errors that are not 1xx to 4xx

import json


def queries():
    w = WINDOW
    return {
        "Requests": f"sum by (route) (rate(http_requests_total[{w}]))",
        "Errors": f'sum(increase(http_requests_total{{status!~"[1-4].."}}[{w}]))'
        f" / sum(increase(http_requests_total[{w}]))",
        "Latency": "histogram_quantile(0.99, "
        f"sum by (route, le) (increase(http_request_duration_seconds_bucket[{w}])))",
        "Predictions": f"sum by (arm, version) (rate(predictions_total[{w}]))",
        "Price": f"histogram_quantile(0.50, sum by (version, le) (increase(prediction_usd_bucket[{w}])))",
        "Unseen zipcodes": f"sum(increase(unseen_category_total[{w}])) / sum(increase(predictions_total[{w}]))",
        "Model age": "time() - max by (model) (model_trained_timestamp_seconds)",
        "Drift": "max(feature_drift_score) by (feature)",
    }


def build_dashboard(datasource="prometheus"):
    from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    source = DataSourceRef(type_val="prometheus", uid=datasource)
    board = dashboard.Dashboard(TITLE).uid(UID).with_row(dashboard.Row("The service").id(100))
    for place, title in enumerate(PANELS):
        target = prometheus.Dataquery().expr(queries()[title]).ref_id("Q").datasource(source)
        panel = timeseries.Panel().title(title).description(PANELS[title][0]).unit(PANELS[title][1]).id(place + 1)
        board = board.with_panel(panel.datasource(source).with_target(target).height(7).span(12))
    return json.loads(JSONEncoder().encode(board.build()))
