# exercise: 1.9
# file: report.py
# caught by: test_four_plots_are_shown
# misconception: the text shows pictures that nobody saved
# says: no file in the folder


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    for path in folder.glob("*.png"):
        path.unlink()
    return write_atomically(folder / "report.md", "\n\n".join(sections))
