# exercise: 2.1
# file: schemas.py
# accepted: one validator for all fields, and one example for the whole request
import math

from pydantic import BaseModel, ConfigDict, Field, field_validator


class House(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "bedrooms": 3,
                    "bathrooms": 1,
                    "sqft_living": 1180,
                    "sqft_lot": 5650,
                    "floors": 1,
                    "waterfront": False,
                    "view": 0,
                    "condition": 3,
                    "grade": 7,
                    "sqft_above": 1180,
                    "sqft_basement": 0,
                    "yr_built": 1955,
                    "yr_renovated": 0,
                    "zipcode": 98178,
                    "lat": 47.5112,
                    "long": -122.257,
                    "sqft_living15": 1340,
                    "sqft_lot15": 5650,
                }
            ]
        },
    )

    bedrooms: int = Field(description="bedrooms")
    bathrooms: float = Field(description="bathrooms")
    sqft_living: int = Field(description="square feet")
    sqft_lot: int = Field(description="square feet")
    floors: float = Field(description="floors")
    waterfront: bool = Field(description="waterfront")
    view: int = Field(description="0 to 4")
    condition: int = Field(description="1 to 5")
    grade: int = Field(description="1 to 13")
    sqft_above: int = Field(description="square feet")
    sqft_basement: int = Field(description="square feet")
    yr_built: int = Field(description="year")
    yr_renovated: int = Field(description="year or 0")
    zipcode: int = Field(description="postal code")
    lat: float = Field(description="degrees")
    long: float = Field(description="degrees")
    sqft_living15: int = Field(description="square feet")
    sqft_lot15: int = Field(description="square feet")

    @field_validator("*")
    @classmethod
    def is_possible(cls, value, info):
        low, high = {
            "bedrooms": (0, 39),
            "bathrooms": (0, 50),
            "floors": (0.5, 20),
            "view": (0, 4),
            "condition": (1, 5),
            "grade": (1, 13),
            "yr_built": (1850, 2100),
            "yr_renovated": (0, 2100),
            "zipcode": (10_000, 99_999),
            "lat": (47.0, 47.9),
            "long": (-122.8, -120.9),
            "sqft_basement": (0, 10**6),
            "waterfront": (0, 1),
        }.get(info.field_name, (1, 10**8))
        if not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"between {low} and {high}, please")
        return value
