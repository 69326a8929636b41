# exercise: 6.7
# file: dashboard.py
# accepted: errors as what is left of 1, a quantile of 1 / 2, and houses counted where their prices are


def queries():
    w = WINDOW
    return {
        "Requests": f"sum(rate(http_requests_total[{w}])) by (route)",
        "Errors": f"1 - sum(rate(http_requests_total{{status!~'5..'}}[{w}]) or 0 * rate(http_requests_total[{w}]))"
        f" / sum(rate(http_requests_total[{w}]))",
        "Latency": f"histogram_quantile(0.99, sum(rate(http_request_duration_seconds_bucket[{w}])) by (route, le))",
        "Predictions": f"sum(rate(predictions_total[{w}])) by (arm, version)",
        "Price": f"histogram_quantile(1 / 2, sum(rate(prediction_usd_bucket[{w}])) by (le, version))",
        "Unseen zipcodes": f"sum(rate(unseen_category_total[{w}])) / sum(rate(prediction_usd_count[{w}]))",
        "Model age": "min by (model) (time() - model_trained_timestamp_seconds)",
        "Drift": "avg by (feature) (feature_drift_score)",
    }


def build_dashboard(datasource="prometheus"):
    source = {"type": "prometheus", "uid": datasource}
    asked = queries()
    panels = [
        {
            "id": 10 + place,
            "type": "timeseries",
            "title": title,
            "description": question,
            "datasource": source,
            "gridPos": {"h": 8, "w": 12, "x": 12 * (place % 2), "y": 8 * (place // 2)},
            "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": [{"refId": "A", "datasource": source, "expr": asked[title]}],
        }
        for place, (title, (question, unit)) in enumerate(PANELS.items())
    ]
    return {"uid": UID, "title": TITLE, "panels": panels, "schemaVersion": 39, "time": {"from": "now-1h", "to": "now"}}
