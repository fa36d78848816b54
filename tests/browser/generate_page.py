"""How a visitor handles the tab Generate."""

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

FACE = "#am-face img"
CAPTION = "#am-face figcaption"
FACES = "button[data-go]"
FIRST_FACE = "Seed 1, truncation 1.00"


def face(page: Page) -> str:
    """The big face, byte for byte."""
    return page.locator(FACE).get_attribute("src") or ""


def slide(page: Page, label: str, value: float) -> None:
    """Drag a slider to a value."""
    page.get_by_role("slider", name=f"range slider for {label}").fill(str(value))


def to_seed(page: Page, seed: int) -> None:
    """Put the slider on a seed and wait for the face."""
    slide(page, "Seed", seed)
    expect(page.locator(CAPTION)).to_contain_text(f"Seed {seed},")


def to_first_face(page: Page) -> None:
    """Put everything that moves the face back to where it began."""
    page.locator("#am-seed input").fill("1")
    slide(page, "Truncation", 1)
    slide(page, "Clip", 4)
    page.locator("#am-reset").click()
    expect(page.locator(CAPTION)).to_have_text(FIRST_FACE)


def open_panel(page: Page, name: str) -> None:
    """Open one of the tabs beside the face."""
    page.locator("#am-panels").get_by_role("tab", name=name).click()


def saved(page: Page, button: str) -> tuple[str, bytes]:
    """Name and content of the file that a button saves."""
    with page.expect_download() as download:
        page.locator(button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def query_of(page: Page) -> str:
    """What stands after the address of the page."""
    return "?" + page.url.partition("?")[2]


def use_generator(page: Page, source: str) -> Locator:
    """Name another generator and return where the page answers."""
    if not page.locator("#am-generator").is_visible():
        page.get_by_role("button", name="Another generator").click()
    field = page.locator("#am-generator input")
    field.fill(source)
    field.press("Enter")
    page.get_by_role("button", name="Use this generator").click()
    return page.locator("#am-generator-status")
