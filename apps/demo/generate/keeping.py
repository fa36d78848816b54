"""What visitors take home besides archives: grids as one picture, and files as data URIs that a script saves."""

import base64
import json
from collections.abc import Iterable, Sequence

from PIL import Image

from anime_models.enlargement import enlarge
from anime_models.permalinks import FacePoint
from apps.demo.generate.laboratory import Laboratory

GRID_SCALE = 2
TYPES = {".png": "image/png", ".zip": "application/zip"}


def grid_picture(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Pictures of one size beside and below each other, enlarged."""
    tiles = [enlarge(picture, GRID_SCALE) for picture in pictures]
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    grid = Image.new("RGB", (columns * width, rows * height), "white")
    for place, tile in enumerate(tiles):
        grid.paste(tile, (place % columns * width, place // columns * height))
    return grid


def without_repeats(laboratory: Laboratory, points: Iterable[FacePoint]) -> list[FacePoint]:
    """The points in their order, each once."""
    return list({laboratory.generator.permalink(point): point for point in points}.values())


def as_parcel(name: str, content: bytes) -> str:
    """A file for the script that saves it: its name and content as JSON. Nothing of it is left on this machine."""
    kind = TYPES[name[name.rindex(".") :]]
    return json.dumps({"name": name, "uri": f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"})
