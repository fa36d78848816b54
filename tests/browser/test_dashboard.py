"""The dashboard in a real browser: filter, compare, follow a link, download; nothing fails or leaves the machine."""

import csv
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from anime_models.records import write_record
from tests.apps.serving import served
from tests.small_records import classifier_record, study_records, write_epochs, write_run

RUN = classifier_record("resnet18", "full", 42).run_id
OTHER = classifier_record("vit_base_16", "progressive", 42).run_id
GOING_ON = classifier_record("resnet50", "full", 99, status="running")
HEADER_HEIGHT = ROW_HEIGHT = 35  # of Streamlit's tables, in pixels
# Streamlit's page looks for its server in every folder of a deep link before it finds it at the root.
SEARCHED = re.compile(r"/\w+/_stcore/(health|host-config)$")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def dashboard(folder: Path) -> Iterator[str]:
    """Address of the dashboard with the shipped records, a study's runs, and a run that goes on."""
    for record in (*study_records(2), GOING_ON):
        write_run(folder, record)
    with served("apps.dashboard", str(folder)) as address:
        yield address


class Look:
    """One browser tab on the dashboard, with everything that went wrong on it."""

    def __init__(self, browser: Browser, address: str, query: str, **options: Any) -> None:
        self.troubles: list[str] = []
        self.address = address
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._note_request)
        self.page.goto(address + query)
        expect(self.page.locator("h1")).to_be_visible()

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not SEARCHED.search(message.location["url"]):
            self.troubles.append(message.text)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.troubles.append(f"request to {request.url}")


@pytest.fixture
def look(browser: Browser, dashboard: str) -> Iterator[Callable[..., Page]]:
    """Open the dashboard at an address; at the end nothing may have gone wrong."""
    looks: list[Look] = []

    def open_page(query: str = "", **options: object) -> Page:
        looks.append(Look(browser, dashboard, query, **options))
        return looks[-1].page

    yield open_page
    for one in looks:
        expect(one.page.get_by_test_id("stException")).to_have_count(0)
        one.context.close()
        assert not one.troubles


def choose(page: Page, key: str, text: str) -> None:
    """Choose something in a field of several values."""
    field = page.locator(f".st-key-{key} input")
    field.click()
    field.fill(text)
    field.press("Enter")
    field.press("Escape")


