"""A market for `build_model` (1.2): real houses whose zipcodes mean something else in each run; leaking columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lab1_judges.answers import explain
from lab1_judges.recording import events, recording
from lab1_judges.samples import Generator, draw_sales
from labkit.checks import LabHandle, LearnerError, RemoteObject, expect, fail

METHODS = ("fit", "predict", "get_params", "set_params")
LEAKS = ("price_per_sqft", "asking_price")
AS_NUMBER = (
    "This looks like zipcode as a number: 98178 is not more than 98125. A zipcode is a name and needs an encoder "
    "(one-hot, target)."
)
PRICELESS = (
    "A new house has no price yet: a model that needs `price`, or a column made from it, has a leaking column. Name "
    "the columns that the model may use, and drop all others (`ColumnTransformer` does)."
)
LOG_LINKS = ("GammaRegressor",)
UNSEEN = (10_001, 99_950)


@dataclass(frozen=True)
class Market:
    """A model of the learner's, trained on one market, and what it said.

    `train` and `new` are houses to learn from and to be asked for, `effects` is the effect of each zipcode (log),
    `reads` how often `fit` and `predict` loaded the file of all sales, `after` the tables after `fit` and `predict`.
    """

    lab: LabHandle
    train: pd.DataFrame
    new: pd.DataFrame
    effects: pd.Series
    model: RemoteObject
    predicted: np.ndarray
    reads: int
    after: dict[str, pd.DataFrame]

    @property
    def features(self) -> list[str]:
        """The columns that change a prediction by right: those in `FEATURES` (all, where it is empty), no leaks."""
        target = f"{self.lab._package}.house_price:FEATURES"
        _, value = expect.pair(self.lab.make("mlops_probes.prepare:used", target, "main"), "`FEATURES`")
        names = list(value) if isinstance(value, (list, tuple)) and value else list(self.new.columns)
        return [name for name in names if name not in ("id", "price", *LEAKS)]

    def ask(self, houses: pd.DataFrame, what: str) -> np.ndarray:
        """Predict without the price; fail where the answer is not one finite number per house."""
        return predict(self.model, houses.drop(columns="price"), what)


def predict(model: RemoteObject, houses: pd.DataFrame, what: str) -> np.ndarray:
    """Return one finite number per house, or fail."""
    return expect.array(model.predict(houses), what, length=len(houses))


def build(lab: LabHandle) -> RemoteObject:
    """Let the learner's code build a model; fail where it is none."""
    help_text = "Return one scikit-learn estimator, such as a Pipeline or a TransformedTargetRegressor around one."
    return expect.handle(lab.house_price.build_model(), "`build_model()`", methods=METHODS, help=help_text)


def judge_untrained(lab: LabHandle) -> None:
    """Fail where something was trained in `build_model`, or what it returns cannot be copied."""
    with recording(lab, pd.DataFrame({"no key": [0]})) as recorder:
        model, second = build(lab), build(lab)
        trained = [event for event in events(recorder) if event["kind"] == "learn"]
    expect.that(
        not trained,
        expected="`build_model()` trains nothing",
        found=f"it trained a `{str(trained[0].get('name'))[:80] if trained else ''}`",
        help="What learns (a scaler too) learns in `fit`, from the training data alone: fitted before the split, it "
        "has seen the test set.",
    )
    expect.that(
        not model.type_name.endswith(("ABCMeta", "builtins.type")) and model.type_name != "type",
        expected="`build_model()` returns an estimator",
        found="a class",
        help="Call the class: `Ridge()` is an estimator, `Ridge` is its building plan.",
    )
    expect.that(
        lab.make("operator:is_not", model, second),
        expected="each call of `build_model()` makes a new model",
        found="it returns the same object each time",
        help="Make the model inside the function: else a model that was trained once is trained for everybody.",
    )
    try:
        copy = lab.make("sklearn.base:clone", model, doing="`sklearn.base.clone(build_model())`")
    except LearnerError as error:
        fail(
            expected="`sklearn.base.clone(build_model())` makes an untrained copy",
            found=f"{error.type_name}: {error.message[:300]}",
            help="Return an object, not a class. An estimator of your own keeps each argument of `__init__` as an "
            "attribute of the same name, and is a `BaseEstimator`.",
        )
    expect.handle(copy, "the copy of `build_model()`", methods=METHODS)
    try:
        lab.make("pickle:dumps", model, doing="saving `build_model()`")
    except LearnerError as error:
        fail(
            expected="`build_model()` can be saved",
            found=f"{error.type_name}: {error.message[:200]}",
            help="A lambda, or a function inside of a function, has no name by which it could be found again: define "
            "it at the top of the file.",
        )


