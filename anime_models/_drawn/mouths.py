"""The nose and a mouth for every mood."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from anime_models._drawn.canvas import Canvas, Colour, mix
from anime_models._drawn.looks import Look
from anime_models._drawn.shapes import Pairs, Points, ellipse, spline

MOUTH_Y = 0.69
_INSIDE: Colour = (146, 44, 62)
_TONGUE: Colour = (238, 118, 122)
_TEETH: Colour = (255, 253, 250)


class _Mouth:
    """Paints in mouth units: head units around the mouth's middle, times its size."""

    def __init__(self, canvas: Canvas, look: Look, size: float) -> None:
        self.canvas, self.look, self.size = canvas, look, size
        self.centre = np.array([0.0, MOUTH_Y + (0.0 if look.sex == "female" else 0.05)])
        self.ink = mix(look.skin_line, (70, 24, 36), 0.45)

    def at(self, points: Pairs | Points) -> Points:
        return self.centre + np.asarray(points, dtype=np.float64) * self.size

    def line(
        self, points: Pairs | Points, width: float = 0.032, swell: tuple[float, float, float] = (0.3, 1, 0.3)
    ) -> None:
        self.canvas.stroke(self.at(points), width, self.ink, swell)

    def opening(
        self,
        outline: Points,
        teeth: tuple[float, float] = (-9.0, 9.0),
        tongue: tuple[float, float] | None = None,
    ) -> None:
        """A mouth with its inside: teeth above the first and below the second y, a tongue (y, height)."""
        inside = self.canvas.clip([self.at(outline)])
        self.canvas.flood(inside, _INSIDE)
        if tongue:
            self.canvas.fill(self.at(ellipse((0, tongue[0]), (0.17, tongue[1]))), _TONGUE, clip=inside)
        for low, high in ((-1.0, teeth[0]), (teeth[1], 1.0)):
            if low < high:
                box = np.array([(-1, low), (1, low), (1, high), (-1, high)])
                self.canvas.fill(self.at(box), _TEETH, clip=inside)
        closed = np.concatenate((outline, outline[:3]))
        self.line(closed, 0.03, (0.9, 1.0, 0.9))

    def toothed(self, outline: Points, count: int, bite: Points) -> None:
        """A mouth full of teeth, with the line where they meet."""
        inside = self.canvas.clip([self.at(outline)])
        self.canvas.flood(inside, _TEETH)
        low, high = outline[:, 0].min(), outline[:, 0].max()
        grey = (150, 120, 136)
        for x in np.linspace(low, high, count + 2)[1:-1]:
            self.canvas.stroke(self.at([(x, -0.5), (x * 0.96, 0.5)]), 0.014, grey, (1, 1, 1), inside)
        self.canvas.stroke(self.at(bite), 0.018, grey, (1, 1, 1), inside)
        self.line(np.concatenate((outline, outline[:3])), 0.034, (0.9, 1.0, 0.9))


def _wave(width: float, height: float, periods: float) -> Points:
    t = np.linspace(-1, 1, 48)
    return np.stack((t * width, height * np.sin(np.pi * periods * (t + 1))), axis=1)


def _calm(mouth: _Mouth) -> None:
    mouth.line(spline(((-0.11, -0.005), (0, 0.025), (0.11, -0.005))))


def _small(mouth: _Mouth) -> None:
    mouth.line(spline(((-0.07, 0), (0, 0.008), (0.07, 0))))


def _dot(mouth: _Mouth) -> None:
    mouth.opening(ellipse((0, 0.0), (0.05, 0.04)))


def _laugh(mouth: _Mouth) -> None:
    top = spline(((-0.27, -0.07), (-0.13, -0.03), (0, -0.02), (0.13, -0.03), (0.27, -0.07)))
    bottom = spline(((0.27, -0.07), (0.2, 0.14), (0, 0.25), (-0.2, 0.14), (-0.27, -0.07)))
    mouth.opening(np.concatenate((top, bottom[1:-1])), teeth=(0.025, 9), tongue=(0.25, 0.13))


def _beam(mouth: _Mouth) -> None:
    top = spline(((-0.18, -0.04), (0, 0.0), (0.18, -0.04)))
    bottom = spline(((0.18, -0.04), (0.11, 0.11), (0, 0.15), (-0.11, 0.11), (-0.18, -0.04)))
    mouth.opening(np.concatenate((top, bottom[1:-1])), tongue=(0.17, 0.09))


def _cat(mouth: _Mouth) -> None:
    mouth.opening(spline(((-0.1, 0.02), (0, 0.0), (0.1, 0.02), (0.06, 0.12), (0, 0.15), (-0.06, 0.12)), closed=True))
    mouth.line(spline(((-0.22, -0.05), (-0.18, 0.02), (-0.09, 0.04), (0, -0.015))), 0.034)
    mouth.line(spline(((0, -0.015), (0.09, 0.04), (0.18, 0.02), (0.22, -0.05))), 0.034)


def _gritted(mouth: _Mouth) -> None:
    corners = (
        (-0.2, -0.06),
        (0.0, -0.075),
        (0.2, -0.06),
        (0.27, 0.06),
        (0.23, 0.12),
        (0, 0.09),
        (-0.23, 0.12),
        (-0.27, 0.06),
    )
    mouth.toothed(spline(corners, closed=True), 6, spline(((-0.3, 0.05), (0, 0.015), (0.3, 0.05))))


def _shout(mouth: _Mouth) -> None:
    corners = (
        (-0.14, -0.13),
        (0, -0.15),
        (0.14, -0.13),
        (0.23, 0.08),
        (0.22, 0.2),
        (0, 0.23),
        (-0.22, 0.2),
        (-0.23, 0.08),
    )
    mouth.opening(spline(corners, closed=True), teeth=(-0.085, 9), tongue=(0.22, 0.1))
    for side in (-1, 1):
        fang = np.array([(side * 0.13, -0.09), (side * 0.05, -0.09), (side * 0.09, 0.0)])
        mouth.canvas.fill(mouth.at(fang), _TEETH)


