# exercise: 1.9
# file: report.py
# caught by: test_segments_are_described_and_tested
# misconception: the table of segments was typed, the rest is computed
# says: no such


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    typed = """## Customers

| segment | customers | monetary | bought next quarter |
| --- | --- | --- | --- |
| 0 | 9,812 | 17.40 | 3.1 % |
| 1 | 6,744 | 51.25 | 7.0 % |
| 2 | 4,215 | 114.90 | 25.9 % |
| 3 | 2,799 | 402.75 | 56.1 % |

![Customer segments](segments.png)"""
    return write_atomically(folder / "report.md", "\n\n".join([*sections[:2], typed]))
