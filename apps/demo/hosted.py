"""The demo on a Space: public, at the address that the Hub asks for, with models from the Hub where none are staged.

The environment's ANIME_MODELS_DETECTOR, ANIME_MODELS_CHARACTERS and ANIME_MODELS_EMOTIONS name repositories on the Hub
that take the place of the embedded models, ANIME_MODELS_GENERATOR that of the generator.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from anime_models.hub import PUBLIC
from apps.demo.__main__ import main

if TYPE_CHECKING:
    from apps.demo.lent_card import Gpu
    from apps.demo.models import ModelShelf

SETTINGS = {PUBLIC: "1", "HOST": "0.0.0.0", "PORT": "7860"}
GENERATOR = "ANIME_MODELS_GENERATOR"


def serve(find_gpu: Callable[[], Gpu | None]) -> int:
    """Serve the page until interrupted; returns the exit status.

    Args:
        find_gpu: finds the decorator of functions that want a lent graphics card; called before PyTorch is loaded.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    generator = os.environ.get(GENERATOR)
    return main(["--generator", generator] if generator else [], lambda: _shelf(find_gpu()))


def _shelf(gpu: Gpu | None) -> ModelShelf:
    from apps.demo.lent_card import hosted_shelf

    return hosted_shelf(gpu)
