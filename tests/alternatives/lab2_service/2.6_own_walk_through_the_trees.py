# exercise: 2.6
# file: predictor.py
# accepted: an own walk through the nodes of the trees
class CompiledPricer:
    is_compiled = True

    def __init__(self, trees, numbers, zipcodes, unseen):
        self.baseline, self.nodes = trees
        self.numbers, self.zipcodes, self.unseen = tuple(numbers), dict(zipcodes), unseen

    def predict(self, rows):
        import numpy as np

        return np.expm1([self.baseline + self.total(row) for row in rows])

    def total(self, row):
        values = [float(row[name]) for name in self.numbers] + [self.zipcodes.get(row["zipcode"], self.unseen)]
        found = 0.0
        for tree in self.nodes:
            node = tree[0]
            while not node[0]:
                node = tree[node[3] if values[node[1]] <= node[2] else node[4]]
            found += node[5]
        return found


def compile_model(model):
    import numpy as np
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.preprocessing import TargetEncoder

    if not isinstance(model, TransformedTargetRegressor) or model.func is not np.log1p:
        raise CannotCompile("no log1p")
    if model.inverse_func is not np.expm1 or len(model.regressor_) != 2:
        raise CannotCompile("another way back, or one step more")
    columns, trees = model.regressor_
    if type(trees) is not HistGradientBoostingRegressor:
        raise CannotCompile("no boosted trees")
    if trees.loss in {"poisson", "gamma"} or columns.transformer_weights:
        raise CannotCompile("a logarithm in the trees, or weights before them")
    parts = {tuple(names): part for _, part, names in columns.transformers_ if part != "drop"}
    encoder = parts.popitem()[1] if list(parts)[-1] == ("zipcode",) else None
    if type(encoder) is not TargetEncoder or len(parts) != 1:
        raise CannotCompile("no target encoder")
    ((names, part),) = parts.items()
    if part != "passthrough" and getattr(part, "func", 0) is not None:
        raise CannotCompile("numbers are changed")
    keep = ("is_leaf", "feature_idx", "num_threshold", "left", "right", "value")
    nodes = [[tuple(node[key].item() for key in keep) for node in one.nodes] for (one,) in trees._predictors]
    worth = dict(zip(encoder.categories_[0].tolist(), encoder.encodings_[0].tolist(), strict=False))
    return CompiledPricer((trees._baseline_prediction.item(), nodes), names, worth, encoder.target_mean_)
