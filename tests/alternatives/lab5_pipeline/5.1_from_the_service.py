# exercise: 5.1
# file: contract.py
# accepted: the limits of the request schema of week 2, taken over field by field
import annotated_types

from lab2_service.schemas import House


def _limits(name: str) -> pa.Field:
    """The limits that the service has for a column."""
    given = House.model_fields[name].metadata
    words = {annotated_types.Ge: "ge", annotated_types.Gt: "gt", annotated_types.Le: "le", annotated_types.Lt: "lt"}
    return pa.Field(**{words[type(one)]: getattr(one, words[type(one)]) for one in given if type(one) in words})


class HouseSales(pa.DataFrameModel):
    """What the service takes as a house, and what it was sold for."""

    id: int = pa.Field(gt=0)
    date: pd.Timestamp = pa.Field(gt=pd.Timestamp("1999-12-31"))
    price: int = pa.Field(gt=999, lt=200_000_000)
    bedrooms: int = _limits("bedrooms")
    bathrooms: float = _limits("bathrooms")
    sqft_living: int = _limits("sqft_living")
    sqft_lot: int = _limits("sqft_lot")
    floors: float = _limits("floors")
    waterfront: bool
    view: int = _limits("view")
    condition: int = _limits("condition")
    grade: int = _limits("grade")
    sqft_above: int = _limits("sqft_above")
    sqft_basement: int = _limits("sqft_basement")
    yr_built: int = pa.Field(ge=1850)
    yr_renovated: int = pa.Field(ge=0, lt=2200)
    zipcode: int = _limits("zipcode")
    lat: float = _limits("lat")
    long: float = _limits("long")
    sqft_living15: int = _limits("sqft_living15")
    sqft_lot15: int = _limits("sqft_lot15")

    class Config:
        strict = True
        unique = ["date", "id"]  # noqa: RUF012

    @pa.dataframe_check
    def adds_up(cls, sales: pd.DataFrame) -> pd.Series:
        return sales.eval("sqft_above + sqft_basement == sqft_living")

    @pa.dataframe_check
    def in_time(cls, sales: pd.DataFrame) -> pd.Series:
        return (sales["yr_built"] - 1 <= sales["date"].dt.year) & (sales["date"] < today() + pd.Timedelta(days=1))

    @pa.dataframe_check
    def is_a_day(cls, sales: pd.DataFrame) -> pd.Series:
        return (sales["date"] - sales["date"].dt.floor("D")) == pd.Timedelta(0)
