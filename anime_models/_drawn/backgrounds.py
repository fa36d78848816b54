"""What lies behind the figures: plain and patterned screens, and simple places."""

import random
from collections.abc import Callable

import numpy as np
from PIL import Image

from anime_models._drawn.canvas import Canvas, Colour, mix
from anime_models._drawn.shapes import Points, ellipse, spline

_PALETTES: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((255, 226, 232), (255, 196, 210), (255, 255, 255)),
    ((206, 232, 250), (164, 206, 240), (255, 255, 255)),
    ((222, 244, 226), (176, 222, 190), (255, 255, 246)),
    ((255, 242, 208), (255, 220, 150), (255, 255, 255)),
    ((232, 222, 250), (198, 180, 238), (255, 250, 255)),
    ((214, 242, 242), (150, 214, 216), (255, 255, 255)),
    ((250, 228, 214), (240, 190, 164), (255, 250, 240)),
    ((196, 200, 226), (138, 146, 190), (240, 240, 255)),
)


class Scenery:
    """Paints on a canvas whose unit is a pixel of the finished picture."""

    def __init__(self, canvas: Canvas, size: tuple[int, int], chance: random.Random) -> None:
        self.canvas, self.size, self.chance = canvas, size, chance
        self.width, self.height = size
        self.unit = min(size)
        self.pale, self.strong, self.bright = chance.choice(_PALETTES)

    def gradient(self, top: Colour, bottom: Colour) -> None:
        ramp = np.linspace(0, 1, self.canvas.image.height)[:, None, None]
        colours = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
        column = Image.fromarray(np.rint(colours).astype(np.uint8))
        self.canvas.image.paste(column.resize(self.canvas.image.size), (0, 0))

    def box(self, left: float, top: float, right: float, bottom: float) -> Points:
        corners = ((left, top), (right, top), (right, bottom), (left, bottom))
        return np.array(corners) * np.array(self.size)

    def grid(self, step: float) -> list[tuple[float, float]]:
        """Points of a staggered grid that covers the picture, in pixels."""
        spacing = step * self.unit
        rows, columns = int(self.height / spacing) + 2, int(self.width / spacing) + 2
        return [((i + 0.5 * (j % 2)) * spacing, j * spacing) for j in range(rows) for i in range(columns)]


def draw_background(canvas: Canvas, size: tuple[int, int], chance: random.Random, places: bool = False) -> None:
    """Paint a background; `places` also allows outdoor and indoor scenes."""
    chance.choice((*_SCREENS, *_PLACES) if places else _SCREENS)(Scenery(canvas, size, chance))


def _plain(scenery: Scenery) -> None:
    scenery.gradient(mix(scenery.pale, scenery.bright, 0.4), scenery.strong)


def _glow(scenery: Scenery) -> None:
    scenery.gradient(scenery.strong, mix(scenery.strong, scenery.pale, 0.5))
    middle = (scenery.width / 2, scenery.height * 0.45)
    scenery.canvas.glow(middle, (scenery.width * 0.8, scenery.height * 0.8), scenery.bright, 0.9)


def _dots(scenery: Scenery) -> None:
    scenery.gradient(scenery.pale, mix(scenery.pale, scenery.strong, 0.6))
    radius = scenery.unit * scenery.chance.uniform(0.025, 0.05)
    for point in scenery.grid(scenery.chance.uniform(0.14, 0.22)):
        scenery.canvas.fill(ellipse(point, (radius, radius), samples=20), scenery.bright, 0.75)


def _stripes(scenery: Scenery) -> None:
    scenery.gradient(scenery.pale, scenery.pale)
    lean = scenery.chance.choice((-0.5, 0.0, 0.5)) * scenery.height
    step = scenery.unit * scenery.chance.uniform(0.08, 0.16)
    for left in np.arange(-abs(lean), scenery.width + abs(lean), 2 * step):
        stripe = np.array(
            [(left, 0), (left + step, 0), (left + step + lean, scenery.height), (left + lean, scenery.height)]
        )
        scenery.canvas.fill(stripe, mix(scenery.pale, scenery.strong, 0.7))


def _rays(scenery: Scenery) -> None:
    scenery.gradient(scenery.pale, scenery.pale)
    centre = np.array([scenery.width / 2, scenery.height * 0.55])
    reach = 2 * max(scenery.size)
    turn = scenery.chance.uniform(0, 1)
    for angle in np.arange(0, 2 * np.pi, np.pi / 9) + turn:
        tips = [centre + reach * np.array([np.cos(a), np.sin(a)]) for a in (angle, angle + np.pi / 18)]
        scenery.canvas.fill(np.array([centre, *tips]), mix(scenery.pale, scenery.strong, 0.65))
    scenery.canvas.glow((centre[0], centre[1]), (0.7 * scenery.width, 0.7 * scenery.height), scenery.bright, 0.8)


def _star(centre: tuple[float, float], radius: float, turn: float) -> Points:
    angles = np.arange(10) * np.pi / 5 + turn
    radii = np.where(np.arange(10) % 2 == 0, radius, 0.48 * radius)
    return np.stack((centre[0] + radii * np.sin(angles), centre[1] - radii * np.cos(angles)), axis=1)


