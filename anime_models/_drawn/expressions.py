"""What the face does for each emotion: a few variants each, as numbers for brows, eyes, mouth and marks."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True)
class Expression:
    """Lengths in head units.

    Attributes:
        brow_slant: positive lowers the inner ends (anger), negative raises them (grief).
        brow_raise: how far up the brows are.
        brow_weight: factor on their thickness.
        lids: "open", "arched" (closed, smiling), "lowered" (closed, calm or crying), "squeezed" (> <).
        openness: of the eyes, 1 at rest.
        lid_slant: the upper lid's slope, positive for anger.
        cut: how flat the upper lid lies across the iris, 0 to 1.
        lower_lid: how far the lower lid comes up, 0 to 1.
        iris, pupil: factors on their sizes.
        gaze: where the eyes look, (0, 0) is ahead.
        shine: highlights in the eyes: 0 none, 1 usual, 2 brimming.
        mouth: name of a mouth of `anime_models._drawn.mouths`.
        mouth_size: factor on its size.
        blush: strength in [0, 1].
        marks: names of marks of `anime_models._drawn.marks`.
        roll: extra tilt of the head, radians, in the pose's direction.
    """

    brow_slant: float = 0.0
    brow_raise: float = 0.0
    brow_weight: float = 1.0
    lids: str = "open"
    openness: float = 1.0
    lid_slant: float = 0.0
    cut: float = 0.0
    lower_lid: float = 0.0
    iris: float = 1.0
    pupil: float = 1.0
    gaze: tuple[float, float] = (0.0, 0.0)
    shine: int = 1
    mouth: str = "calm"
    mouth_size: float = 1.0
    blush: float = 0.25
    marks: tuple[str, ...] = ()
    roll: float = 0.0


_ANGRY = Expression(
    brow_slant=0.34, brow_raise=-0.13, brow_weight=1.5, lid_slant=0.2, cut=0.55, lower_lid=0.15, iris=0.88, pupil=0.85,
    mouth="gritted", blush=0.1, marks=("vein", "furrow"),
)  # fmt: skip
_EMBARRASSED = Expression(
    brow_slant=-0.24, brow_raise=0.05, brow_weight=0.9, openness=0.88, lid_slant=-0.08, cut=0.12, gaze=(0.55, 0.22),
    shine=2, mouth="wavy", blush=1.0, marks=("blush_lines", "sweat"),
)  # fmt: skip
_HAPPY = Expression(
    brow_slant=-0.05, brow_raise=0.1, openness=1.06, iris=1.06, shine=2, mouth="laugh", blush=0.45,
)  # fmt: skip
_CRAZY = Expression(
    brow_slant=0.12, brow_raise=0.13, brow_weight=1.1, openness=1.18, lower_lid=0.0, iris=0.56, pupil=0.5, shine=0,
    mouth="fiend", blush=0.0, marks=("dark_face", "eye_strain"), roll=0.16,
)  # fmt: skip
_SAD = Expression(
    brow_slant=-0.36, brow_raise=0.02, openness=0.84, lid_slant=-0.2, cut=0.2, gaze=(0.0, 0.2), shine=2, mouth="droop",
    blush=0.2, marks=("brimming", "tears"),
)  # fmt: skip
_SCARED = Expression(
    brow_slant=-0.3, brow_raise=0.15, brow_weight=0.9, openness=1.2, iris=0.66, pupil=0.55, mouth="tremble", blush=0.0,
    marks=("pale", "gloom", "sweat", "second_sweat", "shiver"),
)  # fmt: skip

_VARIANTS: Mapping[str | None, tuple[Expression, ...]] = MappingProxyType(
    {
        "Angry": (
            _ANGRY,
            replace(_ANGRY, mouth="shout", openness=1.05, cut=0.45, marks=("vein", "furrow")),
            replace(_ANGRY, mouth="frown", cut=0.62, marks=("vein", "furrow", "puff")),
        ),
        "Embarrassed": (
            _EMBARRASSED,
            replace(_EMBARRASSED, gaze=(0.5, -0.1), mouth="small_wavy", marks=("blush_lines", "sweat", "steam")),
            replace(_EMBARRASSED, lids="squeezed", mouth="wavy", marks=("blush_lines", "sweat", "steam")),
        ),
        "Happy": (
            _HAPPY,
            replace(_HAPPY, lids="arched", mouth="laugh", marks=("sparkles",)),
            replace(_HAPPY, mouth="beam", marks=("sparkles",)),
            replace(_HAPPY, lids="arched", mouth="cat"),
        ),
        "Psycho-Crazy": (
            _CRAZY,
            replace(_CRAZY, brow_slant=-0.12, brow_raise=0.18, mouth="grin", blush=0.5),
            replace(_CRAZY, brow_slant=0.26, brow_raise=-0.02, cut=0.2, mouth="fiend"),
        ),
        "Sad": (
            _SAD,
            replace(_SAD, lids="lowered", mouth="droop", marks=("streams",)),
            replace(_SAD, mouth="sob", openness=0.9, marks=("brimming", "streams")),
        ),
        "Scared": (
            _SCARED,
            replace(_SCARED, mouth="scream", marks=("pale", "gloom", "sweat", "second_sweat", "shiver")),
            replace(_SCARED, mouth="chatter", marks=("pale", "gloom", "sweat", "corner_tears", "shiver")),
        ),
        None: (Expression(), Expression(mouth="small", gaze=(0.12, 0.05)), Expression(mouth="dot", openness=0.95)),
    }
)  # fmt: skip

EMOTIONS = ("Angry", "Embarrassed", "Happy", "Psycho-Crazy", "Sad", "Scared")


def expression_of(emotion: str | None, seed: int, identity: int) -> Expression:
    """The face of an emotion in one drawing; None is neutral."""
    chance = random.Random(f"expression {emotion} {identity} {seed}")
    chosen = chance.choice(_VARIANTS[emotion])
    side = chance.choice((-1, 1))
    return replace(
        chosen,
        brow_slant=chosen.brow_slant * chance.uniform(0.88, 1.15),
        brow_raise=chosen.brow_raise + chance.uniform(-0.015, 0.015),
        openness=chosen.openness * chance.uniform(0.96, 1.04),
        gaze=(chosen.gaze[0] * side, chosen.gaze[1]),
        mouth_size=chosen.mouth_size * chance.uniform(0.93, 1.08),
        roll=chosen.roll * side,
    )
