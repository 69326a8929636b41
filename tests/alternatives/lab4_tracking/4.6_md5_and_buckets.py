# exercise: 4.6
# file: ab_test.py
# accepted: a million buckets of an md5, which is no secret here and good enough
BUCKETS = 1_000_000


def assign(unit, experiment, share=0.5):
    if share < 0 or share > 1:
        raise ValueError("no share")
    bucket = int(hashlib.md5(f"{unit}@{experiment}".encode(), usedforsecurity=False).hexdigest(), 16) % BUCKETS
    return ARMS[bucket < round(share * BUCKETS)]
