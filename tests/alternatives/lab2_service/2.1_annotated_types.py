# exercise: 2.1
# file: schemas.py
# accepted: types with limits of their own, shared by several fields
from typing import Annotated

from pydantic import BaseModel, Field
from pydantic.config import ConfigDict

Area = Annotated[int, Field(ge=1, lt=5_000_000, description="area in sq ft", examples=[1500])]
Centimetres = Annotated[float, Field(gt=0, lt=50, description="in centimetres", examples=[2.5], allow_inf_nan=False)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class House(Strict):
    bedrooms: Annotated[int, Field(ge=0, le=39, description="bedrooms", examples=[3])]
    bathrooms: Annotated[float, Field(ge=0, le=30, description="bathrooms", examples=[2])]
    sqft_living: Area
    sqft_lot: Area
    floors: Annotated[float, Field(gt=0, le=10, description="floors", examples=[1])]
    waterfront: Annotated[bool, Field(description="at the water?", examples=[False])]
    view: Annotated[int, Field(ge=0, le=4, description="view", examples=[0])]
    condition: Annotated[int, Field(ge=1, le=5, description="condition", examples=[4])]
    grade: Annotated[int, Field(ge=1, le=13, description="grade", examples=[8])]
    sqft_above: Area
    sqft_basement: Annotated[int, Field(ge=0, lt=1_000_000, description="area in sq ft", examples=[0])]
    yr_built: Annotated[int, Field(ge=1800, le=2100, description="year", examples=[1960])]
    yr_renovated: Annotated[int, Field(ge=0, le=2100, description="year, or 0", examples=[0])]
    zipcode: Annotated[int, Field(ge=10_000, le=99_999, description="ZIP code", examples=[98004])]
    lat: Annotated[float, Field(ge=47, le=48, description="degrees", examples=[47.6])]
    long: Annotated[float, Field(ge=-123, le=-121, description="degrees", examples=[-122.2])]
    sqft_living15: Area
    sqft_lot15: Area


class Flower(Strict):
    sepal_length: Centimetres
    sepal_width: Centimetres
    petal_length: Centimetres
    petal_width: Centimetres


class Customer(Strict):
    recency_days: Annotated[int, Field(ge=0, le=100_000, description="days since the last purchase", examples=[3])]
    frequency: Annotated[int, Field(ge=1, description="purchases", examples=[3])]
    monetary: Annotated[float, Field(ge=0, description="dollars in all", examples=[99])]
