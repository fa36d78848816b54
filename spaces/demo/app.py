"""The demo on a Space, with a lent graphics card where there is one (https://huggingface.co/docs/hub/spaces-zerogpu)."""

import sys
from importlib import import_module
from typing import Any

from apps.demo.hosted import serve


def find_gpu() -> Any:
    """The decorator of functions that want the card; None on a Space without one."""
    try:
        return import_module("spaces").GPU
    except ImportError:
        return None


if __name__ == "__main__":
    sys.exit(serve(find_gpu))
