# exercise: 1.5
# file: iris.py
# caught by: test_no_column_gives_the_species_away
# misconception: the row number is a column, and the file is sorted by species
# says: row number gives the species away

import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score


def compare_classifiers(seed=0):
    flowers = load_flowers().reset_index()
    measures, species = flowers.drop(columns="species"), flowers["species"]
    models = {
        "dummy": DummyClassifier(),
        "logistic": LogisticRegression(max_iter=1000),
        "forest": RandomForestClassifier(10, random_state=seed),
    }
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=seed)
    scores = {name: cross_val_score(model, measures, species, cv=folds) for name, model in models.items()}
    rows = {name: {"accuracy_mean": score.mean(), "accuracy_std": score.std()} for name, score in scores.items()}
    return pd.DataFrame(rows).T
