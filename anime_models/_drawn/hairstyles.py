"""The hair behind and beside the head, by style."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from anime_models._drawn.bows import draw_bow
from anime_models._drawn.canvas import Canvas
from anime_models._drawn.hair import (
    Lock,
    Paint,
    back_paint,
    both,
    bun,
    closed_mass,
    draw_lock,
    draw_mass,
    draw_strands,
    front_paint,
)
from anime_models._drawn.looks import Look
from anime_models._drawn.shapes import arc, edges, ellipse, spline

_BOB = ((0.0, -1.29), (0.62, -1.16), (1.0, -0.8), (1.18, -0.2), (1.18, 0.35), (1.02, 0.72), (0.5, 0.8))
_SHORT = ((0.0, -1.29), (0.62, -1.16), (1.0, -0.8), (1.13, -0.25), (1.08, 0.2), (0.88, 0.55), (0.4, 0.6))
_LONG = ((0.0, -1.29), (0.62, -1.16), (1.04, -0.8), (1.24, -0.1), (1.28, 0.7), (1.36, 1.5), (1.3, 2.6), (0.5, 2.7))


@dataclass(frozen=True)
class Stylist:
    """Paints one character's hair; the two calls come before and after the body and face."""

    canvas: Canvas
    look: Look
    chance: random.Random
    jitter: float
    light: int

    @property
    def front(self) -> Paint:
        return front_paint(self.look)

    @property
    def back(self) -> Paint:
        return back_paint(self.look)

    def locks(self, locks: list[Lock], paint: Paint) -> None:
        for lock in locks:
            draw_lock(self.canvas, lock.shaken(self.chance, self.jitter), paint, self.light)

    def draw_behind(self) -> None:
        """Paint what the body hides."""
        _BEHIND[self.look.hair_style](self)

    def draw_beside(self) -> None:
        """Paint what falls in front of the shoulders."""
        if self.look.hair_style in _BESIDE:
            _BESIDE[self.look.hair_style](self)


def _bob(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_BOB), hair.back)
    hair.locks(
        both(
            [
                Lock((1.0, -0.2), (1.3, 0.5), (0.92, 1.0), 0.36),
                Lock((0.85, 0.0), (1.1, 0.6), (0.68, 0.98), 0.36),
                Lock((0.6, 0.2), (0.72, 0.6), (0.42, 0.94), 0.4),
            ]
        ),
        hair.back,
    )


def _short(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    hair.locks(
        both(
            [
                Lock((0.95, -0.1), (1.12, 0.3), (1.22, 0.62), 0.34),
                Lock((0.8, 0.1), (0.96, 0.5), (1.0, 0.82), 0.36),
                Lock((0.5, 0.2), (0.66, 0.6), (0.62, 0.92), 0.4),
            ]
        ),
        hair.back,
    )


def _long(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_LONG), hair.back)
    strands = [arc((x * 0.9, 0.3), (x * 1.12, 1.0), (x * 1.05, 2.0), 20) for x in (-1.05, -0.8, 0.8, 1.05)]
    draw_strands(hair.canvas, strands, hair.back)


def _long_beside(hair: Stylist) -> None:
    hair.locks(both([Lock((0.96, 0.1), (1.2, 0.9), (0.86, 1.75), 0.3)]), hair.front)


def _wavy(hair: Stylist) -> None:
    right = [
        (0.0, -1.29),
        (0.64, -1.16),
        (1.1, -0.8),
        (1.26, -0.3),
        (1.4, 0.15),
        (1.3, 0.6),
        (1.5, 1.05),
        (1.36, 1.5),
        (1.5, 2.0),
        (1.3, 2.7),
        (0.5, 2.8),
    ]
    draw_mass(hair.canvas, closed_mass(right), hair.back)
    for x in (-1.12, -0.95, 0.95, 1.12):
        wave = spline([(x + 0.07 * (-1) ** i, 0.1 + 0.42 * i) for i in range(6)])
        hair.canvas.stroke(wave, 0.022, hair.back.line, opacity=0.7)


