"""Faces around a face, and random faces ranked by the discriminator: no page in here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from anime_models.latents import neighbours
from anime_models.permalinks import FacePoint
from apps.demo.generate.laboratory import Laboratory
from apps.demo.generate.points import in_words
from apps.demo.generate.rendering import Tile

SIDE = 3  # of the square of neighbours
NUM_NEIGHBOURS = SIDE * SIDE - 1


@dataclass(frozen=True)
class Found:
    """A face that was found: where it lies, its picture, and the discriminator's logit where it was asked."""

    point: FacePoint
    picture: Image.Image
    score: float | None = None


def faces_around(laboratory: Laboratory, point: FacePoint, distance: float, variation: int) -> list[Found]:
    """`NUM_NEIGHBOURS` neighbours of a face in random directions, and the face itself in their middle.

    Args:
        laboratory: the generator.
        point: the face; truncation, clip and directions hold for the neighbours too.
        distance: how far away they lie, above 0 up to 20; see `anime_models.latents.neighbours`.
        variation: a seed; another one gives other directions.
    """
    start = point.start(laboratory.generator.latent_size)
    rows = neighbours(start, NUM_NEIGHBOURS, distance, variation)
    points = [replace(point, seed=None, latent=tuple(row.tolist())) for row in rows]
    points.insert(NUM_NEIGHBOURS // 2, point)
    return [Found(one, laboratory.generator.image(one)) for one in points]


def ranked_faces(laboratory: Laboratory, point: FacePoint, seeds: Sequence[int]) -> list[Found]:
    """The faces of seeds at a point's truncation and clip, those first that look most real to the discriminator."""
    points = [replace(point, seed=seed, latent=None, directions={}) for seed in seeds]
    pictures = [laboratory.generator.image(one) for one in points]
    scores = laboratory.generator.scores(pictures)
    found = [Found(*each) for each in zip(points, pictures, map(float, scores), strict=True)]
    return sorted(found, key=lambda one: -(one.score or 0.0))


def neighbour_tiles(laboratory: Laboratory, found: Sequence[Found]) -> list[Tile]:
    """Tiles of `faces_around`."""
    middle = NUM_NEIGHBOURS // 2
    titles = [f"Neighbour {number}" for number in range(1, NUM_NEIGHBOURS + 1)]
    titles.insert(middle, "The face itself")
    return [tile_of(laboratory, one, title) for one, title in zip(found, titles, strict=True)]


def ranking_tiles(laboratory: Laboratory, found: Sequence[Found]) -> list[Tile]:
    """Tiles of `ranked_faces`."""
    return [
        tile_of(laboratory, one, f"Place {place}", f"seed {one.point.seed}", f"{one.score:+.1f}")
        for place, one in enumerate(found, start=1)
    ]


def keyframe_tiles(laboratory: Laboratory, points: Sequence[FacePoint]) -> list[Tile]:
    """Tiles of an animation's keyframes."""
    return [tile_of(laboratory, Found(point, laboratory.generator.image(point)), in_words(point)) for point in points]


def tile_of(laboratory: Laboratory, found: Found, title: str, *notes: str) -> Tile:
    """A face to click on."""
    return Tile(found.picture, laboratory.generator.permalink(found.point), title, notes)
