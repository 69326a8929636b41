# exercise: 1.9
# file: report.py
# caught by: test_plots_follow_the_data
# misconception: a picture that does not show the data
# says: same picture


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(load_house_sales(), folder),
        iris_section(seed, folder),
        customer_section(load_purchases(), seed, folder),
    ]
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1, 2, 3], [2, 1, 3])
    for path in folder.glob("*.png"):
        figure.savefig(path)
    return write_atomically(folder / "report.md", "\n\n".join(sections))