def draw_market(rng: Generator) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Return houses to learn from, houses to be asked for, and the log effect of each of twelve zipcodes.

    The zipcodes are dealt out by chance, so that nothing else (`lat`, `long`) knows them, and the dear ones are neither
    those of high number nor those that are dear in fact.
    """
    sales = draw_sales(rng, 1_000)
    names = np.sort(rng.choice(sales["zipcode"].unique(), 12, replace=False))
    effects = np.linspace(-0.9, 0.9, len(names))
    in_fact = np.log(sales["price"]).groupby(sales["zipcode"]).mean().reindex(names, fill_value=13)
    rng.shuffle(effects)
    # The first and the last one are not among the dearest and the cheapest: some trees take an unseen one for these.
    while (
        np.abs(np.corrcoef([names, np.arange(len(names)), in_fact, effects])[3, :3]).max() > 0.2
        or np.abs(effects[[0, -1]]).max() > 0.6
    ):
        rng.shuffle(effects)
    dealt = rng.integers(len(names), size=len(sales))
    price = (sales["price"] * np.exp(effects[dealt])).round()
    leaks = {
        "price_per_sqft": price / sales["sqft_living"],
        "asking_price": (price * rng.lognormal(0, 0.03, len(sales))).round(-2),
    }
    sales = sales.assign(zipcode=names[dealt], price=price, **leaks)
    return sales.iloc[:800], sales.iloc[800:], pd.Series(effects, index=names)


def open_market(lab: LabHandle, rng: Generator) -> Market:
    """Train the learner's model on a market and ask it for new houses."""
    train, new, effects = draw_market(rng)
    counter = expect.handle(lab.make("mlops_probes.prepare:ReadCounter", lab._package), "the counter")
    lab.load("house_price")
    before = counter.attr("count")
    model = build(lab)
    after = {"fit": train_model(lab, model, train)}
    priceless = new.drop(columns="price")
    try:
        doing = "`predict` on the raw sales without `price`"
        answer, after["predict"] = _call(lab, model, "predict", priceless, doing=doing)
    except LearnerError as error:
        if "price" in error.message:
            error.help = PRICELESS
        raise
    reads = expect.number(counter.attr("count"), "the number of reads") - expect.number(before, "the number of reads")
    predicted = expect.array(answer, "`predict(new_sales)`", length=len(new))
    return Market(lab, train, new, effects, model, predicted, int(reads), after)


def train_model(lab: LabHandle, model: RemoteObject, sales: pd.DataFrame, given: pd.DataFrame | None = None) -> Any:
    """Train a model on `given` (by default all columns of `sales`); return the table as it is after that."""
    table = sales if given is None else given
    what = "sales" if given is None else "sales[FEATURES]"
    try:
        _, after = _call(lab, model, "fit", table, sales["price"], doing=f"`build_model().fit({what}, sales['price'])`")
    except LearnerError as error:
        if "n_splits" in error.message or "target type" in error.message.lower():
            error.help = (
                "`TargetEncoder` takes whole-number prices for classes: give it log prices, or "
                "`target_type='continuous'`."
            )
        explain(error)
        raise
    return after


def _call(lab: LabHandle, model: RemoteObject, method: str, *args: Any, doing: str) -> tuple[Any, Any]:
    """Call a method; return its answer and its first argument as it is after the call."""
    answer, after = lab.make("mlops_probes.prepare:call_method", model, method, *args, doing=doing)
    return answer, after[0]


