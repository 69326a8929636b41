# exercise: 1.1
# file: house_price.py
# accepted: the last sale of each house decides; query syntax; a list instead of a tuple

import pandas as pd


class EmptySideError(ValueError):
    pass


def split_by_time(sales, cutoff):
    cutoff = pd.to_datetime(cutoff)
    last = sales.groupby("id")["date"].transform("max")
    sides = [sales.loc[last < cutoff], sales.query("date >= @cutoff")]
    if min(map(len, sides)) == 0:
        raise EmptySideError(f"no sales on one side of {cutoff}")
    return sides
