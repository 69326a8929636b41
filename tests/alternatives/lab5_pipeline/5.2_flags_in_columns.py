# exercise: 5.2
# file: contract.py
# accepted: a table of truth values, one column for each reason, and the share as a comparison of counts


def split_valid(frame: pd.DataFrame) -> Split:
    schema = HouseSales.to_schema()
    rows = frame.set_axis(range(len(frame)))
    told = pd.Series([""] * len(rows), dtype=object)

    def tell(places, sentence):
        for place in places:
            told[place] = f"{told[place]}; {sentence}".removeprefix("; ")

    kinds = {name: str(one.dtype) for name, one in schema.columns.items()}
    problems = [f"no column {name}" for name in kinds if name not in rows]
    problems += [f"{name} is a stranger" for name in rows if name not in kinds]
    converted = rows.copy()
    for name, kind in kinds.items():
        if name not in rows:
            continue
        gaps = rows[name].isna()
        tell(rows.index[gaps], f"{name}: there is no value")
        values = rows.loc[~gaps, name].infer_objects()
        if kind == "int64" and values.dtype.kind == "f":
            half = (values != values.round()) | (values.abs() == float("inf"))
            for place in values.index[half]:
                tell([place], f"{name}: {values[place]:g} should be whole")
            values = values[~half].astype("int64")
        converted[name] = values.reindex(rows.index) if len(values) < len(rows) else values
        if values.dtype.kind != {"int64": "i", "float64": "f", "bool": "b"}.get(kind, "M") or "," in str(values.dtype):
            problems.append(f"{name} has the type {values.dtype} instead of {kind}")
    if problems:
        raise ContractError(", ".join(problems))
    for _, group in rows[rows["id"].notna() & rows["date"].notna()].groupby(["id", "date"]):
        if len(group) > 1:
            tell(group.index, "id: this sale is there more than once")
    fine = converted[told == ""].astype({name: kind for name, kind in kinds.items() if kind in ("int64", "bool")})
    try:
        HouseSales.validate(fine, lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases
        single = cases[cases["schema_context"] == "Column"]
        for _, case in single.iterrows():
            tell([case["index"]], f"{case['column']}: {case['failure_case']} fails {case['check']}")
        wide = cases[cases["schema_context"] != "Column"].drop_duplicates(["index", "check"])
        for _, case in wide.iterrows():
            name = {"mul": "date", "yr_": "date"}.get(case["check"][:3], "sqft_above")
            tell([case["index"]], f"{name}: contradicts another column or row")
    bad = (told != "").to_numpy()
    good = fine[(told[fine.index] == "").to_numpy()]
    quarantined = frame[bad].copy()
    quarantined["reasons"] = told[bad].to_list()
    return Split(good.set_axis(frame.index[~bad]), quarantined)