def _stars(scenery: Scenery) -> None:
    scenery.gradient(mix(scenery.strong, (70, 80, 150), 0.45), scenery.pale)
    for x, y in scenery.grid(0.21):
        radius = scenery.unit * scenery.chance.uniform(0.018, 0.06)
        place = (x + scenery.chance.uniform(-8, 8), y + scenery.chance.uniform(-8, 8))
        scenery.canvas.fill(_star(place, radius, scenery.chance.uniform(-0.4, 0.4)), scenery.bright, 0.85)


def _petals(scenery: Scenery) -> None:
    scenery.gradient(mix(scenery.pale, scenery.bright, 0.6), scenery.pale)
    for x, y in scenery.grid(0.24):
        size = scenery.unit * scenery.chance.uniform(0.02, 0.045)
        place = (x + scenery.chance.uniform(-12, 12), y + scenery.chance.uniform(-12, 12))
        petal = ellipse(place, (size, size * 0.55), scenery.chance.uniform(0, 3), samples=20)
        scenery.canvas.fill(petal, mix(scenery.strong, (255, 160, 190), 0.4), 0.8)


def _bubbles(scenery: Scenery) -> None:
    scenery.gradient(scenery.pale, scenery.strong)
    for _ in range(14):
        centre = scenery.chance.uniform(0, scenery.width), scenery.chance.uniform(0, scenery.height)
        radius = scenery.unit * scenery.chance.uniform(0.04, 0.16)
        scenery.canvas.fill(ellipse(centre, (radius, radius)), scenery.bright, 0.3)


def _clouds(scenery: Scenery, low: float) -> None:
    for _ in range(scenery.chance.randint(2, 5)):
        x, y = scenery.chance.uniform(0, scenery.width), scenery.chance.uniform(0.04, low) * scenery.height
        size = scenery.unit * scenery.chance.uniform(0.05, 0.1)
        for dx, dy, radius in ((-1.3, 0.2, 0.7), (-0.5, -0.3, 0.9), (0.5, -0.1, 1.0), (1.4, 0.25, 0.6), (0, 0.35, 0.9)):
            puff = ellipse((x + dx * size, y + dy * size), (radius * size, radius * size * 0.75), samples=24)
            scenery.canvas.fill(puff, (255, 255, 255))


def _hills(scenery: Scenery) -> None:
    evening = scenery.chance.random() < 0.35
    scenery.gradient((255, 176, 136) if evening else (120, 190, 246), (255, 232, 196) if evening else (226, 244, 255))
    _clouds(scenery, 0.4)
    green = (150, 140, 150) if evening else (126, 192, 116)
    for level, share in ((0.58, 0.45), (0.68, 0.2), (0.8, 0.0)):
        knots = [(x, level + scenery.chance.uniform(-0.06, 0.06)) for x in np.linspace(-0.1, 1.1, 6)]
        ridge = spline(knots)
        slope = np.concatenate((ridge, [(1.1, 1.1), (-0.1, 1.1)])) * np.array(scenery.size)
        scenery.canvas.fill(slope, mix(green, (236, 244, 240), share))


def _room(scenery: Scenery) -> None:
    wall = mix(scenery.pale, (246, 238, 226), 0.5)
    scenery.gradient(wall, mix(wall, scenery.strong, 0.25))
    frame = (172, 130, 96)
    left, width = scenery.chance.uniform(0.04, 0.3), scenery.chance.uniform(0.36, 0.6)
    scenery.canvas.fill(scenery.box(left - 0.02, 0.05, left + width + 0.02, 0.66), frame)
    panes = scenery.canvas.clip([scenery.box(left, 0.08, left + width, 0.63)])
    scenery.canvas.flood(panes, (160, 212, 250))
    scenery.canvas.fade(panes, (0, 0.7 * scenery.height), (0, 0.2 * scenery.height), (240, 248, 255), 1.0)
    for x in (0.32, 0.66):
        scenery.canvas.fill(scenery.box(left + width * x, 0.08, left + width * (x + 0.03), 0.63), frame)
    scenery.canvas.fill(scenery.box(left, 0.34, left + width, 0.36), frame)
    for edge in (left - 0.06, left + width - 0.04):
        scenery.canvas.fill(scenery.box(edge, 0.03, edge + 0.1, 0.78), mix(scenery.strong, scenery.bright, 0.25))
    scenery.canvas.fill(scenery.box(0, 0.86, 1, 1), (188, 146, 110))


def _town(scenery: Scenery) -> None:
    night = scenery.chance.random() < 0.5
    scenery.gradient((46, 52, 104) if night else (150, 204, 246), (150, 112, 170) if night else (244, 240, 226))
    if not night:
        _clouds(scenery, 0.3)
    left = -0.05
    while left < 1.05:
        width, top = scenery.chance.uniform(0.1, 0.22), scenery.chance.uniform(0.25, 0.6)
        shade = mix((60, 62, 104) if night else (206, 196, 198), scenery.strong, 0.3)
        scenery.canvas.fill(scenery.box(left, top, left + width, 1.0), shade)
        lit = (255, 228, 140) if night else (240, 246, 252)
        for y in np.arange(top + 0.05, 0.95, 0.09):
            for x in np.arange(left + 0.02, left + width - 0.03, 0.05):
                if scenery.chance.random() < 0.7:
                    scenery.canvas.fill(scenery.box(x, y, x + 0.025, y + 0.045), lit)
        left += width + 0.01


_SCREENS: tuple[Callable[[Scenery], None], ...] = (_plain, _glow, _dots, _stripes, _rays, _stars, _petals, _bubbles)
_PLACES: tuple[Callable[[Scenery], None], ...] = (_hills, _room, _town)
