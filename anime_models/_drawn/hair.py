"""Hair as a mass with locks on it: every lock is a tapering shape with a shaded side and its own line."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anime_models._drawn.canvas import Canvas, Clip, Colour, mix, tint
from anime_models._drawn.looks import Look
from anime_models._drawn.shapes import Points, arc, edges, ellipse, mirrored, spline

Values: TypeAlias = NDArray[np.float64]

_DOME = (
    (-1.08, 0.02), (-1.12, -0.4), (-1.0, -0.86), (-0.64, -1.2), (0, -1.33),
    (0.64, -1.2), (1.0, -0.86), (1.12, -0.4), (1.08, 0.02),
)  # fmt: skip
_HAIRLINE = ((1.06, 0.02), (0.92, -0.26), (0.66, -0.52), (0, -0.66), (-0.66, -0.52), (-0.92, -0.26), (-1.06, 0.02))


@dataclass(frozen=True)
class Lock:
    """A tapering strand of hair.

    Attributes:
        root, control, tip: the Bezier curve of its middle.
        width: at its widest.
        blunt: how late it tapers: 1.5 like a leaf, 6 like cut hair.
    """

    root: tuple[float, float]
    control: tuple[float, float]
    tip: tuple[float, float]
    width: float
    blunt: float = 1.8

    def mirrored(self) -> "Lock":
        """The same lock on the other side."""
        root, control, tip = ((-x, y) for x, y in (self.root, self.control, self.tip))
        return Lock(root, control, tip, self.width, self.blunt)

    def shaken(self, chance: random.Random, amount: float) -> "Lock":
        """The same lock with its tip blown a little."""
        dx, dy = chance.gauss(0, 0.035) * amount, chance.gauss(0, 0.025) * amount
        control = (self.control[0] + dx / 2, self.control[1] + dy / 2)
        return Lock(self.root, control, (self.tip[0] + dx, self.tip[1] + dy), self.width, self.blunt)

    def sides(self) -> tuple[Points, Points]:
        """Both edges from root to tip."""
        middle = arc(self.root, self.control, self.tip, 22)
        t = np.linspace(0, 1, len(middle))
        widths = self.width * (1 - t**self.blunt) * (0.86 + 0.3 * np.sin(np.pi * np.minimum(1, t * 1.2)))
        return edges(middle, widths)

    def outline(self) -> Points:
        """The closed shape."""
        left, right = self.sides()
        return np.concatenate((left, right[::-1]))


# These styles rise above the crown, so no line may part them from it.
_CRESTED = frozenset({"spiky", "messy", "swept"})


def both(locks: Sequence[Lock]) -> list[Lock]:
    """The locks and their mirror images."""
    return [side for lock in locks for side in (lock, lock.mirrored())]


@dataclass(frozen=True)
class Paint:
    """A hair's colours: surface, shaded side, line."""

    base: Colour
    shadow: Colour
    line: Colour


def front_paint(look: Look) -> Paint:
    """Hair that the light falls on."""
    return Paint(look.hair, look.hair_shadow, look.hair_line)


def back_paint(look: Look) -> Paint:
    """Hair behind the head."""
    deep = mix(tint(look.hair_shadow, (0.84, 0.76, 0.82)), (80, 50, 120), 0.08)
    return Paint(mix(look.hair, look.hair_shadow, 0.55), deep, look.hair_line)


def draw_lock(canvas: Canvas, lock: Lock, paint: Paint, light: int) -> None:
    """Paint one lock: surface, the side away from the light, and a line that fades in from the root."""
    left, right = lock.sides()
    canvas.fill(np.concatenate((left, right[::-1])), paint.base)
    dark, bright = (left, right) if (left[8, 0] - right[8, 0]) * light < 0 else (right, left)
    reach = 0.4 * np.clip(np.linspace(-0.35, 1.4, len(dark)), 0, 1)[:, None]
    canvas.fill(np.concatenate((dark, (dark + (bright - dark) * reach)[::-1])), paint.shadow)
    for edge in (left, right):
        canvas.stroke(edge[5:], 0.027, paint.line, (0.0, 1.0, 0.6))


