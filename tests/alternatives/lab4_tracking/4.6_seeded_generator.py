# exercise: 4.6
# file: ab_test.py
# accepted: a generator that is seeded with both names, which Python does with sha512
import random


def assign(unit, experiment, share=0.5):
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"{share} is no share")
    return "challenger" if random.Random(repr((experiment, unit))).random() < share else "champion"
