"""The tab Generate with another generator, with none, in the dark and where there is little room."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.browser.generate_page import (
    CAPTION,
    FACES,
    FIRST_FACE,
    face,
    open_panel,
    query_of,
    to_seed,
    use_generator,
)
from tests.browser.pages import contrast, scrolls_sideways
from tests.small_generators import small_generator

Generate = Callable[..., Page]
WORDS = (CAPTION, "#am-seen .am-headline", "#am-seen .am-facts li", "#am-panels .am-muted:visible", ".am-label:visible")


@pytest.fixture(scope="module")
def other_generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator with one direction, no pictures of its training and nothing to compare its faces with."""
    folder = tmp_path_factory.mktemp("generators") / "other"
    return small_generator(folder, directions=["longer hair"], epochs=0, novelty=False, seed=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_and_nothing_scrolls_sideways(generate_page: Page, scheme: Literal["light", "dark"]) -> None:
    page = generate_page
    page.emulate_media(color_scheme=scheme)
    expect(page.locator("body.dark")).to_have_count(int(scheme == "dark"))
    expect(page.locator("#am-seen .am-facts")).to_be_visible()
    for width in (1280, 400):
        page.set_viewport_size({"width": width, "height": 900})
        for name in ("Best of many", "Animation", "Your picture", "Training", "Save", "Neighbours"):
            open_panel(page, name)
            assert not scrolls_sideways(page), name
        for place in WORDS:
            assert contrast(page, place) >= 4.5, place


def test_another_generator_brings_its_own_sliders_and_a_broken_one_changes_nothing(
    generate: Generate, generator_folder: Path, other_generator: Path, tmp_path: Path
) -> None:
    page = generate()
    first = face(page)
    expect(use_generator(page, "no/such/folder")).to_contain_text("There is no folder")
    for file in generator_folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"broken")
    expect(use_generator(page, str(tmp_path))).to_contain_text("model.safetensors")
    expect(page.locator("#am-generator-status")).to_contain_text("Still in use: built-in")
    assert face(page) == first

    expect(use_generator(page, str(other_generator))).to_contain_text("In use")
    expect(page.locator(CAPTION)).to_have_text(FIRST_FACE)
    assert face(page) != first
    sliders = page.locator(".am-direction:visible")
    expect(sliders).to_have_count(1)
    expect(sliders).to_contain_text("longer hair")
    open_panel(page, "Training")
    expect(page.locator("#am-epoch-faces")).to_contain_text("came without pictures of its training")
    to_seed(page, 8)
    expect(page).to_have_url(re.compile(r"\.s8\..*&model="))
    again = generate(query_of(page))
    expect(again.locator(CAPTION)).to_contain_text("Seed 8,")
    assert face(again) == face(page)


def test_a_link_to_another_generator_asks_for_its_face_alone(generate: Generate, other_generator: Path) -> None:
    page = generate()
    expect(use_generator(page, str(other_generator))).to_contain_text("In use")
    to_seed(page, 8)
    expect(page).to_have_url(re.compile(r"\.s8\..*&model="))
    asked: list[str] = []
    again = page.context.new_page()
    again.on("request", lambda request: asked.append(request.post_data or ""))
    again.goto(page.url)
    expect(again.locator(CAPTION)).to_contain_text("Seed 8,")
    expect(again.locator(f"#am-neighbours {FACES}")).to_have_count(9)
    fields = [json.loads(body)["data"][0] for body in asked if str(other_generator) in body and "fn_index" in body]
    wanted = [json.loads(field) for field in fields if str(field).startswith("[")]
    assert wanted
    assert {seed for _, seed, *_ in wanted} == {8}


def test_without_a_generator_the_page_says_so_and_takes_one(visit_bare: Generate, generator_folder: Path) -> None:
    page = visit_bare("?tab=generate")
    expect(page.locator("#am-no-generator")).to_contain_text("No face generator is built in. Train one with")
    expect(page.locator("#am-seed-slider")).not_to_be_visible()
    expect(use_generator(page, str(generator_folder))).to_contain_text("In use")
    expect(page.locator("#am-no-generator")).not_to_be_visible()
    to_seed(page, 42)
    expect(page.locator(".am-direction:visible")).to_have_count(6)
    expect(page.locator(".am-unseen:visible")).to_have_count(0)
    expect(page.locator(f"#am-neighbours {FACES}")).to_have_count(9)
