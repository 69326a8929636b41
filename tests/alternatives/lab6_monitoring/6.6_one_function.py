# exercise: 6.6
# file: drift.py
# accepted: one function, with other words as evidence

import pandas as pd


def diagnose(reference, current, performance):
    def answer(verdict, *evidence):
        return Diagnosis(verdict, evidence, NEXT_STEPS[verdict])

    gone = [name for name in reference if name not in current]
    there = [name for name in reference if name in current]
    bugs = [f"there is no {name} any more" for name in gone]
    for name in there:
        before, now = reference[name], current[name]
        if now.isna().mean() > before.isna().mean() + MOST_MISSING:
            bugs.append(f"holes in {name}")
        rest = now.dropna().drop_duplicates()
        if len(rest) == 1 and before.eq(rest.iloc[0]).sum() <= MOST_COMMON * before.notna().sum():
            bugs.append(f"{name} stands still")
        if before.dtype.kind in "iuf" and before.min() >= 0:
            old, new = before.where(before > 0).median(), now.where(now > 0).median()
            if new > old * MOST_SCALE or new * MOST_SCALE < old:
                bugs.append(f"another unit in {name}: {old} became {new}")
    areas = {"sqft_above", "sqft_basement", "sqft_living"}
    if areas <= set(there):

        def wrong(table):
            table = table.dropna(subset=sorted(areas))
            off = (table["sqft_living"] - table["sqft_above"] - table["sqft_basement"]).abs() > 1e-6
            return off.mean() if len(off) else 0

        if wrong(current) > MOST_BROKEN_SUMS and not wrong(reference) > MOST_BROKEN_SUMS:
            bugs.append("sqft_living does not add up")
    if bugs:
        return answer("data bug", *bugs)
    drifted = feature_drift(reference, current).drifted()
    if drifted:
        return answer("covariate", *(f"other houses, by their {name}" for name in drifted))
    done = performance[performance["complete"]]
    if len(done):
        last = done.loc[done["month"].idxmax()]
        if last["bias_low"] > MOST_BIAS or last["bias_high"] < -MOST_BIAS:
            return answer("concept", f"{pd.Timestamp(last['month']).strftime('%Y-%m')}: a bias of {last['bias']:.3f}")
    return answer("none")
