# exercise: 1.9
# file: report.py
# caught by: test_four_plots_are_shown
# misconception: the residuals are missing
# says: four plots


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    text = "\n\n".join(sections).replace("![Residuals by month](residuals_by_month.png)", "")
    return write_atomically(folder / "report.md", text)
