"""How far a head is turned, from the edges in which a face differs from its mirror image.

A linear measure of histograms of oriented gradients (Dalal and Triggs, 2005), fitted to what a rater said of real faces
by :mod:`training.generation.fit_turn`, which also tells how well it does on faces left out.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

CELLS = 8  # a side
BINS = 8  # of the whole circle, since hair lighter and hair darker than the skin are not alike
WEIGHTS = Path(__file__).parent / "face_turn.safetensors"
_FLAT = 1e-6


def face_turn(light: np.ndarray) -> np.ndarray:
    """How far the heads in pictures ``[N, S, S]`` of one channel are turned to the picture's right edge, ``[N]``.

    About -2 for a profile to the left, 0 for a face from the front, and 2 for a profile to the right.
    """
    turned: np.ndarray = mirror_differences(light) @ _weights()
    return turned


def mirror_differences(light: np.ndarray) -> np.ndarray:
    """Oriented gradients of pictures less those of their mirror images, ``[N, F]``; a mirrored picture's are opposite.

    Args:
        light: ``[N, S, S]``, whose side is a multiple of ``CELLS``.
    """
    return _oriented_gradients(light) - _oriented_gradients(light[:, :, ::-1])


def _oriented_gradients(light: np.ndarray) -> np.ndarray:
    """Length of the gradients in each cell by their orientation, square root of the share, ``[N, F]``."""
    down, across = np.gradient(light, axis=(1, 2))
    place = np.arctan2(down, across) / (2 * np.pi) * BINS
    offsets = (place[..., None] - np.arange(BINS) + BINS / 2) % BINS - BINS / 2
    weights = np.clip(1 - np.abs(offsets), 0, None)  # each gradient goes to the two bins beside it
    side = light.shape[1] // CELLS
    cells = (np.hypot(down, across)[..., None] * weights).reshape(len(light), CELLS, side, CELLS, side, BINS)
    histograms = cells.mean(axis=(2, 4)).reshape(len(light), -1)
    shares: np.ndarray = np.sqrt(histograms / (histograms.sum(axis=1, keepdims=True) + _FLAT))
    return shares


@functools.cache
def _weights() -> np.ndarray:
    return load_file(WEIGHTS)["weights"]