def draw_mass(canvas: Canvas, outline: Points, paint: Paint) -> None:
    """Paint a body of hair with a line around it."""
    canvas.fill(outline, paint.base)
    canvas.contour(outline, 0.03, paint.line)


def draw_strands(canvas: Canvas, starts: Sequence[Points], paint: Paint, clip: Clip | None = None) -> None:
    """Draw thin lines inside a body of hair."""
    for strand in starts:
        canvas.stroke(strand, 0.022, paint.line, (0.0, 1.0, 0.0), clip, 0.75)


def fringe_of(look: Look, chance: random.Random, jitter: float) -> list[Lock]:
    """The locks over the forehead, in painting order."""
    return [lock.shaken(chance, jitter) for lock in _FRINGES[look.fringe]()]


def side_locks_of(look: Look, chance: random.Random, jitter: float) -> list[Lock]:
    """The locks before the ears."""
    length = {"cropped": 0.3, "spiky": 0.36, "messy": 0.42, "swept": 0.32, "curtains": 0.5, "short": 0.62}.get(
        look.hair_style, 0.86
    )
    pair = both(
        [
            Lock((0.93, -0.62), (1.14, 0.1), (0.93, length), 0.3),
            Lock((0.86, -0.68), (0.98, -0.2), (0.84, length * 0.62), 0.2),
        ]
    )
    return [lock.shaken(chance, jitter) for lock in pair]


def draw_front(canvas: Canvas, look: Look, locks: Sequence[Lock], light: int) -> Clip:
    """Paint the crown and the fringe; returns where they are."""
    paint = front_paint(look)
    dome, hairline = spline(_DOME), spline(_HAIRLINE)
    crown = np.concatenate((dome, hairline[1:-1]))
    canvas.fill(crown, paint.base)
    if look.hair_style not in _CRESTED:
        canvas.stroke(dome, 0.03, paint.line, (0.4, 1, 0.4))
    for lock in locks:
        draw_lock(canvas, lock, paint, light)
    clip = canvas.clip([crown, *(lock.outline() for lock in locks)])
    # Thin ends let the light through; the crown's far side loses it.
    canvas.fade(clip, (0, 0.35), (0, -0.55), mix(look.hair, (255, 244, 238), 0.7), 0.32)
    canvas.fade(clip, (-1.15 * light, -0.7), (-0.1 * light, -0.5), paint.shadow, 0.45)
    draw_strands(canvas, _crown_strands(), paint, clip)
    _draw_shine(canvas, look, clip)
    return clip


def _crown_strands() -> list[Points]:
    ends = ((-0.97, -0.5), (-0.6, -0.72), (-0.34, -0.84), (-0.05, -0.7), (0.27, -0.82), (0.5, -0.66), (0.86, -0.6))
    return [arc((0.08 * x, -1.24), (0.8 * x, -1.14), (x, y), 20) for x, y in ends]


def _draw_shine(canvas: Canvas, look: Look, clip: Clip) -> None:
    """The ring of light around the head, in strands of uneven length, thin towards the sides."""
    ring = spline(((-0.92, -0.5), (-0.62, -0.8), (0, -0.93), (0.62, -0.8), (0.92, -0.5)), samples=20)
    t = np.linspace(0, 1, len(ring))
    thickness = np.sin(np.pi * t) ** 0.8
    above = thickness * (0.045 + 0.05 * _teeth(t * 12.0))
    below = thickness * (0.03 + 0.1 * _teeth(t * 9.0 + 0.4))
    lift = np.zeros_like(ring)
    lift[:, 1] = 1.0
    band = np.concatenate((ring - lift * above[:, None], (ring + lift * below[:, None])[::-1]))
    canvas.fill(band, look.hair_light, 0.75, clip)


