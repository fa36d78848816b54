"""What the tests of all pages ask of a page."""

from playwright.sync_api import Page

FOCUSED_NAME = """() => {
    const focused = document.activeElement;
    return (focused.ariaLabel || focused.closest("label, button")?.innerText || "").trim();
}"""

# Null for an element that the page replaced since it was found: it has no colours any more.
CONTRAST = """(element) => {
    if (!element.isConnected) return null;
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [r, g, b] = channels(colour).slice(0, 3).map((value) => {
            const share = value / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const style = getComputedStyle(element);
    const text = element instanceof SVGElement ? style.fill : style.color;
    let behind = element;
    let background = "rgb(255, 255, 255)";
    for (; behind; behind = behind.parentElement) {
        const colour = getComputedStyle(behind).backgroundColor;
        if (channels(colour).length === 3 || channels(colour)[3] > 0.99) { background = colour; break; }
    }
    const [light, dark] = [luminance(text), luminance(background)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
}"""


def contrast(page: Page, place: str) -> float:
    """Contrast ratio of WCAG 2, in [1, 21], between the text of the first element at a CSS selector and the nearest
    opaque background behind it."""
    for _ in range(10):
        ratio = page.locator(place).first.evaluate(CONTRAST)
        if ratio is not None:
            return float(ratio)
    raise AssertionError(f"the page replaces {place} again and again")


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element with this text or label has the focus, and check that the focus can be seen."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED_NAME)
        if focused == name:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"{name} cannot be reached with the Tab key")
