"""The page's controls and links as points of the latent space, and points in words."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from anime_models.arguments import real_number
from anime_models.errors import ConfigError
from anime_models.latents import LARGEST_COMPONENT, LARGEST_SEED, checked_seed
from anime_models.permalinks import FacePoint, check_names
from apps.demo.generate.laboratory import MAX_DIRECTIONS, Laboratory
from apps.demo.models import BUILT_IN

FIRST_SEED = 1
# As all generators are trained; those that have seen no shorter latents wash faces out below it.
FIRST_TRUNCATION = 1.0
SLIDER_SEEDS = 9999
# Where the slider ends, nothing is clipped.
NO_CLIP = 4.0
FIRST_POINT = FacePoint(seed=FIRST_SEED, truncation=FIRST_TRUNCATION)


@dataclass(frozen=True)
class Link:
    """What a link to the page asks for: a face, as a permalink's text, of a generator."""

    face: str
    source: str = BUILT_IN


def point_of(
    laboratory: Laboratory, seed: object, start: str, truncation: float, clip: float, *amounts: float
) -> FacePoint:
    """The point that the page's controls stand for.

    Args:
        laboratory: says what the amounts belong to.
        seed: value of the number field; it does not count where there is a start.
        start: permalink of the latent that takes the place of the seed's, or empty.
        truncation: 0 to 1.5.
        clip: standard deviations; `NO_CLIP` or more clips nothing.
        amounts: -1 to 1, in the order of the directions; those that the generator does not have do not count.

    Raises:
        ConfigError: a value is outside its range, or the start is of another generator.
    """
    return FacePoint(
        seed=None if start else whole_seed(seed),
        latent=laboratory.generator.from_permalink(start).latent if start else None,
        truncation=truncation,
        clip=None if real_number("clip", clip, 0, LARGEST_COMPONENT) >= NO_CLIP else clip,
        directions=dict(zip(laboratory.direction_names, amounts, strict=False)),
    )


def controls_of(laboratory: Laboratory, point: FacePoint) -> list[Any]:
    """The arguments of `point_of` after the laboratory that stand for a point, `MAX_DIRECTIONS` amounts included.

    Raises:
        ConfigError: the point moves along a direction that the page has no slider for.
    """
    check_names(point.directions, laboratory.direction_names)
    start = "" if point.latent is None else laboratory.generator.permalink(FacePoint(latent=point.latent))
    amounts = [point.directions.get(name, 0.0) for name in laboratory.direction_names]
    rest = [0.0] * (MAX_DIRECTIONS - len(amounts))
    clip = NO_CLIP if point.clip is None else min(point.clip, NO_CLIP)
    return [point.seed, start, point.truncation, clip, *amounts, *rest]


def whole_seed(value: object) -> int:
    """A seed as typed or sent.

    Raises:
        ConfigError: it is no whole number from 0 to 4294967295.
    """
    if value is None or value == "":
        raise ConfigError(f"There is no seed. Give a whole number from 0 to {LARGEST_SEED}.")
    return checked_seed(as_whole(value))


def as_whole(value: Any) -> Any:
    """In JSON 24 and 24.0 are the same number; here it is whole."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def link_query(link: Link) -> str:
    """The part of a URL after the question mark that opens the page on a face."""
    asked = {"tab": "generate", "face": link.face}
    return urlencode(asked if link.source == BUILT_IN else {**asked, "model": link.source})


def read_query(query: str) -> tuple[str | None, Link | None]:
    """The tab and the face that a URL's query asks for, each None where it names none."""
    asked = {name: values[0] for name, values in parse_qs(query.removeprefix("?")).items()}
    link = Link(asked["face"], asked.get("model", BUILT_IN)) if "face" in asked else None
    return asked.get("tab"), link


def in_words(point: FacePoint) -> str:
    """``Seed 42, truncation 0.70, hair brighter +0.50``: what a person needs to make the face again."""
    start = "A face without a seed" if point.seed is None else f"Seed {point.seed}"
    clip = [] if point.clip is None else [f"clip {point.clip:.2f}"]
    moves = [f"{name} {amount:+.2f}" for name, amount in point.directions.items()]
    return ", ".join([start, f"truncation {point.truncation:.2f}", *clip, *moves])


def picture_name(point: FacePoint) -> str:
    """Name of the file that a face is saved as."""
    return "face.png" if point.seed is None else f"face-seed-{point.seed}.png"
