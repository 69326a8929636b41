"""What the service takes and what it answers, as Pydantic models: they check each request and make the documentation.

Lengths of flowers are in centimetres, areas of houses in square feet, money in US dollars.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

# Every answer names the model that gave it: the first 12 digits of the checksum of its file.
ModelVersion = Annotated[str, Field(description="version of the model that answered", examples=["3f2a9c0d81be"])]


# fmt: off
class House(BaseModel):
    """One house in King County, with what is known about it before it is sold."""

    # The limits: what the data holds, and somewhat more, as far as common sense allows.
    # solution 2.1
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    bedrooms: int = Field(ge=0, lt=40, description="number of bedrooms", examples=[3])
    bathrooms: float = Field(ge=0, le=20, description="number of bathrooms; 0.5 has no shower", examples=[2.25])
    sqft_living: int = Field(ge=100, le=50_000, description="living area, square feet", examples=[1910])
    sqft_lot: int = Field(ge=100, le=10_000_000, description="area of the land, square feet", examples=[7618])
    floors: float = Field(ge=1, le=6, description="number of floors; 1.5 has a room under the roof", examples=[1.5])
    waterfront: bool = Field(description="stands at the water", examples=[False])
    view: int = Field(ge=0, le=4, description="quality of the view, 0 (none) to 4", examples=[0])
    condition: int = Field(ge=1, le=5, description="state of repair, 1 (poor) to 5", examples=[3])
    grade: int = Field(ge=1, le=13, description="quality of building and design, 1 to 13", examples=[7])
    sqft_above: int = Field(ge=100, le=50_000, description="living area above ground, square feet", examples=[1560])
    sqft_basement: int = Field(ge=0, le=20_000, description="living area of the basement, square feet", examples=[350])
    yr_built: int = Field(ge=1850, le=2030, description="year of construction", examples=[1975])
    yr_renovated: int = Field(ge=0, le=2030, description="year of the last renovation, 0: never", examples=[0])
    zipcode: int = Field(ge=10_000, le=99_999, description="postal code, five digits", examples=[98103])
    lat: float = Field(ge=47.1, le=47.8, description="latitude, degrees north, in King County", examples=[47.67])
    long: float = Field(ge=-122.6, le=-121.0, description="longitude, degrees east, in King County", examples=[-122.34])
    sqft_living15: int = Field(
        ge=100, le=50_000, description="mean living area of the 15 nearest houses, square feet", examples=[1840]
    )
    sqft_lot15: int = Field(
        ge=100, le=10_000_000, description="mean land of the 15 nearest houses, square feet", examples=[7620]
    )
    #~ bedrooms: int
    #~ bathrooms: float
    #~ sqft_living: int
    #~ sqft_lot: int
    #~ floors: float
    #~ waterfront: bool
    #~ view: int
    #~ condition: int
    #~ grade: int
    #~ sqft_above: int
    #~ sqft_basement: int
    #~ yr_built: int
    #~ yr_renovated: int
    #~ zipcode: int
    #~ lat: float
    #~ long: float
    #~ sqft_living15: int
    #~ sqft_lot15: int
    # end solution


class Flower(BaseModel):
    """Four measures of an iris, in centimetres."""

    # solution 2.1
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    sepal_length: float = Field(gt=0, le=30, description="length of a sepal, cm", examples=[5.8])
    sepal_width: float = Field(gt=0, le=30, description="width of a sepal, cm", examples=[3.0])
    petal_length: float = Field(gt=0, le=30, description="length of a petal, cm", examples=[4.3])
    petal_width: float = Field(gt=0, le=30, description="width of a petal, cm", examples=[1.3])
    #~ sepal_length: float
    #~ sepal_width: float
    #~ petal_length: float
    #~ petal_width: float
    # end solution


class Customer(BaseModel):
    """What a shop knows about a customer today: recency, frequency and monetary value."""

    # solution 2.1
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    recency_days: int = Field(ge=0, le=36_500, description="days since the last purchase", examples=[60])
    frequency: int = Field(ge=1, le=1_000_000, description="number of purchases", examples=[3])
    monetary: float = Field(ge=0, le=1e9, description="money spent in all, USD", examples=[110.5])
    #~ recency_days: int
    #~ frequency: int
    #~ monetary: float
    # end solution
# fmt: on


class LikelyRange(BaseModel):
    """Between `low` and `high` lie the prices of `share` of all houses that got such an answer."""

    low: float = Field(description="USD", examples=[390_000.0])
    high: float = Field(description="USD", examples=[560_000.0])
    share: float = Field(description="0 to 1", examples=[0.8])


class PricedHouse(BaseModel):
    """The price of one house."""

    price: float = Field(description="estimated price, USD", examples=[468_200.0])
    likely_range: LikelyRange | None = Field(description="null where the model was saved without one")
    warnings: list[str] = Field(description="what to know about this answer; mostly empty", examples=[[]])


class HousePrice(PricedHouse):
    """The answer to one house."""

    model_version: ModelVersion


class HouseBatch(BaseModel):
    """Many houses at once."""

    # solution 2.3
    model_config = ConfigDict(extra="forbid")

    houses: list[House] = Field(min_length=1, max_length=1_000)
    # ~ houses: list[House]
    # end solution


class HousePrices(BaseModel):
    """The answer to many houses, in their order."""

    predictions: list[PricedHouse]
    model_version: ModelVersion


class Species(BaseModel):
    """The answer to a flower."""

    species: str = Field(description="the most probable species", examples=["versicolor"])
    probabilities: dict[str, float] = Field(
        description="probability of each species, 0 to 1",
        examples=[{"setosa": 0.0, "versicolor": 0.98, "virginica": 0.02}],
    )
    model_version: ModelVersion


class Segment(BaseModel):
    """The answer to a customer."""

    segment: int = Field(ge=0, description="0 spends least, `segments` - 1 spends most", examples=[2])
    segments: int = Field(ge=1, description="number of segments", examples=[4])
    model_version: ModelVersion


class Problem(BaseModel):
    """Any error, as RFC 9457 has it."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["1 field is wrong"])
    instance: str = Field(description="path of the request", examples=["/v1/house-price"])
    errors: list[dict[str, str]] = Field(
        default=[],
        description="one entry per wrong field, with its name (`field`) and what is wrong (`reason`)",
        examples=[[{"field": "houses[3].bedrooms", "reason": "Input should be less than 40"}]],
    )


def problem_answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the documentation of an endpoint: it may also answer with these errors, as `application/problem+json`."""
    from http import HTTPStatus

    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}