def judge_dollars(market: Market) -> None:
    """Fail where predictions are no prices, or say no more than the typical price does."""
    predicted, actual = market.predicted, market.new["price"].to_numpy()
    middle = float(np.median(predicted))
    found = f"the middle prediction is {middle:,.6g}, the middle price {np.median(actual):,.0f} USD"
    if 10 < middle < 17 and predicted.max() < 20:
        fail(
            expected="predictions are in dollars",
            found=found,
            help="These are log dollars: turn them back with the inverse of the logarithm, inside the estimator "
            "(`TransformedTargetRegressor(…, func=np.log1p, inverse_func=np.expm1)`).",
        )
    _above_zero(predicted)
    expect.that(
        0.6 < middle / np.median(actual) < 1.6,
        expected="predictions are about as high as prices, in dollars",
        found=found,
        help="Is the target turned back with the inverse of what was done to it?",
    )
    error = np.abs(np.log(predicted / actual)).mean()
    baseline = np.abs(np.log(actual / np.median(actual))).mean()
    expect.that(
        error < 0.8 * baseline,
        expected="the model is clearly nearer to the prices than one price for all houses",
        found=f"it is off by {np.expm1(error):.0%} on average; the same price for all would be off by "
        f"{np.expm1(baseline):.0%}",
        help="Does the model get the columns that matter, such as `sqft_living`, `grade`, `zipcode`?",
    )
    try:
        market.lab.make("joblib:dump", market.model, "/dev/null", doing="saving the trained model")
    except LearnerError as failure:
        fail(
            expected="a model of `build_model()` can be saved after `fit`, too",
            found=f"{failure.type_name}: {failure.message[:200]}",
            help="Keep no lambda, no open file and no function made inside of a function in the model.",
        )


def _above_zero(predicted: np.ndarray, help_text: str = "A model of log prices has no negative price.") -> None:
    wrong = int((predicted <= 0).sum())
    expect.that(
        not wrong,
        expected="every predicted price is above 0",
        found=f"{wrong} of {len(predicted)} are not",
        help=help_text,
    )


def judge_unseen_zipcode(market: Market) -> None:
    """Fail where a zipcode that was not in the training data is no house to be priced."""
    help_text = "An encoder needs an answer for values it never saw, such as `handle_unknown='ignore'`."
    expected = "a house in a zipcode that was not in the training data gets a price"
    houses = market.new.assign(zipcode=UNSEEN[0]).drop(columns="price")
    try:
        answer = market.model.predict(houses)
    except LearnerError as error:
        fail(expected=expected, found=f"{error.type_name}: {error.message[:200]}", help=help_text)
    predicted = expect.array(answer, "the prices for an unseen zipcode", length=len(houses), help=help_text)
    _above_zero(market.predicted)
    _above_zero(predicted, help_text)
    ratio = predicted / market.predicted
    middle = float(np.median(ratio))
    expect.that(
        0.4 < middle < 2.5,
        expected=f"{expected} like that of a typical zipcode",
        found=f"prices there are {middle:.2f} times those in known zipcodes, in the middle",
        help="What is known of a zipcode that was never seen? As much as of all zipcodes together.",
    )
    expect.that(
        ratio.min() > 0.1 and ratio.max() < 10,
        expected=f"{expected} that is between a tenth and ten times its price in a known zipcode",
        found=f"between {ratio.min():.3g} and {ratio.max():.3g} times that price",
        help=help_text,
    )


def judge_zipcode(market: Market) -> None:
    """Fail where the model does not know what each zipcode is worth, or reads the zipcode as a quantity."""
    houses = market.new.head(25)
    judge_unseen_alike(market, houses)
    asked = pd.concat([houses.assign(zipcode=name) for name in market.effects.index])
    predicted = market.ask(asked, "the prices in each zipcode")
    _above_zero(predicted)
    levels = np.log(predicted).reshape(len(market.effects), -1).mean(axis=1)
    expected = "a house in a dear zipcode is dearer than the same house in a cheap one"
    if levels.std() < 0.15 * market.effects.std():
        fail(
            expected=expected,
            found="the zipcode makes hardly any difference",
            help="Does `zipcode` reach the model, and does an encoder learn it from the training data? Or does "
            "the model take the price from a column that is not in `FEATURES`?",
        )
    match = np.corrcoef(levels, market.effects)[0, 1]
    expect.that(
        match > 0.5,
        expected=expected,
        found=f"the model's order of zipcodes has little to do with their prices (correlation {match:.2f})",
        help=f"{AS_NUMBER} It learns in `fit`, from the training data.",
    )


