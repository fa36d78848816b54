"""Curves as arrays of points [N, 2], and the outlines of strokes along them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
Pairs: TypeAlias = Sequence[tuple[float, float]]


@lru_cache(maxsize=64)
def steps(count: int, stop: float = 1.0) -> NDArray[np.float64]:
    """Numbers [N] from 0 to `stop`, evenly; shared, so read-only."""
    numbers = np.linspace(0, stop, count)
    numbers.flags.writeable = False
    return numbers


def spline(points: Pairs | Points, closed: bool = False, samples: int = 8) -> Points:
    """A Catmull-Rom spline through the points, `samples` steps between neighbours."""
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        knots = np.concatenate((knots[-1:], knots, knots[:2]))
    else:
        knots = np.concatenate((2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]))
    before, start, end, after = (knots[i : len(knots) - 3 + i, None] for i in range(4))
    t = steps(samples + 1)[None, :-1, None]
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    flat = curve.reshape(-1, 2)
    return flat if closed else np.concatenate((flat, knots[-2:-1]))


def arc(
    start: tuple[float, float], control: tuple[float, float], end: tuple[float, float], samples: int = 16
) -> Points:
    """A quadratic Bezier curve."""
    t = steps(samples)[:, None]
    return (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(control) + t**2 * np.array(end)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0, samples: int = 40) -> Points:
    """An ellipse, turned by an angle in radians."""
    t = steps(samples + 1, 2 * np.pi)[:-1]
    x, y = radii[0] * np.cos(t), radii[1] * np.sin(t)
    turned = np.stack((x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)), axis=1)
    return turned + np.array(centre)


def mirrored(points: Points) -> Points:
    """The same shape on the other side of x = 0."""
    return points * np.array([-1.0, 1.0])


@lru_cache(maxsize=512)
def swelling(count: int, widths: tuple[float, float, float]) -> NDArray[np.float64]:
    """Widths [N] that pass smoothly from start over middle to end; shared, so read-only."""
    start, middle, end = widths
    t = steps(count)
    rise = np.sin(np.pi * t)
    profile = np.where(t < 0.5, start + (middle - start) * rise, end + (middle - end) * rise)
    profile.flags.writeable = False
    return profile


def edges(points: Points, widths: NDArray[np.float64]) -> tuple[Points, Points]:
    """The two sides of a stroke of the given widths along a curve."""
    tangents = np.empty_like(points)
    tangents[1:-1] = points[2:] - points[:-2]
    tangents[0], tangents[-1] = points[1] - points[0], points[-1] - points[-2]
    lengths = np.maximum(np.hypot(tangents[:, 0], tangents[:, 1]), 1e-9)
    offset = tangents[:, ::-1] * (widths / (2 * lengths))[:, None]
    offset[:, 0] *= -1
    return points + offset, points - offset


def ribbon(points: Points, widths: NDArray[np.float64]) -> Points:
    """The outline of a stroke of the given widths along a curve."""
    left, right = edges(points, widths)
    return np.concatenate((left, right[::-1]))
