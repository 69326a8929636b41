"""The page of lab 2 in a real browser: axe-core finds nothing, and screenshots are kept in `reports/lab2_page/`.

Needs Chromium, and npm for axe-core, which is fetched for the test and not kept.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mlops_lab.processes import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "solutions" / "lab2_service" / "page"
SHOTS = ROOT / "reports" / "lab2_page"
AXE = "axe-core@4.14.1"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
HOUSE = 'form[data-model="house-price"]'

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH; `lab doctor` says how to get it")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the solution's service, with models that it has trained itself."""
    command = [sys.executable, "-m", "uvicorn", "--factory", "lab2_service.app:create_app", "--port", "{port}"]
    env = {"PYTHONPATH": str(ROOT / "solutions"), "MODELS_DIR": str(tmp_path_factory.mktemp("models"))}
    with serve(command, health="/readyz", env=env, timeout=180) as server:
        yield server.url


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not there, and axe-core comes from it")
    folder = tmp_path_factory.mktemp("axe")
    command = [
        "npm",
        "install",
        "--prefix",
        str(folder),
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        AXE,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        pytest.skip(f"npm cannot fetch axe-core: {done.stderr[-300:]}")
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, chromium_sandbox=os.geteuid() != 0)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, url: str) -> Iterator[Page]:
    """The page; whatever a script of it throws fails the test."""
    thrown: list[str] = []
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("pageerror", lambda error: thrown.append(error.message))
    page.goto(url)
    page.locator("#neighbourhood option").nth(70).wait_for(state="attached")
    yield page
    context.close()
    assert thrown == []


def field(page: Page, name: str) -> Locator:
    return page.locator(f'{HOUSE} [name="{name}"]')


def answer_all(page: Page) -> None:
    """Every form has its answer, the house a warning too."""
    field(page, "zipcode").fill("98999")
    for form in page.locator("form").all():
        form.get_by_role("button").click()
        form.locator(".price").wait_for()


def err_everywhere(page: Page) -> None:
    """Wrong fields, also a folded one, and a service that is gone."""
    field(page, "bedrooms").fill("99")
    field(page, "yr_built").fill("old")
    page.get_by_text("More about the house").click()
    field(page, "sqft_lot15").fill("")
    page.locator(HOUSE).get_by_role("button").click()
    page.locator(".problem").nth(2).wait_for()
    page.route("**/v1/iris", lambda route: route.abort())
    page.locator('form[data-model="iris"]').get_by_role("button").click()
    page.locator('form[data-model="iris"]').get_by_role("alert").filter(has_text="no answer").wait_for()


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_the_page_is_photographed(page: Page, axe: str, scheme: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    SHOTS.mkdir(parents=True, exist_ok=True)
    for state, come_there in (("start", lambda page: None), ("answers", answer_all), ("errors", err_everywhere)):
        come_there(page)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=SHOTS / f"{width}_{scheme}_{state}.png", full_page=True)
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
        assert found["passes"], "axe has looked at nothing"
        assert [describe(violation) for violation in found["violations"]] == []


def describe(violation: dict[str, Any]) -> str:
    return f"{violation['help']}: {[node['html'] for node in violation['nodes']]}"


def test_choosing_a_neighbourhood_fills_place_and_neighbours(page: Page) -> None:
    places = {place["place"]: place for place in json.loads((PAGE / "neighbourhoods.json").read_text(encoding="utf-8"))}
    page.get_by_label("Neighbourhood").select_option(label="Medina (98039)")
    page.get_by_text("More about the house").click()
    for name in ("zipcode", "lat", "long", "sqft_living15", "sqft_lot15"):
        assert float(field(page, name).input_value()) == places["Medina"][name]


def test_a_typed_zipcode_does_the_same_and_an_unknown_one_is_somewhere_else(page: Page) -> None:
    list_of_places, zipcode = page.get_by_label("Neighbourhood"), field(page, "zipcode")
    assert list_of_places.input_value() == zipcode.input_value() == "98103"
    zipcode.fill("98039")
    zipcode.blur()
    assert list_of_places.input_value() == "98039"
    assert float(field(page, "lat").input_value()) == pytest.approx(47.62, abs=0.01)
    zipcode.fill("98999")
    zipcode.blur()
    assert list_of_places.input_value() == ""
    assert float(field(page, "lat").input_value()) == pytest.approx(47.62, abs=0.01)


def test_the_first_defaults_belong_together(page: Page) -> None:
    place = next(
        place
        for place in json.loads((PAGE / "neighbourhoods.json").read_text(encoding="utf-8"))
        if str(place["zipcode"]) == field(page, "zipcode").input_value()
    )
    for name in ("lat", "long", "sqft_living15", "sqft_lot15"):
        assert float(field(page, name).input_value()) == place[name]
    living, above, below = (
        float(field(page, name).input_value()) for name in ("sqft_living", "sqft_above", "sqft_basement")
    )
    assert living == above + below


def test_the_area_above_ground_follows_the_living_area(page: Page) -> None:
    field(page, "sqft_living").fill("3000")
    field(page, "sqft_living").blur()
    assert field(page, "sqft_above").input_value() == "2650"


def test_an_impatient_reader_asks_once(page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.locator(HOUSE).get_by_role("button").dblclick()
    page.locator(f"{HOUSE} .price").wait_for()
    assert len(asked) == 1


def test_the_page_works_without_its_list_of_places(chromium: Browser, url: str) -> None:
    page = chromium.new_page()
    page.route("**/neighbourhoods.json", lambda route: route.fulfill(status=404, body="no"))
    page.goto(url)
    page.locator(HOUSE).get_by_role("button").click()
    page.locator(f"{HOUSE} .price").wait_for()
    page.close()
