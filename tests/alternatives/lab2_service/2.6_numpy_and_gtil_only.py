# exercise: 2.6
# file: predictor.py
# accepted: treelite for one row as for many, and assertions that become CannotCompile
class CompiledPricer:
    is_compiled = True

    def __init__(self, trees, numbers, zipcodes, unseen):
        self.trees, self.numbers, self.zipcodes, self.unseen = trees, list(numbers), zipcodes, unseen

    def predict(self, rows):
        import numpy as np
        import treelite

        table = np.empty((len(rows), len(self.numbers) + 1))
        for place, row in enumerate(rows):
            table[place, :-1] = [float(row[name]) for name in self.numbers]
            table[place, -1] = self.zipcodes.get(int(row["zipcode"]), self.unseen)
        return np.expm1(treelite.gtil.predict(self.trees, table, nthread=1)[:, 0, 0])


def compile_model(model):
    import numpy as np
    import treelite

    try:
        assert (model.func, model.inverse_func) == (np.log1p, np.expm1), "another target"
        columns, trees = (step for _, step in model.regressor_.steps)
        (_, plain, numbers), (_, encoder, zipcode) = columns.transformers_[:2]
        kinds = [type(plain).__name__, type(encoder).__name__, type(trees).__name__]
        assert kinds[1:] == ["TargetEncoder", "HistGradientBoostingRegressor"], kinds
        assert plain == "passthrough" or (kinds[0] == "FunctionTransformer" and plain.func is None), kinds
        assert list(zipcode) == ["zipcode"] and not columns.transformer_weights
        assert trees.loss == "squared_error"
        pairs = zip(encoder.categories_[0], encoder.encodings_[0], strict=True)
        worth = {int(key): float(value) for key, value in pairs}
        return CompiledPricer(treelite.sklearn.import_model(trees), numbers, worth, encoder.target_mean_)
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        raise CannotCompile(f"not the model of lab 1: {error}") from error


def make_pricer(artifact):
    slow = EstimatorPricer(artifact.model, list(artifact.metadata.features))
    try:
        return compile_model(artifact.model)
    except CannotCompile:
        logger.exception("slow from here on")
        return slow