def _wavy_beside(hair: Stylist) -> None:
    for side in (-1, 1):
        points = [(side * (1.02 + 0.07 * (-1) ** i), 0.0 + 0.36 * i) for i in range(6)]
        _tail(hair, points, 0.34, hair.front)


def _tail(hair: Stylist, points: list[tuple[float, float]], width: float, paint: Paint) -> None:
    """A bundle of hair along a curve, with a shaded side, two inner lines and parted ends."""
    middle = spline(points)
    widths = width * np.interp(np.linspace(0, 1, len(middle)), (0, 0.12, 0.45, 0.8, 1), (0.3, 0.75, 1.0, 0.72, 0.0))
    left, right = edges(middle, widths)
    hair.canvas.fill(np.concatenate((left, right[::-1])), paint.base)
    dark, bright = (left, right) if (left[20, 0] - right[20, 0]) * hair.light < 0 else (right, left)
    hair.canvas.fill(np.concatenate((dark, (dark + (bright - dark) * 0.34)[::-1])), paint.shadow)
    for share in (0.3, 0.62):
        hair.canvas.stroke((left + (right - left) * share)[3:-6], 0.022, paint.line, opacity=0.75)
    for edge in (left, right):
        hair.canvas.stroke(edge, 0.036, paint.line, (0.8, 1, 0.6))
    shine = left + (right - left) * (0.34 if dark is right else 0.66)
    hair.canvas.stroke(shine[7:17], 0.085 * width / 0.6, hair.look.hair_light, opacity=0.85)


def _tie(hair: Stylist, centre: tuple[float, float], size: float) -> None:
    """A small bow around a bundle."""
    draw_bow(hair.canvas, centre, size, hair.look.accessory_colour, 0.25 if centre[0] > 0 else -0.25)


def _twin_tails(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    for side in (-1, 1):
        sway = hair.chance.gauss(0, 0.05) * hair.jitter
        points = [(0.96, -0.66), (1.42, -0.72), (1.62, 0.1), (1.5, 0.95), (1.62, 1.9)]
        _tail(hair, [(side * x + sway * i, y) for i, (x, y) in enumerate(points)], 0.66, hair.front)


def _ponytail(hair: Stylist) -> None:
    sway = hair.chance.gauss(0, 0.05) * hair.jitter
    points = [(0.2, -1.12), (0.9, -1.5), (1.5, -0.9), (1.36, 0.1), (1.5, 1.1)]
    _tail(hair, [(x + sway * i, y) for i, (x, y) in enumerate(points)], 0.66, hair.front)
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)


def _side_tail(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)


def _side_tail_beside(hair: Stylist) -> None:
    sway = hair.chance.gauss(0, 0.04) * hair.jitter
    points = [(0.98, 0.42), (1.24, 0.72), (1.16, 1.25), (0.98, 1.7), (1.0, 2.2)]
    _tail(hair, [(x + sway * i, y) for i, (x, y) in enumerate(points)], 0.56, hair.front)
    _tie(hair, (1.06, 0.5), 0.2)


