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
    # TODO 2.1: Refuse what cannot be a house
    bedrooms: int
    bathrooms: float
    sqft_living: int
    sqft_lot: int
    floors: float
    waterfront: bool
    view: int
    condition: int
    grade: int
    sqft_above: int
    sqft_basement: int
    yr_built: int
    yr_renovated: int
    zipcode: int
    lat: float
    long: float
    sqft_living15: int
    sqft_lot15: int


class Flower(BaseModel):
    """Four measures of an iris, in centimetres."""

    # TODO 2.1: Refuse what cannot be a house
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


class Customer(BaseModel):
    """What a shop knows about a customer today: recency, frequency and monetary value."""

    # TODO 2.1: Refuse what cannot be a house
    recency_days: int
    frequency: int
    monetary: float
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

    # TODO 2.3: Price a thousand houses in one call
    houses: list[House]


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
