# exercise: 1.9
# file: report.py
# caught by: test_figures_are_computed_not_typed
# misconception: text and figures were typed, only the plots are computed
# says: typed-in


def write_report(folder, sales=None, purchases=None, seed=0):
    folder = Path(folder)
    sections = [
        house_price_section(sales, folder),
        iris_section(seed, folder),
        customer_section(purchases, seed, folder),
    ]
    text = """# Report of week 1

The house price model has an RMSE of 117,200 and an MAE of 64,500 USD (R² 0.897).
On 2015 the MAE is 74,800 USD. Without a model, RMSE would be 366,700 USD.

| model | accuracy_mean | accuracy_std |
| --- | --- | --- |
| linear discriminant analysis | 0.978 | 0.022 |
| logistic regression | 0.953 | 0.035 |
| random forest | 0.947 | 0.033 |
| dummy | 0.333 | 0.000 |

The four segments have 9,812, 6,744, 4,215 and 2,799 customers, with a silhouette of 0.399.

![a](predicted_against_actual.png) ![b](residuals_by_month.png) ![c](confusion_matrix.png) ![d](segments.png)
"""
    return write_atomically(folder / "report.md", text)
