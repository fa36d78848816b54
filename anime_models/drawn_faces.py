"""Procedural anime-style faces: unlimited, seeded, free of any licence, for examples, tests and offline trials.

A character is a number: its hair, eyes, skin, clothes and accessory never change. The seed of a drawing varies pose,
light, line and background, and which of several faces shows the emotion. The same arguments give the same picture.
"""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from PIL import Image

from anime_models._drawn.dataset import write_dataset
from anime_models._drawn.expressions import EMOTIONS, expression_of
from anime_models._drawn.looks import SEXES, look_of
from anime_models._drawn.pictures import Box, render_face, render_scene
from anime_models.errors import ConfigError

__all__ = ["EMOTIONS", "SEXES", "DrawnFace", "describe_face", "draw_face", "draw_scene", "make_dataset"]

_SMALLEST, _LARGEST = 32, 1024
_LARGEST_SCENE = 4096
_MOST_FACES = 4


@dataclass(frozen=True)
class DrawnFace:
    """What `draw_face` draws for the same arguments, in words.

    Attributes:
        identity, emotion, sex, seed: as given; an emotion of None is neutral.
        hair_style, hair_colour, eye_colour, accessory, outfit: the character's, the same for every seed.
        mouth: the shape chosen for the emotion in this drawing.
        marks: manga's signs of emotion in this drawing, such as "sweat" or "vein".
    """

    identity: int
    emotion: str | None
    sex: str
    seed: int
    hair_style: str
    hair_colour: str
    eye_colour: str
    accessory: str
    outfit: str
    mouth: str
    marks: tuple[str, ...]


def draw_face(
    *, identity: int, emotion: str | None = "Happy", sex: str = "female", size: int = 160, seed: int = 0
) -> Image.Image:
    """Draw one character, head and shoulders.

    Args:
        identity: number of the character, 0 or more.
        emotion: one of `EMOTIONS`, or None for a neutral face.
        sex: as drawn, one of `SEXES`; the same identity of the other sex keeps its colours.
        size: pixels a side, 32 to 1024.
        seed: number of the drawing, 0 or more.

    Returns:
        A square RGB picture.

    Raises:
        ConfigError: an argument is outside what is allowed.
    """
    _check(identity, emotion, sex, seed)
    if not _SMALLEST <= size <= _LARGEST:
        raise ConfigError(f"size is {size}; choose {_SMALLEST} to {_LARGEST} pixels.")
    return render_face(identity, emotion, sex, size, seed)


def describe_face(*, identity: int, emotion: str | None = "Happy", sex: str = "female", seed: int = 0) -> DrawnFace:
    """Tell what `draw_face` draws for these arguments.

    Raises:
        ConfigError: an argument is outside what is allowed.
    """
    _check(identity, emotion, sex, seed)
    look, expression = look_of(identity, sex), expression_of(emotion, seed, identity)
    return DrawnFace(
        identity=identity,
        emotion=emotion,
        sex=sex,
        seed=seed,
        hair_style=look.hair_style,
        hair_colour=look.hair_name,
        eye_colour=look.eye_name,
        accessory=look.accessory,
        outfit=look.outfit,
        mouth=expression.mouth,
        marks=expression.marks,
    )


def draw_scene(*, seed: int, num_faces: int, size: tuple[int, int]) -> tuple[Image.Image, list[Box]]:
    """Draw figures of random characters and moods before a background.

    Args:
        seed: number of the scene, 0 or more.
        num_faces: 0 to 4.
        size: width and height in pixels, each 32 to 4096.

    Returns:
        The RGB picture, and for each face the box (x0, y0, x1, y1) in pixels from mid-forehead to chin and from cheek
        to cheek, hair and ears outside, the figure furthest back first.

    Raises:
        ConfigError: an argument is outside what is allowed.
    """
    if not 0 <= num_faces <= _MOST_FACES:
        raise ConfigError(f"num_faces is {num_faces}; choose 0 to {_MOST_FACES}.")
    if seed < 0 or not all(_SMALLEST <= side <= _LARGEST_SCENE for side in size):
        raise ConfigError(
            f"A scene of seed {seed} and size {size[0]} x {size[1]} cannot be drawn; choose a seed of 0 or more and "
            f"sides of {_SMALLEST} to {_LARGEST_SCENE} pixels."
        )
    return render_scene(seed, num_faces, size)


def make_dataset(
    folder: str | PathLike[str],
    *,
    task: str = "character",
    num_identities: int = 12,
    images_per_identity: int = 12,
    size: int = 96,
    seed: int = 0,
) -> Path:
    """Write a labelled image dataset: Parquet splits that `datasets.load_dataset` reads, and a card.

    For the task "character" the label is the character and each drawing is a group of its own; every character is in
    every split. For "emotion" the label is the emotion and the group is the character, who is in one split only. About
    70, 15 and 15 per cent are in `train`, `validation` and `test`.

    Args:
        folder: made if need be; files of an earlier dataset in it are replaced.
        task: "character" or "emotion".
        num_identities: how many characters: 2 or more for "character", 3 or more for "emotion".
        images_per_identity: drawings of each: 3 or more, for "emotion" 6 or more.
        size: pixels a side, 32 to 1024.
        seed: another seed makes other characters and drawings.

    Returns:
        The folder: `train.parquet`, `validation.parquet`, `test.parquet`, and `README.md`, written last.

    Raises:
        ConfigError: an argument is outside what is allowed.
        DatasetError: the folder cannot be written.
    """
    least = {"character": (2, 3), "emotion": (3, len(EMOTIONS))}
    if task not in least:
        raise ConfigError(f"task is {task!r}; choose 'character' or 'emotion'.")
    if num_identities < least[task][0] or images_per_identity < least[task][1]:
        raise ConfigError(
            f"{num_identities} identities with {images_per_identity} images each are too few to split for the task "
            f"'{task}'; ask for at least {least[task][0]} with {least[task][1]} each."
        )
    if seed < 0 or not _SMALLEST <= size <= _LARGEST:
        raise ConfigError(f"seed is {seed}, size {size}; choose 0 or more, and {_SMALLEST} to {_LARGEST} pixels.")
    return write_dataset(Path(folder), task, num_identities, images_per_identity, size, seed)


def _check(identity: int, emotion: str | None, sex: str, seed: int) -> None:
    if emotion is not None and emotion not in EMOTIONS:
        raise ConfigError(f"emotion is {emotion!r}; choose one of {', '.join(EMOTIONS)}, or None for a neutral face.")
    if sex not in SEXES:
        raise ConfigError(f"sex is {sex!r}; choose 'female' or 'male'.")
    if identity < 0 or seed < 0:
        raise ConfigError(f"identity is {identity}, seed {seed}; choose whole numbers of 0 or more.")