def _frown(mouth: _Mouth) -> None:
    mouth.line(spline(((-0.17, 0.07), (-0.08, -0.015), (0, -0.03), (0.08, -0.015), (0.17, 0.07))), 0.045)
    mouth.line(spline(((-0.05, 0.13), (0, 0.12), (0.05, 0.13))), 0.02)


def _wavy(mouth: _Mouth) -> None:
    mouth.line(_wave(0.22, 0.034, 3), 0.034, (0.5, 1, 0.5))


def _small_wavy(mouth: _Mouth) -> None:
    mouth.line(_wave(0.13, 0.03, 2), 0.034, (0.5, 1, 0.5))
    mouth.line(spline(((-0.04, 0.1), (0, 0.108), (0.04, 0.1))), 0.018)


def _fiend(mouth: _Mouth) -> None:
    top = spline(((-0.44, -0.2), (-0.24, -0.05), (0, -0.01), (0.24, -0.05), (0.44, -0.2)))
    bottom = spline(((0.44, -0.2), (0.32, 0.06), (0, 0.2), (-0.32, 0.06), (-0.44, -0.2)))
    bite = spline(((-0.44, -0.18), (-0.24, 0.01), (0, 0.08), (0.24, 0.01), (0.44, -0.18)))
    mouth.toothed(np.concatenate((top, bottom[1:-1])), 9, bite)
    _creases(mouth, 0.47)


def _grin(mouth: _Mouth) -> None:
    top = spline(((-0.36, -0.17), (-0.18, -0.07), (0, -0.05), (0.18, -0.07), (0.36, -0.17)))
    bottom = spline(((0.36, -0.17), (0.27, 0.12), (0, 0.25), (-0.27, 0.12), (-0.36, -0.17)))
    mouth.opening(np.concatenate((top, bottom[1:-1])), teeth=(0.0, 0.16), tongue=(0.17, 0.09))
    _creases(mouth, 0.4)


def _creases(mouth: _Mouth, x: float) -> None:
    for side in (-1, 1):
        mouth.line(spline(((side * x, -0.26), (side * (x + 0.035), -0.19), (side * (x + 0.01), -0.12))), 0.024)


def _droop(mouth: _Mouth) -> None:
    mouth.line(spline(((-0.14, 0.045), (-0.06, -0.02), (0, -0.03), (0.06, -0.02), (0.14, 0.045))), 0.036)
    mouth.line(spline(((-0.04, 0.1), (0, 0.09), (0.04, 0.1))), 0.018)


def _sob(mouth: _Mouth) -> None:
    outline = (
        (-0.1, -0.06),
        (0, -0.085),
        (0.1, -0.06),
        (0.2, 0.1),
        (0.13, 0.15),
        (0, 0.11),
        (-0.13, 0.15),
        (-0.2, 0.1),
    )
    mouth.opening(spline(outline, closed=True), teeth=(-0.045, 9), tongue=(0.13, 0.07))


def _tremble(mouth: _Mouth) -> None:
    top, bottom = _wave(0.2, 0.022, 3), _wave(0.23, 0.026, 3)[::-1] + np.array([0.0, 0.16])
    mouth.opening(np.concatenate((top - np.array([0, 0.03]), bottom)), teeth=(0.0, 9), tongue=(0.17, 0.06))


def _scream(mouth: _Mouth) -> None:
    outline = (
        (-0.1, -0.14),
        (0, -0.165),
        (0.1, -0.14),
        (0.16, 0.02),
        (0.17, 0.15),
        (0, 0.23),
        (-0.17, 0.15),
        (-0.16, 0.02),
    )
    mouth.opening(spline(outline, closed=True), teeth=(-0.1, 9), tongue=(0.22, 0.1))


def _chatter(mouth: _Mouth) -> None:
    top, bottom = _wave(0.21, 0.02, 3), _wave(0.21, 0.02, 3)[::-1] + np.array([0.0, 0.13])
    mouth.toothed(np.concatenate((top, bottom)), 6, _wave(0.24, 0.02, 3) + np.array([0.0, 0.06]))


_MOUTHS: Mapping[str, Callable[[_Mouth], None]] = MappingProxyType(
    {
        "calm": _calm,
        "small": _small,
        "dot": _dot,
        "laugh": _laugh,
        "beam": _beam,
        "cat": _cat,
        "gritted": _gritted,
        "shout": _shout,
        "frown": _frown,
        "wavy": _wavy,
        "small_wavy": _small_wavy,
        "fiend": _fiend,
        "grin": _grin,
        "droop": _droop,
        "sob": _sob,
        "tremble": _tremble,
        "scream": _scream,
        "chatter": _chatter,
    }
)


def draw_mouth(canvas: Canvas, look: Look, name: str, size: float) -> None:
    """Paint the mouth of the given name."""
    _MOUTHS[name](_Mouth(canvas, look, size))


def draw_nose(canvas: Canvas, look: Look, light: int) -> None:
    """Paint the small shadow that stands for a nose."""
    if look.sex == "female":
        tick = spline(((0.0, 0.42), (0.028 * light, 0.465), (-0.004 * light, 0.478)))
        canvas.stroke(tick, 0.02, look.skin_line, (0.2, 1.0, 0.3))
        return
    tick = spline(((0.01 * light, 0.3), (0.045 * light, 0.46), (-0.01 * light, 0.49)))
    canvas.stroke(tick, 0.026, look.skin_line, (0.0, 0.8, 0.5))
