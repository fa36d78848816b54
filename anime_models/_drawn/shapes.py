"""Curves as arrays of points [N, 2], and the outlines of strokes along them."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float64]
Pairs: TypeAlias = Sequence[tuple[float, float]]


def spline(points: Pairs | Points, closed: bool = False, samples: int = 8) -> Points:
    """A Catmull-Rom spline through the points, `samples` steps between neighbours."""
    knots = np.asarray(points, dtype=np.float64)
    if closed:
        knots = np.concatenate((knots[-1:], knots, knots[:2]))
    else:
        knots = np.concatenate((2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]))
    before, start, end, after = (knots[i : len(knots) - 3 + i, None] for i in range(4))
    t = np.linspace(0, 1, samples, endpoint=False)[None, :, None]
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
    t = np.linspace(0, 1, samples)[:, None]
    return (1 - t) ** 2 * np.array(start) + 2 * t * (1 - t) * np.array(control) + t**2 * np.array(end)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], angle: float = 0.0, samples: int = 40) -> Points:
    """An ellipse, turned by an angle in radians."""
    t = np.linspace(0, 2 * np.pi, samples, endpoint=False)
    x, y = radii[0] * np.cos(t), radii[1] * np.sin(t)
    turned = np.stack((x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)), axis=1)
    return turned + np.array(centre)


def mirrored(points: Points) -> Points:
    """The same shape on the other side of x = 0."""
    return points * np.array([-1.0, 1.0])


def swelling(count: int, widths: tuple[float, float, float]) -> NDArray[np.float64]:
    """Widths [N] that pass smoothly from start over middle to end."""
    start, middle, end = widths
    t = np.linspace(0, 1, count)
    return np.where(
        t < 0.5,
        start + (middle - start) * np.sin(np.pi * np.minimum(t, 0.5)),
        end + (middle - end) * np.sin(np.pi * np.maximum(t, 0.5)),
    )


def edges(points: Points, widths: NDArray[np.float64]) -> tuple[Points, Points]:
    """The two sides of a stroke of the given widths along a curve."""
    tangents = np.gradient(points, axis=0)
    lengths = np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-9)
    normals = np.stack((-tangents[:, 1], tangents[:, 0]), axis=1) / lengths
    offset = normals * widths[:, None] / 2
    return points + offset, points - offset


def ribbon(points: Points, widths: NDArray[np.float64]) -> Points:
    """The outline of a stroke of the given widths along a curve."""
    left, right = edges(points, widths)
    return np.concatenate((left, right[::-1]))


def zigzag(points: Points, depth: float, teeth: int, phase: float = 0.0) -> Points:
    """A curve whose y swings by `depth`, in pointed teeth."""
    t = np.linspace(0, teeth, len(points)) + phase
    swing = np.abs((t % 1) * 2 - 1) * depth
    return points + np.stack((np.zeros_like(swing), swing), axis=1)
