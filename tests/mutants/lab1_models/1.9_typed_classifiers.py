# exercise: 1.9
# file: report.py
# caught by: test_classifiers_are_compared_by_the_seed
# misconception: the table of classifiers was typed, the rest is computed
# says: accuracy


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    typed = """## Iris

| model | accuracy |
| --- | --- |
| linear discriminant analysis | 97.8 % |
| logistic regression | 95.3 % |
| random forest | 94.7 % |
| dummy | 33.3 % |

![Confusion matrix](confusion_matrix.png)"""
    return write_atomically(folder / "report.md", "\n\n".join([sections[0], typed, sections[2]]))
