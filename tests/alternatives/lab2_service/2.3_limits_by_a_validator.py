# exercise: 2.3
# file: schemas.py
# accepted: the limits in a validator
from pydantic import field_validator


class HouseBatch(BaseModel):
    houses: list[House]

    @field_validator("houses")
    @classmethod
    def some_but_not_too_many(cls, houses):
        if not 0 < len(houses) <= 1000:
            raise ValueError("1 to 1000 houses, please")
        return houses
