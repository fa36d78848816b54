"""Simple colours and shapes of faces that fill their picture, to tell what a direction of the latent space changes.

Where eyes, mouth and hair lie was read off the mean of 3,000 faces of the training data, and each measure was checked
by looking at the faces that it puts first and last. They are coarse: for comparing many faces, not for judging one.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from training.generation.face_turn import face_turn

Pixels: TypeAlias = np.ndarray  # float32 [N, S, S, 3] in [0, 1]
Measures: TypeAlias = dict[str, np.ndarray]  # float32 [N] by name

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Shares of the side: top, bottom, left, right.
HAIR = (0.04, 0.20, 0.28, 0.72)
EYES = ((0.36, 0.52, 0.24, 0.42), (0.36, 0.52, 0.58, 0.76))
MOUTH = (0.59, 0.72, 0.38, 0.62)
NOSE = (0.48, 0.60, 0.38, 0.62)  # between eyes and mouth, where the skin shows
FACE = (0.20, 0.85, 0.10, 0.90)
CORNERS = ((0.0, 0.14, 0.0, 0.14), (0.0, 0.14, 0.86, 1.0))
CLOTHES = (0.88, 1.0, 0.2, 0.8)
LIKE_SKIN = 0.16  # largest difference of a channel from the skin's colour
SEEN = 0.08  # smallest difference from the skin that is no shading

EMOTION_NAMES = {
    "Angry": "angrier",
    "Embarrassed": "more embarrassed",
    "Happy": "happier",
    "Psycho-Crazy": "crazier",
    "Sad": "sadder",
    "Scared": "more scared",
}


def face_measures(pixels: Pixels) -> Measures:
    """All measures of pictures, named by what more of each looks like."""
    skin = np.median(_flat(_region(pixels, NOSE)), axis=1)  # [N, 3]
    return {
        **_hair(pixels),
        **_whole(pixels),
        "skin brighter": skin @ LUMA,
        "skin warmer": skin[:, 0] - skin[:, 2],
        "mouth open": _mouth(pixels, skin),
        **_eyes(pixels, skin),
        **_place(pixels, skin),
        "face turned to the right": face_turn(pixels @ LUMA),
    }


def _hair(pixels: Pixels) -> Measures:
    hair = _flat(_region(pixels, HAIR)).mean(axis=1)
    red, green, blue = hair.T
    return {
        "hair brighter": hair @ LUMA,
        "hair from blue to orange": red - blue,
        "hair from pink to green": green - (red + blue) / 2,
        "hair more colourful": _colourfulness(_region(pixels, HAIR)),
    }


def _whole(pixels: Pixels) -> Measures:
    light = pixels @ LUMA
    corners = np.concatenate([_flat(_region(pixels, corner)) for corner in CORNERS], axis=1)
    steps = [np.abs(np.diff(light, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2)]
    return {
        "picture brighter": light.mean(axis=(1, 2)),
        "contrast stronger": light.std(axis=(1, 2)),
        "colours stronger": _colourfulness(pixels),
        "background brighter": (corners @ LUMA).mean(axis=1),
        "clothes brighter": (_region(pixels, CLOTHES) @ LUMA).mean(axis=(1, 2)),
        "lines sharper": steps[0] + steps[1],
    }


def _mouth(pixels: Pixels, skin: np.ndarray) -> np.ndarray:
    """How much of the mouth's region is darker or redder than the skin, and by how much."""
    mouth = _flat(_region(pixels, MOUTH))
    darker = (skin @ LUMA)[:, None] - mouth @ LUMA
    redder = (mouth[..., 0] - mouth[..., 1]) - (skin[:, 0] - skin[:, 1])[:, None]
    opened: np.ndarray = (np.clip(darker - SEEN, 0, None) + np.clip(redder - SEEN, 0, None)).mean(axis=1)
    return opened


def _eyes(pixels: Pixels, skin: np.ndarray) -> Measures:
    """Share of the eyes' regions that is darker than the skin, their colour, and how much the right one lies lower."""
    regions = [_region(pixels, eye) for eye in EYES]
    darker = [np.clip((skin @ LUMA)[:, None, None] - region @ LUMA - SEEN, 0, None) for region in regions]
    eyes = np.concatenate([_flat(region) for region in regions], axis=1)
    coloured = np.clip(eyes.max(axis=-1) - eyes.min(axis=-1) - 2 * SEEN, 0, None) + 1e-4
    warmth = ((eyes[..., 0] - eyes[..., 2]) * coloured).sum(axis=1) / coloured.sum(axis=1)
    left, right = (_centre(each, axis=1) for each in darker)
    return {
        "eyes larger": np.mean([(each > SEEN).mean(axis=(1, 2)) for each in darker], axis=0),
        "eyes from blue to orange": warmth - (skin[:, 0] - skin[:, 2]),
        "head tilted to the right": right - left,
    }


def _place(pixels: Pixels, skin: np.ndarray) -> Measures:
    """Where in the picture skin shows, and how much of it: what is like skin, and more so than like hair."""
    face = _region(pixels, FACE)
    hair = _flat(_region(pixels, HAIR)).mean(axis=1)
    from_skin, from_hair = (np.abs(face - colour[:, None, None]).max(axis=-1) for colour in (skin, hair))
    alike = ((from_skin < LIKE_SKIN) & (from_skin < from_hair)).astype(np.float32)
    return {
        "face to the right": _centre(alike, axis=2),
        "face higher": -_centre(alike, axis=1),
        "face larger": alike.mean(axis=(1, 2)),
    }


def _centre(weights: np.ndarray, axis: int) -> np.ndarray:
    """Centre of mass of maps ``[N, H, W]`` along an axis, in [0, 1]; the middle where there is no mass."""
    places = np.linspace(0, 1, weights.shape[axis], dtype=np.float32)
    profile = weights.sum(axis=3 - axis) + 1e-4
    centre: np.ndarray = (profile * places).sum(axis=1) / profile.sum(axis=1)
    return centre


def _region(pixels: Pixels, shares: tuple[float, float, float, float]) -> Pixels:
    top, bottom, left, right = (round(share * pixels.shape[1]) for share in shares)
    return pixels[:, top:bottom, left:right]


def _flat(region: Pixels) -> np.ndarray:
    """Colours ``[N, P, 3]``."""
    return region.reshape(len(region), -1, 3)


def _colourfulness(pixels: Pixels) -> np.ndarray:
    spread: np.ndarray = (pixels.max(axis=-1) - pixels.min(axis=-1)).mean(axis=(1, 2))
    return spread
