# exercise: 1.9
# file: report.py
# caught by: test_four_plots_are_shown
# misconception: tables only
# says: four plots


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    text = "\n".join(line for section in sections for line in section.splitlines() if not line.startswith("!["))
    return write_atomically(folder / "report.md", text)
