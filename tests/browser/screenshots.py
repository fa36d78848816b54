"""Take the README's pictures of the demo: ``python -m tests.browser.screenshots [--out docs/images]``.

Shows our own drawn faces only.
"""

import argparse
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from apps.demo.examples import draw_examples
from tests.apps.serving import served
from tests.browser.driver import Visit, launch_browser

WIDE: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
NARROW: dict[str, Any] = {"viewport": {"width": 400, "height": 860}, "device_scale_factor": 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder for the pictures")
    parser.add_argument("--module", default="apps.demo", help="program to start")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with (
        served(options.module) as address,
        sync_playwright() as playwright,
        launch_browser(playwright) as browser,
    ):
        _identify(browser, address, "Happy", options.out / "identify.png", {**WIDE, "color_scheme": "light"})
        _identify(browser, address, "Several faces", options.out / "several.png", {**WIDE, "color_scheme": "dark"})
        _identify(browser, address, "Sad", options.out / "narrow.png", {**NARROW, "color_scheme": "light"})
        _explain(browser, address, options.out / "confidence.png")
        _generate(browser, address, options.out / "generate.png", {**WIDE, "color_scheme": "light"})
        _batch(browser, address, options.out)
        _about(browser, address, options.out / "about.png")


def _identify(browser: Browser, address: str, example: str, path: Path, options: dict[str, Any]) -> None:
    visit = Visit(browser, address, **options)
    page = visit.page
    page.get_by_role("button", name=example).click()
    page.wait_for_selector(".am-card")
    page.get_by_label("Show where the model looked").check()
    page.wait_for_selector(".am-heat")
    _shoot(page, path)
    visit.close()


def _generate(browser: Browser, address: str, path: Path, options: dict[str, Any]) -> None:
    visit = Visit(browser, address, "?tab=generate", **options)
    visit.page.wait_for_selector("#am-seen .am-facts")
    _shoot(visit.page, path)
    visit.close()


def _explain(browser: Browser, address: str, path: Path) -> None:
    visit = Visit(browser, address, **WIDE)
    page = visit.page
    page.get_by_role("button", name="Happy").click()
    page.get_by_role("button", name="How far can these confidences be trusted?").click()
    page.wait_for_selector("#am-diagram .main-svg")
    _settle(page)
    page.locator("#am-explainer").screenshot(path=path)
    visit.close()


def _batch(browser: Browser, address: str, folder: Path) -> None:
    visit = Visit(browser, address, **WIDE)
    page = visit.page
    page.get_by_role("tab", name="Many files").click()
    drawn = folder / "drawn"
    files = [str(example.path) for example in draw_examples(drawn)]
    page.set_input_files("#am-files input[type=file]", files)
    page.get_by_text("several-faces").wait_for()
    page.get_by_role("button", name="Identify all").click()
    page.wait_for_selector(".am-batch")
    _shoot(page, folder / "batch.png")
    visit.close()
    for file in files:
        Path(file).unlink()
    drawn.rmdir()


def _about(browser: Browser, address: str, path: Path) -> None:
    visit = Visit(browser, address, **WIDE)
    visit.page.get_by_role("tab", name="About").click()
    visit.page.wait_for_selector(".am-panel")
    _shoot(visit.page, path)
    visit.close()


def _shoot(page: Page, path: Path) -> None:
    page.mouse.move(0, 0)
    _settle(page)
    page.screenshot(path=path, full_page=True)


def _settle(page: Page) -> None:
    """Wait until all pictures are decoded and all transitions are over."""
    page.evaluate(
        """async () => {
            await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
            await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => null)));
            await new Promise(requestAnimationFrame);
        }"""
    )


if __name__ == "__main__":
    main()
