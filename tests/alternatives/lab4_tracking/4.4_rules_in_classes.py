# exercise: 4.4
# file: registry.py
# accepted: a small class that asks once, scipy's bootstrap, and the refusal raised inside


class Asked:
    """One version: loaded once, asked once."""

    def __init__(self, name: str, version: int, recent: pd.DataFrame) -> None:
        import mlflow

        self.model = mlflow.pyfunc.load_model(f"models:/{name}/{version}")
        self.recent = recent

    @property
    def columns(self) -> set[tuple[str, str]]:
        schema = self.model.metadata.get_input_schema()
        return set() if schema is None else {(column["name"], column["type"]) for column in schema.to_dict()}

    @property
    def frame(self) -> pd.DataFrame:
        return self.recent[self.model.metadata.get_input_schema().input_names()]

    def errors(self) -> Any:
        return np.abs(self.recent["price"].to_numpy() - np.asarray(self.model.predict(self.frame)))

    def seconds(self) -> float:
        import statistics
        from timeit import repeat

        one = self.frame.iloc[-1:]
        return statistics.median(repeat(lambda: self.model.predict(one), number=1, repeat=6)[1:])


def promote(version: int, recent: pd.DataFrame, *, name: str = MODEL) -> Decision:
    import mlflow
    from scipy.stats import bootstrap

    with only_one(name):
        before = version_of(CHAMPION, name)
        if before == version:
            raise ValueError(f"{version} is the champion")
        new = Asked(name, version, recent)
        old = new if before is None else Asked(name, before, recent)
        unknown = len(new.columns - old.columns) if new.columns else 1
        values: dict[str, float | None] = dict.fromkeys(("better", "groups", "latency"))
        values["signature"] = float(unknown)
        if not unknown:
            values["latency"] = new.seconds()
            if before is not None:
                errors = recent.assign(new=new.errors(), old=old.errors())
                errors["month"] = errors["date"].dt.strftime("%Y-%m")
                newest = errors[errors["month"] == errors["month"].max()]
                change = (newest["new"] - newest["old"]).to_numpy()
                drawn = bootstrap((change,), np.mean, n_resamples=2_000, method="percentile")
                values["better"] = float(drawn.confidence_interval.high)
                groups = errors.groupby("zipcode").filter(lambda group: len(group) >= 30).groupby("zipcode")
                means = groups[["new", "old"]].mean()
                values["groups"] = float((means["new"] / means["old"]).max() - 1) if len(means) else None
        limits = {"better": 0.0, "groups": WORST_GROUP, "latency": LATENCY, "signature": 0.0}
        passed = {
            "better": values["better"] < 0 if values["better"] is not None else before is None and not unknown,
            "groups": values["groups"] <= WORST_GROUP if values["groups"] is not None else not unknown,
            "latency": not unknown and values["latency"] <= LATENCY,
            "signature": not unknown,
        }
        rules = tuple(Rule(key, values[key], limits[key], bool(passed[key])) for key in limits)
        decision = Decision(all(passed.values()), rules)
        kept = json.dumps(asdict(decision), indent=1)
        mlflow.MlflowClient().set_model_version_tag(name, str(version), key="gate", value=kept)
        if decision.promoted:
            crown(version, "promote", name)
    return decision


def rollback(name: str = MODEL) -> int:
    def before(entries: list[tuple[int, str]]) -> list[int]:
        if not entries:
            return []
        *earlier, (version, why) = entries
        served = before(earlier)
        return served[:-1] if why == "rollback" else [*served, version]

    with only_one(name):
        table = champions(name)
        served = before(list(zip(table["version"].astype(int), table["why"], strict=True)))
        if len(served) < 2:
            raise ValueError("no former champion")
        version = served[-2]
        crown(version, "rollback", name)
        return version
