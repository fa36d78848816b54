"""Eyes and brows: where most of a drawn face's character and emotion lies."""

import math

import numpy as np

from anime_models._drawn.canvas import Canvas, Clip, Colour, mix, tint
from anime_models._drawn.expressions import Expression
from anime_models._drawn.looks import Look
from anime_models._drawn.shapes import Pairs, Points, ellipse, spline

EYE_X, EYE_Y = 0.435, 0.22
_WHITE = (255, 252, 250)
_LASH: Colour = (52, 30, 42)

# Outlines of the open eye, in halves of its width and height, x outward.
_UPPER = ((-1.0, 0.34), (-0.78, -0.36), (-0.28, -0.86), (0.3, -0.92), (0.8, -0.5), (1.04, 0.16))
_LOWER = ((0.97, 0.36), (0.8, 0.76), (0.32, 0.98), (-0.3, 0.97), (-0.74, 0.76), (-0.98, 0.38))
_CLOSED = {
    "arched": ((-0.98, 0.42), (-0.6, -0.12), (0.0, -0.4), (0.6, -0.16), (1.04, 0.42)),
    "lowered": ((-0.96, 0.2), (-0.55, 0.56), (0.0, 0.7), (0.6, 0.54), (1.06, 0.08)),
}


class EyeShape:
    """One eye's measures; `side` is -1 for the picture's left, 1 for its right."""

    def __init__(self, look: Look, expression: Expression, side: int) -> None:
        self.look, self.expression, self.side = look, expression, side
        female = look.sex == "female"
        self.width = (0.285 if female else 0.245) * look.eye_size
        self.height = (0.335 if female else 0.19) * look.eye_size
        self.lash_width = 0.085 if female else 0.062

    def at(self, points: Pairs | Points) -> Points:
        """From halves of the eye's size, x outward, to head units."""
        x, y = np.asarray(points, dtype=np.float64).T
        y = y * self.height - self.look.eye_slant * x
        return np.stack((self.side * (EYE_X + x * self.width), EYE_Y + y), axis=1)

    def upper(self) -> Points:
        """The upper lid's edge from the nose outward, as halves of the eye's size."""
        x, y = spline(_UPPER, samples=10).T
        shown = self.expression
        y = 0.5 + (y - 0.5) * shown.openness
        y = np.where(y < 0.0, y * (1 - 0.75 * shown.cut), y)
        return np.stack((x, y - shown.lid_slant * x * 1.3), axis=1)

    def lower(self) -> Points:
        """The lower lid's edge from the outer corner inward."""
        x, y = spline(_LOWER, samples=10).T
        return np.stack((x, y - self.expression.lower_lid * np.maximum(0, y - 0.3)), axis=1)


def draw_eyes(canvas: Canvas, look: Look, expression: Expression, light: int) -> None:
    """Paint both eyes."""
    for side in (-1, 1):
        eye = EyeShape(look, expression, side)
        if expression.lids == "open":
            _draw_open(canvas, eye, light)
        elif expression.lids == "squeezed":
            _draw_squeezed(canvas, eye)
        else:
            _draw_closed(canvas, eye)


def _draw_open(canvas: Canvas, eye: EyeShape, light: int) -> None:
    upper, lower = eye.upper(), eye.lower()
    opening = canvas.clip([eye.at(np.concatenate((upper, lower)))])
    canvas.flood(opening, _WHITE)
    _draw_iris(canvas, eye, opening, light)
    lid_shadow = np.concatenate((upper, upper[::-1] + np.array([0.0, 0.3])))
    canvas.fill(eye.at(lid_shadow), (70, 44, 92), 0.3, opening)
    _draw_lashes(canvas, eye, upper, lower)


