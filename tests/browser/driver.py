"""Chromium, and one visit of a page with everything that went wrong during it."""

import os
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
# Machines that test are often busy with something else as well.
PATIENCE_MILLISECONDS = 120_000
# The page is ready when the first example can be clicked; a link can open another tab.
READY = ".am-example:visible, #am-face img:visible, #am-no-generator:visible, #am-about section:visible"


def launch_browser(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


class Visit:
    """One browser tab on a page, with a profile of its own, opened with what stands after the address.

    Attributes:
        page: the tab.
        troubles: errors in the console or the scripts, and requests to other machines.
    """

    def __init__(self, browser: Browser, address: str, query: str = "", **options: Any) -> None:
        self.troubles: list[str] = []
        self._address = address
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE_MILLISECONDS)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", self._note_request)
        self.page.goto(address + query)
        self.page.wait_for_selector(READY)

    def close(self) -> None:
        self._context.close()

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self._address, "data:", "blob:")):
            self.troubles.append(f"request to {request.url}")
