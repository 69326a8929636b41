# exercise: 5.1
# file: contract.py
# accepted: rules as columns of a table of limits, and one rule over all columns for each row


class HouseSales(pa.DataFrameModel):
    """Limits by annotation and by methods."""

    id: int = pa.Field(gt=0)
    date: pa.typing.Series[pd.Timestamp]
    price: int = pa.Field(in_range={"min_value": 1, "max_value": 300_000_000})
    bedrooms: int = pa.Field(isin=range(40))
    bathrooms: float = pa.Field(in_range={"min_value": 0, "max_value": 40})
    sqft_living: int
    sqft_lot: int
    floors: float = pa.Field(ge=0.5, lt=20)
    waterfront: bool
    view: int = pa.Field(isin=[0, 1, 2, 3, 4])
    condition: int = pa.Field(isin=[1, 2, 3, 4, 5])
    grade: int = pa.Field(gt=0, lt=14)
    sqft_above: int
    sqft_basement: int = pa.Field(ge=0, le=100_000)
    yr_built: int = pa.Field(ge=1800, lt=2200)
    yr_renovated: int
    zipcode: int = pa.Field(ge=10_000, le=99_999)
    lat: float = pa.Field(gt=47, lt=48)
    long: float = pa.Field(gt=-123, lt=-120)
    sqft_living15: int
    sqft_lot15: int

    class Config:
        strict = True

    @pa.check("sqft_living|sqft_above|sqft_living15", regex=True)
    def is_an_area(cls, area: pd.Series) -> pd.Series:
        return area.between(50, 300_000)

    @pa.check("sqft_lot|sqft_lot15", regex=True)
    def is_a_lot(cls, area: pd.Series) -> pd.Series:
        return area.between(50, 40_000_000)

    @pa.check("yr_renovated")
    def is_a_year(cls, year: pd.Series) -> pd.Series:
        return (year == 0) | year.between(1800, 2200)

    @pa.check("date", element_wise=True)
    def is_a_past_day(cls, date: pd.Timestamp) -> bool:
        return pd.Timestamp("1990-01-01") <= date <= today() and date == date.normalize()

    @pa.dataframe_check
    def is_whole(cls, sales: pd.DataFrame) -> pd.Series:
        adds_up = sales["sqft_living"] - sales["sqft_basement"] == sales["sqft_above"]
        in_time = sales["yr_built"] - sales["date"].dt.year < 2
        once = ~sales.duplicated(["id", "date"], keep=False)
        return adds_up & in_time & once
