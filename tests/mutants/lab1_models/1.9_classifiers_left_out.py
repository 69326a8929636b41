# exercise: 1.9
# file: report.py
# caught by: test_classifiers_are_compared_by_the_seed
# misconception: only the best classifier is in the report
# says: nothing about


def iris_section(seed: int, folder: Path) -> str:
    from lab1_models.iris import compare_classifiers, confusion
    from mlops_lab import plots
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    counts = confusion(LinearDiscriminantAnalysis(), seed=seed)
    plots.save_png(plots.confusion_matrix(counts), folder / "confusion_matrix.png")
    best = compare_classifiers(seed=seed).head(1)
    return "\n\n".join([markdown_table(best, [3, 3]), "![Confusion matrix](confusion_matrix.png)"])
