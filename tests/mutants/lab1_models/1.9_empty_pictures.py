# exercise: 1.9
# file: report.py
# caught by: test_four_plots_are_shown
# misconception: empty files with the right names
# says: no PNG


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    for path in folder.glob("*.png"):
        path.write_bytes(b"")
    return write_atomically(folder / "report.md", "\n\n".join(sections))