def _draw_iris(canvas: Canvas, eye: EyeShape, opening: Clip, light: int) -> None:
    shown, colour = eye.expression, eye.look.eyes
    across, down = eye.width * 0.64 * shown.iris, max(eye.height * 0.84, 0.21) * shown.iris
    x = eye.side * (EYE_X - 0.02) + shown.gaze[0] * 0.16
    y = EYE_Y + 0.03 + shown.gaze[1] * 0.16

    def oval(dx: float, dy: float, scale_x: float, scale_y: float) -> Points:
        return ellipse((x + dx * across, y + dy * down), (scale_x * across, scale_y * down))

    dark = mix(tint(colour, (0.42, 0.36, 0.46)), (30, 16, 44), 0.35)
    canvas.fill(oval(0, 0, 1, 1), dark, clip=opening)
    inner = canvas.clip([oval(0, 0.03, 0.86, 0.9)], opening)
    canvas.flood(inner, colour)
    canvas.fade(inner, (x, y - 0.9 * down), (x, y + 0.5 * down), dark, 0.95)
    canvas.glow((x, y + 0.62 * down), (0.72 * across, 0.46 * down), mix(colour, (255, 255, 255), 0.62), 0.95, inner)
    pupil = shown.pupil
    canvas.fill(oval(0, 0.02, 0.4 * pupil, 0.46 * pupil), mix(dark, (14, 6, 22), 0.65), clip=opening)
    if shown.shine == 0:
        canvas.fill(oval(0, 0.02, 0.14 * pupil, 0.16 * pupil), mix(colour, (255, 255, 255), 0.7), clip=opening)
        return
    size = 1.25 if shown.shine > 1 else 1.0
    canvas.fill(oval(-0.36 * light, -0.42, 0.34 * size, 0.27 * size), (255, 255, 255), clip=opening)
    canvas.fill(oval(0.42 * light, 0.42, 0.17 * size, 0.14 * size), (255, 255, 255), 0.95, opening)
    if shown.shine > 1:
        canvas.fill(oval(-0.44 * light, 0.3, 0.12, 0.1), (255, 255, 255), 0.9, opening)


def _draw_lashes(canvas: Canvas, eye: EyeShape, upper: Points, lower: Points) -> None:
    look, female = eye.look, eye.look.sex == "female"
    ink = mix(_LASH, look.hair_line, 0.25)
    wing = upper[-1] + np.array([0.2, -0.16 if female else -0.02])
    canvas.stroke(eye.at(np.concatenate((upper, [wing]))), eye.lash_width, ink, (0.3, 1.0, 0.05))
    if female:
        for start, reach in ((-6, (0.3, -0.26)), (-13, (0.2, -0.3))):
            root = upper[start]
            tip = root + np.array(reach)
            lash = spline([tuple(root), tuple((root + tip) / 2 + np.array([0.06, 0.05])), tuple(tip)])
            canvas.stroke(eye.at(lash), 0.04, ink, (1.0, 0.6, 0.0))
    canvas.stroke(eye.at(lower[:28]), 0.026, mix(ink, look.skin_line, 0.4), (0.4, 1.0, 0.0))
    crease = upper[14:48] + np.array([0.02, -0.24 if female else -0.36])
    canvas.stroke(eye.at(crease), 0.018, look.skin_line, opacity=0.8)


def _draw_closed(canvas: Canvas, eye: EyeShape) -> None:
    ink = mix(_LASH, eye.look.hair_line, 0.25)
    line = spline(_CLOSED[eye.expression.lids])
    line[:, 1] = line[:, 1] * max(1.0, 0.24 / eye.height)
    canvas.stroke(eye.at(line), eye.lash_width * 0.9, ink, (0.25, 1.0, 0.2))
    if eye.look.sex == "female":
        down = 1 if eye.expression.lids == "lowered" else -0.2
        for index in (-1, -6):
            tip = line[index] + np.array([0.24, 0.22 * down])
            canvas.stroke(eye.at(np.linspace(line[index], tip, 6)), 0.036, ink, (1.0, 0.6, 0.0))


def _draw_squeezed(canvas: Canvas, eye: EyeShape) -> None:
    ink = mix(_LASH, eye.look.hair_line, 0.25)
    corner, stretch = (-0.62, 0.24), max(1.0, 0.25 / eye.height)
    for end in ((0.8, -0.3 * stretch), (0.8, 0.24 + 0.5 * stretch)):
        bend = ((corner[0] + end[0]) / 2, (corner[1] + end[1]) / 2 + (0.06 if end[1] < 0 else -0.06))
        canvas.stroke(eye.at(spline([corner, bend, end])), eye.lash_width, ink, (0.8, 1.0, 0.1))


def draw_brows(canvas: Canvas, look: Look, expression: Expression) -> None:
    """Paint both brows; they lie above the hair, as drawn faces have it."""
    female = look.sex == "female"
    weight = (0.05 if female else 0.078) * expression.brow_weight
    ink = mix(look.hair_line, look.hair, 0.22)
    angle = expression.brow_slant * 1.25
    for side in (-1, 1):
        bend = 0.055 if expression.brow_slant < 0.2 else 0.02
        x, y = spline(((-0.25, 0.02), (-0.05, -bend), (0.14, -bend), (0.29, 0.03))).T
        turned = np.stack(
            (x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)), axis=1
        )
        height = EYE_Y - (0.47 if female else 0.39) - expression.brow_raise
        placed = np.stack((side * (EYE_X - 0.01 + turned[:, 0]), height + turned[:, 1]), axis=1)
        canvas.stroke(placed, weight, ink, (0.85, 1.0, 0.1))
