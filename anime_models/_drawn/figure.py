"""One character, bust and head, painted back to front."""

import random
from dataclasses import replace

import numpy as np

from anime_models._drawn.accessories import draw_behind_head, draw_on_head
from anime_models._drawn.canvas import Canvas, Clip
from anime_models._drawn.expressions import Expression
from anime_models._drawn.eyes import draw_brows, draw_eyes
from anime_models._drawn.hair import draw_front, fringe_of, side_locks_of
from anime_models._drawn.hairstyles import Stylist
from anime_models._drawn.looks import Look, Pose
from anime_models._drawn.marks import draw_flush, draw_front_marks, draw_skin_marks
from anime_models._drawn.mouths import draw_mouth, draw_nose
from anime_models._drawn.outfits import Body
from anime_models._drawn.shapes import Points, ellipse, mirrored, spline

# How far each layer lies before the head's axis, as its shift at full turn, in head units.
_BEHIND, _FACE, _HAIR, _FEATURES, _NOSE = -0.05, 0.07, 0.09, 0.16, 0.21
_NECK = (0.0, 0.95)
FACE_TOP, FACE_BOTTOM, FACE_SIDE = -0.55, 1.02, 0.86


def face_outline(look: Look) -> Points:
    """Forehead, cheeks and chin."""
    if look.sex == "male":
        right = (
            (0.0, -1.05),
            (0.62, -0.92),
            (0.84, -0.4),
            (0.845, 0.1),
            (0.8, 0.44),
            (0.64, 0.78),
            (0.36, 1.02),
            (0.13, 1.11),
        )
    else:
        right = (
            (0.0, -1.05),
            (0.62, -0.92),
            (0.86, -0.4),
            (0.88, 0.1),
            (0.81, 0.42),
            (0.58, 0.74),
            (0.26, 0.96),
            (0.06, 1.03),
        )
    half = np.array(right)
    return spline(np.concatenate((half, mirrored(half[1:])[::-1])), closed=True)


def draw_figure(canvas: Canvas, look: Look, expression: Expression, pose: Pose, chance: random.Random) -> Points:
    """Paint a character whose face is centred on the canvas's origin.

    Returns:
        The face's outline from mid-forehead to chin in pixels of the oversized picture, [N, 2].
    """
    canvas = replace(canvas, line=pose.line)
    roll = pose.roll + expression.roll
    head = replace(canvas.placed(_NECK, 1.0, roll).placed((-_NECK[0], -_NECK[1]), 1.0), yaw=pose.yaw)
    hair = Stylist(head.layer(_BEHIND), look, chance, pose.jitter, pose.light)
    draw_behind_head(head.layer(_BEHIND), look)
    hair.draw_behind()
    Body(canvas, look).draw()
    face = _draw_head(head.layer(_FACE), look, expression, pose)
    _draw_features(head, look, expression, pose, face)
    locks = fringe_of(look, chance, pose.jitter) + side_locks_of(look, chance, pose.jitter)
    fringe = head.layer(_HAIR)
    _draw_hair_shadow(fringe, [lock.outline() + np.array([-0.03 * pose.light, 0.08]) for lock in locks], look, face)
    draw_eyes(head.layer(_FEATURES), look, expression, pose.light)
    draw_front(fringe, look, locks, pose.light)
    replace(hair, canvas=fringe).draw_beside()
    draw_brows(head.layer(_FEATURES), look, expression)
    draw_on_head(fringe if look.accessory != "glasses" else head.layer(_FEATURES), look, pose.light)
    draw_front_marks(head.layer(_FEATURES), expression.marks, pose.light)
    outline = face_outline(look)
    return head.layer(_FACE).pixels(outline[outline[:, 1] >= FACE_TOP])


def _draw_head(canvas: Canvas, look: Look, expression: Expression, pose: Pose) -> Clip:
    """Paint ears, skin, the side away from the light, and what the emotion does to the skin."""
    for side in (-1, 1):
        ear = ellipse((side * 0.9, 0.28), (0.13, 0.21), 0.15 * side)
        canvas.fill(ear, look.skin)
        canvas.contour(ear, 0.03, look.skin_line)
        canvas.stroke(spline(((side * 0.9, 0.17), (side * 0.95, 0.26), (side * 0.89, 0.36))), 0.02, look.skin_line)
    outline = face_outline(look)
    canvas.fill(outline, look.skin)
    face = canvas.clip([outline])
    shade = np.concatenate((outline, (outline + np.array([0.09 * pose.light, -0.05]))[::-1]))
    canvas.fill(shade, look.skin_shadow, 0.85, face)
    canvas.contour(outline, 0.028, look.skin_line)
    draw_flush(canvas, face, expression.blush)
    return face


def _draw_features(head: Canvas, look: Look, expression: Expression, pose: Pose, face: Clip) -> None:
    draw_skin_marks(head.layer(_FEATURES), face, expression.marks)
    draw_nose(head.layer(_NOSE), look, pose.light)
    draw_mouth(head.layer(_FEATURES), look, expression.mouth, expression.mouth_size)
    if look.beauty_mark:
        head.layer(_FEATURES).fill(ellipse((0.56, 0.56), (0.026, 0.026)), look.skin_line)


def _draw_hair_shadow(canvas: Canvas, shapes: list[Points], look: Look, face: Clip) -> None:
    brow = spline(((-1.0, -0.3), (-0.6, -0.48), (0, -0.56), (0.6, -0.48), (1.0, -0.3), (1.0, -1.3), (-1.0, -1.3)))
    canvas.flood(canvas.clip([*shapes, brow], face), look.skin_shadow, 0.9)
