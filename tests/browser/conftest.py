"""The demo as it ships, served once, and a real browser to visit it with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from anime_models.drawn_faces import draw_face, draw_scene
from tests.apps.serving import served
from tests.browser.driver import Visit, launch_browser

# Machines that test are often busy with something else as well.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    """Address of the demo with the models that ship with the package."""
    with served("apps.demo") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, launch_browser(playwright) as browser:
        yield browser


@pytest.fixture(scope="session")
def bare_demo() -> Iterator[str]:
    """Address of a demo without a generator, with stand-ins for the other models."""
    with served("tests.apps.serve_fakes") as address:
        yield address


@pytest.fixture
def visit(browser: Browser, demo: str) -> Iterator[Callable[..., Page]]:
    """Open the demo; at the end nothing may have gone wrong in the console or left this machine."""
    with visits(browser, demo) as open_page:
        yield open_page


@pytest.fixture
def generate(browser: Browser, fake_demo: str) -> Iterator[Callable[..., Page]]:
    """Open the tab Generate of `fake_demo`, or a link to it; nothing may go wrong, as in `visit`."""
    with visits(browser, fake_demo) as open_page:
        yield lambda query="?tab=generate", **options: open_page(query, **options)


@pytest.fixture(scope="module")
def generate_page(browser: Browser, fake_demo: str) -> Iterator[Page]:
    """The tab Generate of `fake_demo`, opened once for all tests of a module; nothing may go wrong, as in `visit`."""
    with visits(browser, fake_demo) as open_page:
        yield open_page("?tab=generate")


@pytest.fixture
def visit_bare(browser: Browser, bare_demo: str) -> Iterator[Callable[..., Page]]:
    """Open the demo that has no generator; nothing may go wrong, as in `visit`."""
    with visits(browser, bare_demo) as open_page:
        yield open_page


@contextmanager
def visits(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open a page as often as wanted; at the end nothing may have gone wrong."""
    visits: list[Visit] = []

    def open_page(query: str = "", **options: object) -> Page:
        visits.append(Visit(browser, address, query, **options))
        return visits[-1].page

    yield open_page
    for one in visits:
        one.close()
        assert not one.troubles


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drawn face, a scene with three, a picture without a face, and a text file, all named .png."""
    folder = tmp_path_factory.mktemp("pictures")
    draw_face(identity=3, emotion="Happy", size=384).save(folder / "face.png")
    draw_scene(seed=4, num_faces=3, size=(768, 512))[0].save(folder / "scene.png")
    draw_scene(seed=1, num_faces=0, size=(300, 200))[0].save(folder / "empty.png")
    (folder / "text.png").write_text("This is no picture.")
    return folder
