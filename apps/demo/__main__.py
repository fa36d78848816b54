"""Start the demo: ``python -m apps.demo [--host HOST] [--port PORT]``; the environment's HOST and PORT do the same."""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from anime_models.errors import AnimeModelsError


def main(arguments: Sequence[str] | None = None) -> int:
    """Load the built-in models, draw the examples and serve the page until interrupted."""
    options = _options(arguments)
    # Ended by a container or a service manager, the program still clears its folder away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Uploads go into a folder of our own that nobody else can read and that ends with the program.
    with tempfile.TemporaryDirectory(prefix="anime-models-", ignore_cleanup_errors=True) as folder:
        # Gradio reads it when it is first imported.
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "uploads")
        try:
            _serve(Path(folder), options.host, options.port)
        except (AnimeModelsError, OSError) as error:
            print(f"The demo cannot start: {error}", file=sys.stderr)
            return 1
    return 0


def _serve(folder: Path, host: str, port: int) -> None:
    from anime_models.faces import FaceDetector
    from apps.demo.app import TITLE, build_demo, launch_demo
    from apps.demo.examples import draw_examples
    from apps.demo.models import ModelChoice, ModelShelf

    shelf = ModelShelf(FaceDetector.load())
    shelf.reader(ModelChoice())
    examples = draw_examples(folder)
    demo = build_demo(shelf, examples)
    address = launch_demo(demo, host, port, favicon=examples[0].path)
    print(f"{TITLE} is at {address} and ends with Ctrl+C.", flush=True)
    demo.block_thread()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m apps.demo", description="Serve the demo.")
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"), help="address to listen at")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "7860"), help="port to listen at")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
