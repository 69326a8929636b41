# exercise: 1.1
# file: house_price.py
# accepted: NumPy arrays and set membership

import numpy as np


def split_by_time(sales, cutoff):
    late = sales["date"].to_numpy() >= np.datetime64(cutoff)
    ids = sales["id"].to_numpy()
    early = ~late & ~np.isin(ids, ids[late])
    if not (early.any() and late.any()):
        raise ValueError("nothing to learn from or nothing to be judged on")
    return sales[early], sales[late]
