# exercise: 5.2
# file: contract.py
# accepted: the rules of the batch as a table of sentences, the months as strings
from collections import Counter


def check_batch(split: Split, previous: BatchReport | None = None) -> BatchReport:
    bad = len(split.quarantined)
    rows = len(split.good) + bad
    days = split.good["date"]
    months = Counter(days.dt.strftime("%Y-%m"))
    month, newest, missing, per_day, wanted = "", "", 0, None, None
    if months:
        month = months.most_common(1)[0][0]
        newest = days.max().strftime("%Y-%m-%d")
        end = (days.max() + pd.offsets.MonthEnd(0)).normalize()
        missing = (end - days.max()).days
        per_day = rows / pd.Timestamp(month).days_in_month
    if months and previous and previous.month and previous.rows:
        wanted = previous.rows / pd.Timestamp(previous.month).days_in_month
    rules = {
        "rows: there are none": rows == 0,
        f"share: {bad} of {rows} are too many": bad > MAX_BAD_SHARE * rows,
        f"month: there are {dict(months)}": len(months) > 1,
        f"month: {month} has been there": bool(wanted) and month <= previous.month,
        f"freshness: {missing} days are missing": missing > MAX_DAYS_MISSING,
        f"volume: {per_day} rows per day after {wanted}": bool(wanted)
        and (per_day < wanted * MIN_VOLUME or per_day > wanted * MAX_VOLUME),
    }
    counts = Counter()
    for text in split.quarantined["reasons"]:
        counts.update({part.split(":")[0] for part in text.split("; ")})
    problems = tuple(sentence for sentence, is_broken in rules.items() if is_broken)
    share = bad / rows if rows else 0.0
    return BatchReport(month, rows, rows - bad, bad, share, newest, dict(counts.most_common()), problems)
