"""Start the demo: ``python -m apps.demo [--host HOST] [--port PORT] [--generator SOURCE]``.

The environment's HOST and PORT do the same as the flags.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anime_models.errors import AnimeModelsError

if TYPE_CHECKING:
    from apps.demo.models import ModelShelf


def built_in_shelf() -> ModelShelf:
    """The models that ship with the package, and room for those that visitors choose."""
    from anime_models.faces import FaceDetector
    from apps.demo.models import ModelShelf

    return ModelShelf(FaceDetector.load())


def main(arguments: Sequence[str] | None = None, make_shelf: Callable[[], ModelShelf] = built_in_shelf) -> int:
    """Load the built-in models, draw the examples and serve the page until interrupted.

    Args:
        arguments: of the command line.
        make_shelf: makes what holds the models; called before anything that loads Gradio or PyTorch.
    """
    options = _options(arguments)
    # Ended by a container or a service manager, the program still clears its folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Uploads go into a folder of our own that nobody else can read and that ends with the program.
    with tempfile.TemporaryDirectory(prefix="anime-models-", ignore_cleanup_errors=True) as folder:
        # Gradio reads it when it is first imported.
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "uploads")
        try:
            _serve(Path(folder), options, make_shelf)
        except (AnimeModelsError, OSError) as error:
            print(f"The demo cannot start: {error}", file=sys.stderr)
            return 1
    return 0


def _serve(folder: Path, options: argparse.Namespace, make_shelf: Callable[[], ModelShelf]) -> None:
    shelf = make_shelf()
    from apps.demo.app import TITLE, build_demo, launch_demo
    from apps.demo.examples import draw_examples
    from apps.demo.generate.laboratory import GeneratorShelf
    from apps.demo.models import ModelChoice

    shelf.reader(ModelChoice())
    examples = draw_examples(folder)
    demo = build_demo(shelf, examples, GeneratorShelf(options.generator))
    address = launch_demo(demo, options.host, options.port, favicon=examples[0].path)
    print(f"{TITLE} is at {address} and ends with Ctrl+C.", flush=True)
    demo.block_thread()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m apps.demo", description="Serve the demo.")
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"), help="address to listen at")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "7860"), help="port to listen at")
    parser.add_argument("--generator", help="checkpoint folder or Hub id of the face generator to begin with")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