def table_of(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def tick(page: Page, row: int) -> None:
    """Tick a row of the first table, counted from 0."""
    table_of(page).click(position={"x": 16, "y": HEADER_HEIGHT + row * ROW_HEIGHT + ROW_HEIGHT // 2})


def query_of(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def test_filters_stand_in_the_address_and_a_link_repeats_them(look: Callable[..., Page]) -> None:
    page = look("compare")
    choose(page, "kind", "reported")
    choose(page, "study", "strategies")
    expect(page.get_by_text("16 runs.", exact=True)).to_be_visible()
    assert query_of(page) == {"kind": ["reported"], "study": ["strategies"]}
    again = look(page.url.rpartition("/")[2])
    expect(again.get_by_text("16 runs.", exact=True)).to_be_visible()


def test_two_ticked_rows_stand_side_by_side_and_a_link_shows_them(look: Callable[..., Page]) -> None:
    page = look("compare?study=strategies&kind=reported&sort=Macro+F1")
    expect(page.get_by_text("16 runs.", exact=True)).to_be_visible()
    tick(page, 0)
    expect(page.get_by_text("Every number, side by side")).to_be_visible()
    tick(page, 1)
    chosen = page.locator(".st-key-runs")
    expect(chosen).to_contain_text("santoro-vit_base_16-progressive")
    expect(chosen).to_contain_text("santoro-vit_small_16-full")
    page.get_by_role("tab", name="Settings").click()
    expect(page.get_by_text("In which settings do they differ?")).to_be_visible()
    assert query_of(page)["runs"] == ["santoro-vit_base_16-progressive", "santoro-vit_small_16-full"]
    assert query_of(page)["tab"] == ["Settings"]
    again = look(page.url.rpartition("/")[2])
    expect(again.get_by_text("In which settings do they differ?")).to_be_visible()
    expect(again.locator(".st-key-runs")).to_contain_text("santoro-vit_small_16-full")


def test_a_run_that_is_taken_away_is_no_longer_compared(look: Callable[..., Page]) -> None:
    page = look(f"compare?runs={RUN}&runs={OTHER}&tab=Confusions")
    expect(page.get_by_text("How does the second differ from the first?")).to_be_visible()
    page.locator(".st-key-runs").get_by_role("button", name=re.compile(f"(delete|remove).*{RUN}", re.I)).first.click()
    expect(page.get_by_text("How does the second differ from the first?")).to_have_count(0)
    expect(page.get_by_text("What does ViT-B/16, progressive")).to_be_visible()
    assert query_of(page)["runs"] == [OTHER]


def test_tables_and_figures_are_downloaded(look: Callable[..., Page], tmp_path: Path) -> None:
    page = look("strategies")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the table (CSV)").click()
    waiting.value.save_as(tmp_path / "grid.csv")
    rows = list(csv.DictReader((tmp_path / "grid.csv").read_text().splitlines()))
    assert len(rows) == 32
    assert {row["kind"] for row in rows} == {"measured", "reported"}
    with page.expect_download() as waiting:
        page.locator(".modebar-btn").first.click()
    waiting.value.save_as(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    page.get_by_test_id("stPopover").filter(has_text="Download").last.click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Page (HTML)").click()
    waiting.value.save_as(tmp_path / "figure.html")
    assert "How much of the model is trained?" in (tmp_path / "figure.html").read_text("utf-8")


def test_the_record_of_a_run_is_downloaded(look: Callable[..., Page], tmp_path: Path) -> None:
    page = look(f"run?id={RUN}")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download the record (JSON)").click()
    waiting.value.save_as(tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text())["run_id"] == RUN


def test_every_page_is_one_click_away(look: Callable[..., Page]) -> None:
    page = look(f"compare?runs={RUN}&runs={OTHER}")
    titles = {
        "Efficiency": "What does accuracy cost?",
        "Calibration": "How far can confidences be trusted?",
        "Strategies": "Which strategy suits which backbone?",
        "Characters": "Who is hard to recognise, and what helps?",
        "Augmentation": "What do more, or altered, pictures bring?",
        "Generation": "How do generators learn to draw faces?",
        "Mistakes": "Where do models go wrong?",
        "Run": "What is there to know about a run?",
        "Overview": "Which model should I use, and why?",
        "Compare": "How do runs compare?",
    }
    for name, title in titles.items():
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=name, exact=False).click()
        expect(page.locator("h1")).to_have_text(title)
        expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_model_of_the_overview_leads_to_its_run(look: Callable[..., Page]) -> None:
    page = look()
    page.get_by_role("link", name="Look at the run").first.click()
    expect(page.locator("h1")).to_have_text("What is there to know about a run?")
    assert query_of(page)["id"]
    expect(page.get_by_text("Its results")).to_be_visible()


def test_a_run_that_goes_on_refreshes_by_itself(look: Callable[..., Page], folder: Path) -> None:
    page = look(f"run?id={GOING_ON.run_id}")
    expect(page.get_by_text("8 of at most 20 epochs are done")).to_be_visible()
    write_epochs(folder / GOING_ON.run_id, 9)
    expect(page.get_by_text("9 of at most 20 epochs are done")).to_be_visible()
    finished = classifier_record("resnet50", "full", 99)
    write_record(finished, folder / GOING_ON.run_id / "record.json")
    expect(page.get_by_text("It is finished.")).to_be_visible()


def test_help_is_one_click_away(look: Callable[..., Page]) -> None:
    page = look("strategies")
    page.get_by_role("button", name="How to read this").first.click()
    expect(page.get_by_text("Share of pictures whose most probable class is right.").first).to_be_visible()


def test_nothing_is_wider_than_a_telephone(look: Callable[..., Page]) -> None:
    page = look("strategies", viewport={"width": 400, "height": 800})
    expect(page.get_by_text("How long does an epoch take?")).to_be_visible()
    wider = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth - window.innerWidth")
    assert wider <= 0
