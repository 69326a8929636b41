# exercise: 4.4
# file: registry.py
# accepted: the models of scikit-learn, signatures read from the model's information, a bootstrap in one step


def promote(version: int, recent: pd.DataFrame, *, name: str = MODEL) -> Decision:
    import time

    import mlflow
    from mlflow.models import get_model_info

    client = mlflow.MlflowClient()
    with only_one(name):
        old = version_of(CHAMPION, name)
        if version == old:
            raise ValueError("it serves already")

        def inputs_of(number: int) -> dict[str, Any] | None:
            schema = get_model_info(f"models:/{name}/{number}").signature
            return None if schema is None else {column.name: column.type for column in schema.inputs}

        mine = inputs_of(version)
        theirs = mine if old is None else inputs_of(old)
        wrong = 1 if mine is None else len(mine.items() - (theirs or {}).items())
        better = groups = latency = None
        if wrong == 0:
            assert mine is not None
            model = mlflow.sklearn.load_model(f"models:/{name}/{version}")
            house, times = recent.head(1)[list(mine)], []
            model.predict(house)
            for _ in range(5):
                begun = time.monotonic()
                model.predict(house)
                times.append(time.monotonic() - begun)
            latency = sorted(times)[2]
            if old is not None:
                champion = mlflow.sklearn.load_model(f"models:/{name}/{old}")
                price = recent["price"].to_numpy(float)
                new_errors = np.abs(model.predict(recent[list(mine)]) - price)
                old_errors = np.abs(champion.predict(recent[list(theirs or {})]) - price)
                last = recent["date"].max()
                is_newest = ((recent["date"].dt.year == last.year) & (recent["date"].dt.month == last.month)).to_numpy()
                difference = (new_errors - old_errors)[is_newest]
                places = np.random.default_rng().integers(len(difference), size=(3_000, len(difference)))
                better = float(np.percentile(difference[places].mean(axis=1), 97.5))
                for zipcode in recent["zipcode"].unique():
                    mask = (recent["zipcode"] == zipcode).to_numpy()
                    if mask.sum() >= SMALLEST_GROUP:
                        change = new_errors[mask].sum() / old_errors[mask].sum() - 1
                        groups = float(change) if groups is None else max(groups, float(change))
        fits = wrong == 0
        rules = (
            Rule("signature", float(wrong), 0.0, fits),
            Rule("latency", latency, LATENCY, fits and latency is not None and latency <= LATENCY),
            Rule("better", better, 0.0, fits and (old is None or (better is not None and better < 0))),
            Rule("groups", groups, WORST_GROUP, fits and (groups is None or groups <= WORST_GROUP)),
        )
        decision = Decision(promoted=not [rule for rule in rules if not rule.passed], rules=rules)
        text = json.dumps({"promoted": decision.promoted, "rules": [vars(rule) for rule in rules]})
        client.set_model_version_tag(name, str(version), "gate", text)
        if decision.promoted:
            crown(version, "promote", name)
        return decision


def rollback(name: str = MODEL) -> int:
    with only_one(name):
        history = champions(name).to_dict("records")
        # From the newest entry to the oldest: each rollback hides one promotion before it.
        hidden, left = 0, []
        for entry in reversed(history):
            if entry["why"] == "rollback":
                hidden += 1
            elif hidden:
                hidden -= 1
            else:
                left.append(int(entry["version"]))
        if len(left) < 2:
            raise ValueError("nothing before")
        crown(left[1], "rollback", name)
    return left[1]
