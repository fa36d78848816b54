"""Latents: drawn from seeds, checked, truncated, walked between and looked around in; no network is needed.

A latent is a float32 vector ``[L]`` drawn from N(0, 1); nearly all of them lie close to the sphere of radius
``sqrt(L)`` (11.3 for 128 numbers), and two random ones are about ``sqrt(2 L)`` (16) apart.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from anime_models.arguments import real_number, whole_number
from anime_models.errors import ConfigError

LARGEST_SEED = 2**32 - 1
LARGEST_TRUNCATION = 1.5
LARGEST_COMPONENT = 100.0  # of a latent; anything near it is noise to a generator, but nothing overflows
MAX_KEYFRAMES = 64
MAX_FRAMES = 600
MAX_NEIGHBOURS = 64
_PARALLEL = 1e-4  # radians; closer directions have no arc to speak of


def checked_seed(seed: object) -> int:
    """The seed as a plain int.

    Raises:
        ConfigError: when it is anything but a whole number from 0 to 4294967295.
    """
    return whole_number("seed", seed, 0, LARGEST_SEED)


def seed_latent(seed: int, latent_size: int) -> np.ndarray:
    """The latent ``[latent_size]`` of a seed: float32 from N(0, 1), drawn by NumPy's PCG64.

    Raises:
        ConfigError: for a seed outside 0 to 4294967295.
    """
    generator = np.random.Generator(np.random.PCG64(checked_seed(seed)))
    return generator.standard_normal(latent_size, dtype=np.float32)


def checked_latents(latents: ArrayLike, latent_size: int) -> np.ndarray:
    """Latents ``[N, latent_size]`` as float32.

    Raises:
        ConfigError: for another shape, no numbers, NaN, infinities or numbers beyond +-100.
    """
    try:
        array = np.asarray(latents, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"Latents have to be an array of numbers [N, {latent_size}].") from error
    if array.ndim != 2 or array.shape[1] != latent_size:
        shape = list(array.shape)
        raise ConfigError(f"Latents have the shape {shape}; this generator takes [N, {latent_size}].")
    if not (np.abs(array) <= LARGEST_COMPONENT).all():  # NaN is not either
        raise ConfigError(
            f"A latent has NaN or numbers beyond {LARGEST_COMPONENT:g}; most of a latent's numbers lie from -3 to 3."
        )
    return array


def checked_latent(latent: ArrayLike, latent_size: int | None = None) -> np.ndarray:
    """One latent ``[latent_size]`` (any length where none is given) as float32; errors as in `checked_latents`."""
    try:
        row = np.asarray(latent, dtype=np.float32)[None]
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"A latent has to be an array of numbers [{latent_size or 'L'}].") from error
    if row.ndim != 2 or row.size == 0:
        raise ConfigError(f"A latent has the shape {list(row.shape[1:])}; give a vector [{latent_size or 'L'}].")
    return checked_latents(row, latent_size or row.shape[1])[0]


def truncate(latent: np.ndarray, truncation: float = 1.0, clip: float | None = None) -> np.ndarray:
    """Bring a latent ``[L]`` nearer to the middle: less variety, fewer odd faces.

    Args:
        latent: a float32 vector.
        truncation: what the latent is multiplied by, from 0 (one average face) to 1.5; 1 changes nothing. StyleGAN's
            visualizer calls it psi (Karras et al., 2019), where it shrinks the distance to the average in the same way.
        clip: a number of standard deviations; numbers farther out are first set to it. Unlike the truncation trick of
            BigGAN (Brock et al., 2019) nothing is drawn again, so that the seed still names one latent. None: no limit.

    Raises:
        ConfigError: for a truncation outside [0, 1.5] or a clip that is not above 0.
    """
    scale = real_number("truncation", truncation, 0.0, LARGEST_TRUNCATION)
    if clip is not None:
        limit = _checked_clip(clip)
        latent = np.clip(latent, -limit, limit)
    return (latent * np.float32(scale)).astype(np.float32)


def _checked_clip(clip: object) -> float:
    value = real_number("clip", clip, 0.0, LARGEST_COMPONENT)
    if value == 0:
        raise ConfigError("The clip is 0, which leaves nothing of a latent; give a number above 0, such as 2.")
    return value


def slerp(a: ArrayLike, b: ArrayLike, t: float) -> np.ndarray:
    """Spherical interpolation from ``a`` (t = 0) to ``b`` (t = 1) (Shoemake, 1985; White, 2016).

    The direction moves along the great circle and the norm linearly, so that the steps stay where latents lie; a
    straight line would cut through the middle, where faces are average. Opposite latents are joined by one of the
    equally short arcs.

    Raises:
        ConfigError: for latents of different shapes, or a ``t`` outside [0, 1].
    """
    first, second = checked_latent(a).astype(np.float64), checked_latent(b).astype(np.float64)
    if first.shape != second.shape:
        raise ConfigError(f"Two latents of {len(first)} and {len(second)} numbers have nothing between them.")
    share = real_number("position", t, 0.0, 1.0)
    if share in (0, 1):
        return (second if share else first).astype(np.float32)
    norms = np.linalg.norm(first), np.linalg.norm(second)
    if min(norms) == 0:  # no direction
        return ((1 - share) * first + share * second).astype(np.float32)
    start, end = first / norms[0], second / norms[1]
    across = end - (start @ end) * start
    angle = math.atan2(float(np.linalg.norm(across)), float(start @ end))
    if angle > math.pi - _PARALLEL:
        across = _perpendicular(start)
    elif angle < _PARALLEL:
        return ((1 - share) * first + share * second).astype(np.float32)
    across /= np.linalg.norm(across)
    direction = math.cos(share * angle) * start + math.sin(share * angle) * across
    return (((1 - share) * norms[0] + share * norms[1]) * direction).astype(np.float32)


def _perpendicular(unit: np.ndarray) -> np.ndarray:
    """A vector at right angles to a unit vector; itself where there is one dimension only."""
    if len(unit) == 1:
        return unit
    axis = np.zeros_like(unit)
    axis[np.argmin(np.abs(unit))] = 1
    across: np.ndarray = axis - (axis @ unit) * unit
    return across


def interpolation(keyframes: Sequence[ArrayLike], frames: int, *, loop: bool = False) -> np.ndarray:
    """Latents ``[frames, L]`` of a walk along great circles from one keyframe to the next, at an even pace.

    Args:
        keyframes: 2 to 64 latents ``[L]``.
        frames: exact number of latents, 2 to 600, at least as many as keyframes.
        loop: whether the walk goes on from the last keyframe to the first, ending one step before it, so that the
            animation repeats without a jump. Without it, it begins at the first and ends at the last keyframe.

    Raises:
        ConfigError: for too few or many keyframes or frames, or latents of different shapes.
    """
    if not 2 <= len(keyframes) <= MAX_KEYFRAMES:
        raise ConfigError(f"An interpolation has {len(keyframes)} keyframes; give 2 to {MAX_KEYFRAMES}.")
    count = whole_number("number of frames", frames, len(keyframes), MAX_FRAMES)
    points = [checked_latent(keyframe) for keyframe in keyframes]
    if loop:
        points.append(points[0])
    pieces = len(points) - 1
    steps = count if loop else count - 1
    walk = []
    for index in range(count):
        piece = min(index * pieces // steps, pieces - 1)
        walk.append(slerp(points[piece], points[piece + 1], index * pieces / steps - piece))
    return np.stack(walk)


def neighbours(latent: ArrayLike, count: int, distance: float, seed: int = 0) -> np.ndarray:
    """Nearby latents ``[count, L]``, each at this distance, in random directions along the sphere.

    The directions follow from the latent and the seed, so that the same point always has the same neighbours. They keep
    the latent's norm, where it reaches that far.

    Args:
        latent: a vector ``[L]``.
        count: 1 to 64.
        distance: Euclidean, above 0 up to 20; at 128 numbers 3 is the same face with changes, 16 is any other face.
        seed: another seed shows other neighbours.

    Raises:
        ConfigError: for arguments outside these ranges.
    """
    centre = checked_latent(latent).astype(np.float64)
    whole_number("number of neighbours", count, 1, MAX_NEIGHBOURS)
    length = real_number("distance", distance, 0.0, 20.0)
    if length == 0:
        raise ConfigError("The distance is 0; neighbours lie at a distance above 0, such as 3.")
    rng = np.random.Generator(np.random.PCG64([checked_seed(seed), _digest(centre)]))
    norm = float(np.linalg.norm(centre))
    steps = rng.standard_normal((count, len(centre)))
    # On a circle around the origin a chord of this length spans this angle; a centre too near to it has no such circle.
    if norm <= length / 2 or len(centre) == 1:
        return (centre + length * _unit_rows(steps)).astype(np.float32)
    unit = centre / norm
    sideways = _unit_rows(steps - (steps @ unit)[:, None] * unit)
    angle = 2 * math.asin(length / (2 * norm))
    return (math.cos(angle) * centre + math.sin(angle) * norm * sideways).astype(np.float32)


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    units: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return units


def _digest(latent: np.ndarray) -> int:
    """A number that follows from the latent, on every machine."""
    data = latent.astype("<f4").tobytes()
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