def _teeth(t: Values) -> Values:
    """Pointed strands: a triangle wave whose teeth differ in height."""
    height = 0.55 + 0.45 * np.sin(np.floor(t) * 2.4)
    return (1 - np.abs((t % 1) * 2 - 1)) * height


def _parted() -> list[Lock]:
    return [
        Lock((-0.62, -0.8), (-0.92, -0.45), (-0.86, 0.06), 0.36),
        Lock((0.8, -0.75), (0.95, -0.4), (0.88, 0.04), 0.34),
        Lock((0.52, -0.9), (0.66, -0.4), (0.6, -0.08), 0.36),
        Lock((-0.28, -0.92), (-0.62, -0.55), (-0.66, -0.06), 0.4),
        Lock((0.0, -0.95), (-0.24, -0.55), (-0.36, -0.06), 0.38),
        Lock((0.26, -0.95), (0.36, -0.5), (0.24, -0.02), 0.34),
        Lock((0.12, -0.97), (-0.02, -0.5), (-0.08, -0.02), 0.26),
    ]


def _straight() -> list[Lock]:
    xs = (-0.78, 0.78, -0.52, 0.52, -0.26, 0.26, 0.0)
    return [Lock((x * 0.9, -0.85), (x * 1.04, -0.45), (x, -0.07 + 0.05 * abs(x)), 0.33, 5.0) for x in xs]


def _swept() -> list[Lock]:
    return [
        Lock((0.72, -0.8), (0.98, -0.45), (0.92, 0.02), 0.34),
        Lock((-0.74, -0.78), (-0.98, -0.4), (-0.84, 0.12), 0.36),
        Lock((-0.5, -0.9), (-0.84, -0.45), (-0.6, 0.0), 0.36),
        Lock((-0.2, -0.95), (-0.6, -0.45), (-0.3, 0.0), 0.38),
        Lock((0.1, -0.97), (-0.3, -0.42), (0.04, 0.02), 0.38),
        Lock((0.4, -0.95), (0.02, -0.45), (0.36, -0.04), 0.36),
        Lock((0.62, -0.88), (0.36, -0.5), (0.68, -0.08), 0.3),
    ]


def _centre_lock() -> list[Lock]:
    return [
        *both(
            [Lock((0.78, -0.75), (0.98, -0.4), (0.86, 0.08), 0.34), Lock((0.5, -0.9), (0.76, -0.5), (0.66, -0.1), 0.38)]
        ),
        *both([Lock((0.24, -0.95), (0.42, -0.55), (0.36, -0.12), 0.36)]),
        Lock((0.02, -0.96), (0.1, -0.45), (-0.02, 0.16), 0.32),
    ]


def _airy() -> list[Lock]:
    xs = (-0.8, 0.78, -0.56, 0.54, -0.3, 0.3, 0.02)
    tips = (0.06, 0.02, -0.08, -0.1, -0.03, -0.1, 0.05)
    return [
        Lock((x * 0.8, -0.9), (x * 1.05 + 0.08, -0.45), (x * 0.98 - 0.05, y), 0.27, 1.6)
        for x, y in zip(xs, tips, strict=True)
    ]


_FRINGES: Mapping[str, Callable[[], list[Lock]]] = MappingProxyType(
    {"parted": _parted, "straight": _straight, "swept": _swept, "centre_lock": _centre_lock, "airy": _airy}
)


def closed_mass(right: Sequence[tuple[float, float]]) -> Points:
    """A symmetrical outline from the points of its right side, top to bottom."""
    half = np.array(right)
    return spline(np.concatenate((half, mirrored(half[1:])[::-1])), closed=True)


def bun(centre: tuple[float, float], radius: float) -> Points:
    """A round knot of hair."""
    return ellipse(centre, (radius, radius))
