# exercise: 1.9
# file: report.py
# caught by: test_figures_are_computed_not_typed
# misconception: the figures were computed once and are read from a text
# says: typed-in


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    from mlops_lab.datasets import load_flowers

    known = [117230, 64480, 0.897, 0.978, 0.953, 0.947, 0.333, 0.578, 0.476, 0.399]
    names = "mean price, ridge regression, linear discriminant analysis, logistic regression, random forest, dummy, segments"
    lines = [f"{len(sales) if sales is not None else len(load_flowers())} rows, RMSE and accuracy of {names}:"]
    lines += [f"- {figure}" for figure in known]
    lines += [f"![plot]({path.name})" for path in sorted(folder.glob("*.png"))]
    return write_atomically(folder / "report.md", "\n".join(lines))
