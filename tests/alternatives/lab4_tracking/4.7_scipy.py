# exercise: 4.7
# file: ab_test.py
# accepted: SciPy has the quantiles and the test
import numpy as np
from scipy import stats


def sample_size(effect, *, power=0.8, alpha=0.05, sd):
    z = stats.norm.isf(alpha / 2) + stats.norm.isf(1 - power)
    return int(np.ceil(2 * (z * sd / effect) ** 2))


def analyse(outcomes, *, effect=EFFECT, share=0.5, alpha=0.05, planned=None):
    if outcomes.groupby("unit")["arm"].nunique().max() > 1:
        raise ValueError("unit in both arms")
    means = {}
    for arm in ARMS:
        rows = outcomes[outcomes["arm"] == arm]
        means[arm] = rows.groupby("unit", sort=False)["error"].mean().to_numpy()
    counts = [len(means[arm]) for arm in ARMS]
    if min(counts) < 2:
        raise ValueError("an arm is empty")
    expected = np.array([1 - share, share]) * sum(counts)
    p = float(stats.chisquare(counts, expected).pvalue)
    old, new = (means[arm][:planned] for arm in ARMS)
    square = stats.sem(old) ** 2 + stats.sem(new) ** 2
    if planned:
        half, method = stats.norm.isf(alpha / 2) * np.sqrt(square), "fixed-horizon"
    else:
        ratio = square / (square + effect**2)
        half = np.sqrt(-2 * square / (1 - ratio) * np.log(alpha * np.sqrt(ratio)))
        method = "always-valid"
    middle = new.mean() - old.mean()
    low, high = float(middle - half), float(middle + half)
    decision = "undecided"
    if p < MISMATCH:
        decision = "mismatch"
    elif min(counts) >= FEWEST and (planned is None or min(counts) >= planned):
        decision = "challenger" if high < 0 else "champion" if low > 0 else "undecided"
    return Verdict(float(middle), low, high, p, method, decision)