def judge_unseen_alike(market: Market, houses: pd.DataFrame) -> None:
    """Fail where the number of a zipcode matters although nothing can be known about it."""
    try:
        low, high = (market.ask(houses.assign(zipcode=name), "the prices for an unseen zipcode") for name in UNSEEN)
    except LearnerError:
        return  # another check's business
    if not np.allclose(low, high, rtol=1e-3):
        fail(
            expected=f"two zipcodes that the model never saw ({UNSEEN[0]}, {UNSEEN[1]}) are the same to it",
            found=f"the same house costs {np.median(low):,.0f} USD in the one and {np.median(high):,.0f} in the other",
            help=AS_NUMBER,
        )


def judge_leaks(market: Market, rng: Generator) -> None:
    """Fail where a column changes the predictions that is not known before the price is."""
    houses = market.new
    for name in [name for name in houses.columns if name not in market.features]:
        values = houses[name].to_numpy()
        others = rng.permutation(values)
        if name != "date":
            others = (others * rng.uniform(0.3, 3, len(houses))).astype(values.dtype)
        if name == "id":  # those of houses that were trained on
            others = rng.choice(market.train["id"].to_numpy(), len(houses), replace=False)
        changed = houses.assign(**{name: others})
        predicted = predict(market.model, changed, f"`predict` with another `{name}`")
        share = float(np.mean(~np.isclose(predicted, market.predicted, rtol=1e-6)))
        if share:
            help_text = (
                "`id` is only a name: a model that uses it learns the order of the register, or houses by heart."
                if name == "id"
                else PRICELESS
                if name in ("price", *LEAKS)
                else "Name the columns that the model may use in `FEATURES`, and let it use these."
            )
            fail(
                expected=f"`{name}`, which is not in `FEATURES`, changes no prediction",
                found=f"other values of `{name}` changed {share:.0%} of the predictions",
                help=help_text,
            )


def draw_duplicates(rng: Generator) -> pd.DataFrame:
    """Forty houses, each sold ten times: half of the time cheap, half of it very dear, in the same way for each.

    The median of prices, too, is then far from that of their logarithms: it is the middle of the two prices.
    """
    houses = draw_sales(rng, 40)
    cheap, dear = rng.uniform(80_000, 100_000), rng.uniform(2_300_000, 2_600_000)
    prices = np.tile([cheap, dear], 5).round()
    sales = pd.concat([houses.assign(price=price) for price in prices])
    return sales.sample(frac=1, random_state=rng, ignore_index=True)


def _has_log_link(model: RemoteObject) -> bool:
    """Whether the model fits exp(…) to prices by a loss of relative errors, which does the work of log prices."""
    settings = model.get_params()
    if not isinstance(settings, dict):
        return False
    for name, value in settings.items():
        if isinstance(value, RemoteObject) and value.type_name.rpartition(".")[2] in LOG_LINKS:
            return True
        if str(name).rpartition("__")[2] in ("loss", "criterion", "link", "objective") and value in ("gamma", "log"):
            return True
    return model.type_name.rpartition(".")[2] in LOG_LINKS


def judge_log_target(lab: LabHandle, rng: Generator) -> None:
    """Fail where the model aims at the mean price of like houses, not at the mean of their log prices."""
    sales = draw_duplicates(rng)
    model = build(lab)
    if _has_log_link(model):
        return
    train_model(lab, model, sales)
    predicted = predict(model, sales.drop_duplicates("sqft_lot").drop(columns="price"), "`predict(sales)`")
    mean, typical = sales["price"].mean(), float(np.exp(np.log(sales["price"]).mean()))
    # Over forty houses: whoever looks at three neighbours meets cheap and dear ones by chance.
    found = float(np.exp(np.log(np.clip(predicted, sales["price"].min(), None)).mean()))
    if found > 1.6 * typical:
        fail(
            expected=f"like houses that cost {sales['price'].min():,.0f} (every other one) or "
            f"{sales['price'].max():,.0f} USD (the others) are priced at about {typical:,.0f} USD, "
            "which is right on the scale of log prices",
            found=f"{found:,.0f} USD; the plain mean is {mean:,.0f} USD",
            help="Learn log prices and turn predictions back (`TransformedTargetRegressor`): else one villa outweighs "
            "ten cottages.",
        )
