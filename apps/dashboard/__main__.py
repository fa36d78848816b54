"""Start the dashboard: ``python -m apps.dashboard [SOURCE ...] [--host HOST] [--port PORT] [--data FOLDER]``.

Each SOURCE is a folder of records or runs, or a data set of records on the Hub (``hf-hub:owner/name``); ``runs/`` of
the working folder and the records that ship with the package are always there. The environment's HOST, PORT, RECORDS
(sources separated by spaces) and DATA do the same as the flags.
"""

import argparse
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from apps.dashboard.settings import Settings

TITLE = "Anime Models: the dashboard"
PAGE = Path(__file__).parent / "app.py"
ACCENT = {"light": "#6d4aff", "dark": "#9d86ff"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the pages until interrupted."""
    options = _options(arguments)
    if options.data is not None and not options.data.is_dir():
        print(f"The dashboard cannot start: there is no folder {options.data}.", file=sys.stderr)
        return 1
    Settings(sources=("runs", *options.sources), data=options.data).store()
    _serve(options.host, options.port)
    return 0


def _serve(host: str, port: int) -> None:
    # Streamlit reads its settings when it is first imported.
    from streamlit.starlette import App

    @asynccontextmanager
    async def announced(_app: App) -> AsyncIterator[None]:
        shown = f"[{host}]" if ":" in host else host
        print(f"{TITLE} is at http://{shown}:{port}/ and ends with Ctrl+C.", flush=True)
        yield

    App(PAGE, lifespan=announced).run(config=_config(host, port))


def _config(host: str, port: int) -> dict[str, object]:
    """Streamlit's settings: nothing is fetched from or sent to anybody else, and errors show no program text."""
    return {
        "server.address": host,
        "server.port": port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "logger.hideWelcomeMessage": True,
        **{f"theme.{base}.primaryColor": colour for base, colour in ACCENT.items()},
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m apps.dashboard", description="Serve the dashboard.")
    parser.add_argument(
        "sources", nargs="*", default=os.environ.get("RECORDS", "").split(), help="folders or Hub data sets of records"
    )
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"), help="address to listen at")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8501"), help="port to listen at")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("DATA"),
        help="folder with the data sets, to show the pictures of mistakes",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
