"""The big face of the tab Generate and what moves it, in a real browser; the generator draws coloured noise."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.generate_page import (
    CAPTION,
    FACE,
    FIRST_FACE,
    face,
    open_panel,
    query_of,
    slide,
    to_first_face,
    to_seed,
)
from tests.browser.pages import tab_to

Generate = Callable[..., Page]


@pytest.fixture
def page(generate_page: Page) -> Page:
    """The page that all tests here share, on its first face."""
    to_first_face(generate_page)
    return generate_page


def test_the_seed_slider_shows_another_face_and_back_the_same_bytes(page: Page) -> None:
    to_seed(page, 42)
    first = face(page)
    to_seed(page, 43)
    assert face(page) != first
    to_seed(page, 42)
    assert face(page) == first
    expect(page.locator("#am-seed input")).to_have_value("42")
    expect(page.locator(FACE)).to_have_attribute("alt", "Generated face. Seed 42, truncation 1.00")


def test_buttons_step_through_the_seeds_and_past_the_last_comes_the_first(page: Page) -> None:
    caption, slider = page.locator(CAPTION), page.get_by_role("slider", name="range slider for Seed")
    page.locator("#am-next").click()
    expect(caption).to_contain_text("Seed 2,")
    expect(slider).to_have_value("2")
    page.locator("#am-seed input").fill("4294967295")
    expect(caption).to_contain_text("Seed 4294967295,")
    page.locator("#am-next").click()
    expect(caption).to_contain_text("Seed 0,")
    page.locator("#am-previous").click()
    expect(caption).to_contain_text("Seed 4294967295,")
    page.locator("#am-random").click()
    expect(caption).not_to_contain_text("Seed 4294967295,")
    assert page.locator("#am-seed input").input_value() == slider.input_value()


def test_named_sliders_move_the_face_and_reset_brings_it_back(page: Page) -> None:
    first = face(page)
    slide(page, "mouth open", 0.5)
    slide(page, "larger eyes", -1)
    expect(page.locator(CAPTION)).to_have_text(f"{FIRST_FACE}, mouth open +0.50, larger eyes -1.00")
    assert face(page) != first
    page.locator("#am-reset").click()
    expect(page.locator(CAPTION)).to_have_text(FIRST_FACE)
    assert face(page) == first


def test_without_any_truncation_left_all_seeds_are_one_face(page: Page) -> None:
    slide(page, "Truncation", 0)
    expect(page.locator(CAPTION)).to_contain_text("truncation 0.00")
    average = face(page)
    page.locator("#am-next").click()
    expect(page.locator(CAPTION)).to_contain_text("Seed 2,")
    assert face(page) == average


def test_a_seed_out_of_range_gets_a_message_and_the_face_stays(page: Page) -> None:
    first = face(page)
    for wrong in ("4294967296", "-1", "1.5", ""):
        page.locator("#am-seed input").fill(wrong)
        expect(page.locator("#am-face-status [role=alert]")).to_contain_text("whole number from 0 to 4294967295")
        assert face(page) == first
        page.locator("#am-seed input").fill("1")
        expect(page.locator("#am-face-status [role=alert]")).to_have_count(0)


def test_the_models_say_what_they_see_and_how_new_it_is(page: Page) -> None:
    seen = page.locator("#am-seen")
    expect(seen.locator("[data-task=character] [role=meter]")).to_have_count(3)
    expect(seen.locator("[data-task=emotion] .am-headline")).to_have_text("Angry")
    expect(seen).to_contain_text("of real faces that training never saw")
    before = seen.get_by_text("Discriminator score").inner_text()
    page.locator("#am-next").click()
    expect(seen.get_by_text("Discriminator score")).not_to_have_text(before)


def test_a_link_restores_the_page_for_a_visitor_who_moves_only_his_own(page: Page, generate: Generate) -> None:
    page.locator("#am-seed input").fill("123456789")
    slide(page, "Truncation", 1)
    slide(page, "Clip", 2)
    slide(page, "larger eyes", -0.25)
    words = "Seed 123456789, truncation 1.00, clip 2.00, larger eyes -0.25"
    expect(page.locator(CAPTION)).to_have_text(words)
    open_panel(page, "Save")
    expect(page.locator("#am-link textarea")).to_have_value(re.compile(r"\.s123456789\..*d0_0_0_0_0_-250$"))
    assert page.locator("#am-link textarea").input_value() == page.url
    again = generate(query_of(page))
    expect(again.locator(CAPTION)).to_have_text(words)
    expect(again.locator(FACE)).to_have_attribute("src", face(page))
    expect(again.locator("#am-seed input")).to_have_value("123456789")
    expect(again.get_by_role("slider", name="range slider for larger eyes")).to_have_value("-0.25")
    expect(again.get_by_role("slider", name="range slider for Clip")).to_have_value("2")
    expect(again.locator("#am-seen [role=meter]").first).to_be_visible()
    to_seed(again, 20)
    slide(page, "mouth open", 1)
    expect(page.locator(CAPTION)).to_contain_text("Seed 123456789, truncation 1.00, clip 2.00, mouth open +1.00")


def test_the_link_can_be_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    to_seed(page, 7)
    open_panel(page, "Save")
    expect(page.locator("#am-link textarea")).to_have_value(re.compile(r"\.s7\."))
    page.locator("#am-copy-link").click()
    expect(page.locator("#am-copied")).to_have_text("Link copied.")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?face=rubbish", "copy it whole"),
        ("?tab=generate&face=1.g00000000.s1.t1000&model=no/such/folder", "There is no folder"),
    ],
)
def test_a_broken_link_gets_a_message_and_the_first_face(generate: Generate, query: str, message: str) -> None:
    page = generate(query)
    expect(page.locator("#am-link-status [role=alert]")).to_contain_text(message)
    expect(page.locator(CAPTION)).to_have_text(FIRST_FACE)
    to_seed(page, 5)


def test_the_address_follows_the_tabs(page: Page, generate: Generate) -> None:
    page.get_by_role("tab", name="About").click()
    expect(page).to_have_url(re.compile(r"\?tab=about&"))
    again = generate("?tab=about")
    expect(again.locator("#am-about")).to_be_visible()
    page.get_by_role("tab", name="Generate").click()
    expect(page).to_have_url(re.compile(r"\?tab=generate&"))


def test_the_keyboard_is_enough(page: Page) -> None:
    open_panel(page, "Neighbours")
    page.get_by_role("slider", name="range slider for Seed").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(CAPTION)).to_contain_text("Seed 2,")
    tab_to(page, "Next")
    page.keyboard.press("Enter")
    expect(page.locator(CAPTION)).to_contain_text("Seed 3,")
    tab_to(page, "Neighbour 1")
    page.keyboard.press("Enter")
    expect(page.locator(CAPTION)).to_contain_text("A face without a seed")
