# exercise: 4.7
# file: ab_test.py
# accepted: plain Python, row by row
import math
from statistics import NormalDist, fmean, variance


def sample_size(effect, *, power=0.8, alpha=0.05, sd):
    standard = NormalDist()
    return -int(-2 * (sd / effect) ** 2 * (standard.inv_cdf(1 - alpha / 2) + standard.inv_cdf(power)) ** 2 // 1)


def analyse(outcomes, *, effect=EFFECT, share=0.5, alpha=0.05, planned=None):
    arm_of, errors = {}, {}
    for unit, arm, error in zip(outcomes["unit"], outcomes["arm"], outcomes["error"], strict=True):
        if arm_of.setdefault(unit, arm) != arm:
            raise ValueError(f"{unit} changed its arm")
        errors.setdefault(unit, []).append(error)
    means = {arm: [fmean(errors[unit]) for unit in arm_of if arm_of[unit] == arm] for arm in ARMS}
    sizes = {arm: len(means[arm]) for arm in ARMS}
    if any(size < 2 for size in sizes.values()):
        raise ValueError("too few units")
    total = sum(sizes.values())
    away = (sizes["challenger"] - share * total) / math.sqrt(total * share * (1 - share))
    p = 2 * NormalDist().cdf(-abs(away))
    means = {arm: values[:planned] for arm, values in means.items()}
    v = sum(variance(values) / len(values) for values in means.values())
    if planned is None:
        method = "always-valid"
        half = math.sqrt(2 * v * (v + effect**2) / effect**2 * (math.log(1 / alpha) + math.log1p(effect**2 / v) / 2))
    else:
        method, half = "fixed-horizon", NormalDist(0, math.sqrt(v)).inv_cdf(1 - alpha / 2)
    difference = fmean(means["challenger"]) - fmean(means["champion"])
    if p < MISMATCH:
        decision = "mismatch"
    elif min(sizes.values()) < FEWEST or (planned and min(sizes.values()) < planned) or abs(difference) <= half:
        decision = "undecided"
    else:
        decision = ARMS[difference < 0]
    return Verdict(difference, difference - half, difference + half, p, method, decision)
