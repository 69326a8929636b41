"""Make the list of neighbourhoods that the web page of lab 2 offers.

    python -m weeks.week2_service.neighbourhoods           write solutions/lab2_service/page/neighbourhoods.json
    python -m weeks.week2_service.neighbourhoods --check   write nothing; fail where the committed file is another one

One entry per zipcode of the house sales: where its houses stand and how large they are (medians), and how many of them
were sold. A zipcode is an area of the post office. Its borders are not those of a city, so the names say where most of
its houses are. The data does not hold names: they are written below.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from mlops_lab.datasets import load_house_sales
from mlops_lab.files import write_atomically

FILE = Path(__file__).resolve().parents[2] / "solutions" / "lab2_service" / "page" / "neighbourhoods.json"

# fmt: off
PLACES = {
    98001: "Auburn, west", 98002: "Auburn, centre", 98003: "Federal Way, east", 98004: "Bellevue, west",
    98005: "Bellevue, Wilburton", 98006: "Bellevue, Somerset", 98007: "Bellevue, Crossroads",
    98008: "Bellevue, Lake Hills", 98010: "Black Diamond", 98011: "Bothell", 98014: "Carnation", 98019: "Duvall",
    98022: "Enumclaw", 98023: "Federal Way, west", 98024: "Fall City", 98027: "Issaquah, west", 98028: "Kenmore",
    98029: "Issaquah, Highlands", 98030: "Kent, south-east", 98031: "Kent, East Hill", 98032: "Kent, west",
    98033: "Kirkland, south", 98034: "Kirkland, Juanita", 98038: "Maple Valley", 98039: "Medina",
    98040: "Mercer Island", 98042: "Covington", 98045: "North Bend", 98052: "Redmond", 98053: "Redmond, east",
    98055: "Renton, south", 98056: "Renton, Highlands", 98058: "Renton, Fairwood", 98059: "Renton, east",
    98065: "Snoqualmie", 98070: "Vashon Island", 98072: "Woodinville, west", 98074: "Sammamish, north",
    98075: "Sammamish, south", 98077: "Woodinville, east", 98092: "Auburn, east", 98102: "Seattle, Eastlake",
    98103: "Seattle, Green Lake and Fremont", 98105: "Seattle, University District", 98106: "Seattle, Delridge",
    98107: "Seattle, Ballard", 98108: "Seattle, Georgetown and South Beacon Hill", 98109: "Seattle, Queen Anne, east",
    98112: "Seattle, Madison Park and Montlake", 98115: "Seattle, Ravenna and Wedgwood", 98116: "Seattle, Alki",
    98117: "Seattle, Crown Hill and Sunset Hill", 98118: "Seattle, Columbia City and Seward Park",
    98119: "Seattle, Queen Anne, west", 98122: "Seattle, Central District and Madrona", 98125: "Seattle, Lake City",
    98126: "Seattle, High Point", 98133: "Seattle, Bitter Lake", 98136: "Seattle, Fauntleroy",
    98144: "Seattle, Mount Baker", 98146: "White Center", 98148: "Burien, south", 98155: "Lake Forest Park",
    98166: "Burien, west", 98168: "Tukwila, north", 98177: "Shoreline, west", 98178: "Skyway", 98188: "SeaTac",
    98198: "Des Moines", 98199: "Seattle, Magnolia",
}
# fmt: on


def neighbourhoods() -> list[dict[str, Any]]:
    """Return one entry per zipcode of the sales, sorted by zipcode; areas in square feet, place in degrees."""
    sales = load_house_sales()
    groups = [(zipcode, sales[sales["zipcode"] == zipcode]) for zipcode in sorted(map(int, sales["zipcode"].unique()))]
    return [
        {
            "zipcode": zipcode,
            "place": PLACES[zipcode],
            "lat": round(float(rows["lat"].median()), 4),
            "long": round(float(rows["long"].median()), 4),
            "sqft_living15": round(float(rows["sqft_living15"].median())),
            "sqft_lot15": round(float(rows["sqft_lot15"].median())),
            "sales": len(rows),
        }
        for zipcode, rows in groups
    ]


def as_text() -> str:
    """Return the file: JSON with one entry per line, so that a change can be read."""
    return "[\n" + ",\n".join(json.dumps(entry) for entry in neighbourhoods()) + "\n]\n"


def main(arguments: list[str] | None = None) -> int:
    """Write or compare the file; return the exit status."""
    parser = argparse.ArgumentParser(description="Make the list of neighbourhoods of lab 2's web page.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the file is out of date")
    if parser.parse_args(arguments).check:
        if FILE.exists() and FILE.read_text(encoding="utf-8") == as_text():
            return 0
        command = "python -m weeks.week2_service.neighbourhoods"
        print(f"error: `{FILE.name}` is out of date; run `{command}`", file=sys.stderr)
        return 1
    write_atomically(FILE, as_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