def _buns(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    for side in (-1, 1):
        draw_mass(hair.canvas, bun((side * 0.82, -1.08), 0.4), hair.front)
        swirl = np.array(
            [
                (side * (0.82 + r * np.cos(a)), -1.08 + r * np.sin(a))
                for a, r in zip(np.linspace(0, 8, 30), np.linspace(0.3, 0.05, 30), strict=True)
            ]
        )
        hair.canvas.stroke(swirl, 0.026, hair.front.line, opacity=0.8)
        gleam = arc((side * 0.98, -1.34), (side * 1.12, -1.2), (side * 1.1, -1.0))
        hair.canvas.stroke(gleam, 0.06, hair.look.hair_light, opacity=0.8)


def _braids(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)


def _braids_beside(hair: Stylist) -> None:
    for side in (-1, 1):
        for i in range(9):
            y, size, turn = 0.56 + 0.15 * i, 0.15 - 0.006 * i, 1 if i % 2 else -1
            knot = ellipse((side * (0.98 - 0.012 * i) + 0.055 * turn, y), (size * 0.85, size * 1.15), -0.75 * turn)
            hair.canvas.fill(knot, hair.front.shadow if i % 2 == (hair.light > 0) else hair.front.base)
            hair.canvas.contour(knot, 0.026, hair.front.line)
        brush = Lock((side * 0.88, 1.92), (side * 0.86, 2.1), (side * 0.9, 2.36), 0.24, 2.5)
        draw_lock(hair.canvas, brush, hair.front, hair.light)
        _tie(hair, (side * 0.88, 1.92), 0.16)


def _spiky(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    spikes = [
        (-2.5, 0.42),
        (-2.1, 0.46),
        (-1.75, 0.4),
        (-1.35, 0.46),
        (-1.0, 0.42),
        (-0.62, 0.46),
        (-0.2, 0.4),
        (-2.95, 0.4),
    ]
    locks = []
    for angle, reach in spikes:
        root = (0.78 * np.cos(angle), -0.3 + 0.74 * np.sin(angle))
        tip = ((1.08 + reach) * np.cos(angle + 0.14), -0.25 + (1.06 + reach) * np.sin(angle + 0.14))
        control = (1.12 * np.cos(angle - 0.06), -0.28 + 1.06 * np.sin(angle - 0.06))
        locks.append(Lock(root, control, tip, 0.62, 1.5))
    hair.locks(locks, hair.front)
    hair.locks(both([Lock((0.9, 0.1), (1.05, 0.4), (1.12, 0.66), 0.3)]), hair.back)


def _cropped(hair: Stylist) -> None:
    right = ((0.0, -1.29), (0.62, -1.16), (1.0, -0.82), (1.08, -0.3), (0.98, 0.12), (0.8, 0.36), (0.4, 0.4))
    draw_mass(hair.canvas, closed_mass(right), hair.back)


def _messy(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    tufts = [
        Lock((0.86, -0.1), (1.16, 0.1), (1.3, 0.3), 0.4),
        Lock((0.86, 0.1), (1.06, 0.36), (1.06, 0.74), 0.34),
        Lock((0.82, -0.42), (1.2, -0.42), (1.36, -0.14), 0.46),
        Lock((0.72, -0.7), (1.12, -0.92), (1.32, -0.66), 0.5),
    ]
    crest = [
        Lock((-0.5, -0.92), (-0.86, -1.28), (-1.08, -1.1), 0.5),
        Lock((0.6, -0.9), (0.86, -1.36), (1.16, -1.2), 0.5),
        Lock((-0.24, -1.0), (-0.3, -1.42), (-0.68, -1.46), 0.5),
        Lock((0.3, -1.0), (0.5, -1.5), (0.78, -1.46), 0.5),
        Lock((0.0, -1.0), (0.0, -1.5), (0.3, -1.62), 0.5),
    ]
    hair.locks([*both(tufts), *crest], hair.front)


def _swept(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    crest = [
        Lock((-0.7, -0.9), (-0.5, -1.5), (0.1, -1.52), 0.5),
        Lock((-0.3, -1.0), (0.1, -1.62), (0.72, -1.46), 0.52),
        Lock((0.2, -1.0), (0.7, -1.46), (1.2, -1.12), 0.5),
        Lock((0.6, -0.8), (1.16, -1.0), (1.36, -0.56), 0.44),
    ]
    hair.locks(crest, hair.front)


def _curtains(hair: Stylist) -> None:
    draw_mass(hair.canvas, closed_mass(_SHORT), hair.back)
    hair.locks(both([Lock((0.96, -0.3), (1.24, 0.1), (1.02, 0.5), 0.34)]), hair.front)


_BEHIND: Mapping[str, Callable[[Stylist], None]] = MappingProxyType(
    {
        "bob": _bob,
        "short": _short,
        "long": _long,
        "wavy": _wavy,
        "twin_tails": _twin_tails,
        "ponytail": _ponytail,
        "side_tail": _side_tail,
        "buns": _buns,
        "braids": _braids,
        "spiky": _spiky,
        "cropped": _cropped,
        "messy": _messy,
        "swept": _swept,
        "curtains": _curtains,
    }
)
_BESIDE: Mapping[str, Callable[[Stylist], None]] = MappingProxyType(
    {"long": _long_beside, "wavy": _wavy_beside, "side_tail": _side_tail_beside, "braids": _braids_beside}
)
