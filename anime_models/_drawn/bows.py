"""Ribbon bows, on hair and collars alike."""

import numpy as np

from anime_models._drawn.canvas import Canvas, Colour, tint
from anime_models._drawn.shapes import ellipse, spline

_LINE = 0.075


def draw_bow(canvas: Canvas, centre: tuple[float, float], size: float, colour: Colour, angle: float) -> None:
    """Paint a bow of loops, ends and a knot; `size` is half its width, `angle` in radians."""
    view = canvas.placed(centre, size, angle)
    shade = tint(colour, (0.78, 0.74, 0.78))
    for side in (-1, 1):
        end = np.array([(0.05 * side, 0.1), (0.5 * side, 0.75), (0.22 * side, 0.72), (0.12 * side, 0.9)])
        view.piece(end, shade, _LINE)
    for side in (-1, 1):
        across = np.array([side, 1.0])
        loop = spline(((0.08, 0), (0.45, -0.42), (0.92, -0.5), (1.02, 0.0), (0.86, 0.42), (0.42, 0.24)), closed=True)
        view.piece(loop * across, colour, _LINE)
        fold = spline(((0.14, 0.02), (0.4, -0.05), (0.66, -0.2)))
        view.stroke(fold * across, 0.08, shade, (1, 0.8, 0))
    view.piece(ellipse((0, 0), (0.2, 0.24)), colour, _LINE)
