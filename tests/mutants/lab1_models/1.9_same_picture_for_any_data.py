# exercise: 1.9
# file: report.py
# caught by: test_plots_show_what_was_computed
# misconception: a picture that does not show the data
# says: no plot of the report


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1, 2, 3], [2, 1, 3])
    for path in folder.glob("*.png"):
        figure.savefig(path)
    return write_atomically(folder / "report.md", "\n\n".join(sections))
