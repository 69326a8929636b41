# exercise: 1.9
# file: report.py
# caught by: test_four_plots_are_shown
# misconception: the plots lie outside of the folder, behind absolute paths
# says: absolute path


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    elsewhere = folder.parent / "pictures"
    elsewhere.mkdir(exist_ok=True)
    text = "\n\n".join(sections)
    for path in folder.glob("*.png"):
        text = text.replace(f"]({path.name})", f"]({path.rename(elsewhere / path.name)})")
    return write_atomically(folder / "report.md", text)
