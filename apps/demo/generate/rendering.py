"""Generated faces as HTML: pure functions. Buttons carry what a click asks for in ``data-`` attributes."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from PIL import Image

from anime_models.classifier import Prediction
from anime_models.enlargement import enlarge
from anime_models.novelty import Novelty
from anime_models.permalinks import FacePoint
from apps.demo.generate.newness import newness_in_words
from apps.demo.generate.points import in_words
from apps.demo.rendering import data_uri, render_answer
from apps.demo.wording import Task

SCALE = 4  # of the big face


@dataclass(frozen=True)
class Tile:
    """A small face that can be clicked: its picture, its permalink and what is said about it."""

    picture: Image.Image
    face: str
    title: str
    notes: tuple[str, ...] = ()


def png_bytes(picture: Image.Image) -> bytes:
    """A picture as PNG, every pixel as it is."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def shown_uri(picture: Image.Image) -> str:
    """A picture as a data URI for the screen; always the same for the same pixels.

    JPEG with full colours: it looks the same as PNG, takes a tenth of the time to write and a third of the bytes.
    """
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def render_face(picture: Image.Image, point: FacePoint) -> str:
    """The big face and how it was made."""
    words = escape(in_words(point))
    large = enlarge(picture, SCALE)
    return (
        f'<figure class="am-face"><img src="{shown_uri(large)}" width="{large.width}" height="{large.height}" '
        f'alt="Generated face. {words}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def render_tiles(tiles: Sequence[Tile], label: str, columns: int) -> str:
    """Faces to click on.

    Args:
        tiles: the faces, in reading order.
        label: what they are, for those who hear the page.
        columns: how many stand beside each other; fewer where there is no room.
    """
    buttons = "".join(
        f'<li><button type="button" class="am-tile" data-go="{escape(tile.face)}" aria-label="{_tile_label(tile)}">'
        f'<img src="{shown_uri(tile.picture)}" alt="">{_tile_notes(tile)}</button></li>'
        for tile in tiles
    )
    return f'<ol class="am-tiles" style="--am-columns:{columns}" aria-label="{escape(label)}">{buttons}</ol>'


def _tile_label(tile: Tile) -> str:
    return escape(", ".join((tile.title, *tile.notes)))


def _tile_notes(tile: Tile) -> str:
    return "".join(f'<span class="am-tile-note" aria-hidden="true">{escape(note)}</span>' for note in tile.notes)


def render_keyframes(tiles: Sequence[Tile]) -> str:
    """The faces that an animation passes, each with a button to go there and one to take it away."""
    if not tiles:
        return '<p class="am-muted">No face yet. Find one that you like and add it; an animation needs two or more.</p>'
    items = "".join(
        f'<li><button type="button" class="am-tile" data-go="{escape(tile.face)}" '
        f'aria-label="Go to keyframe {number}: {escape(tile.title)}">'
        f'<img src="{shown_uri(tile.picture)}" alt="">'
        f'<span class="am-tile-note" aria-hidden="true">{number}</span></button>'
        f'<button type="button" class="am-remove" data-remove="{number - 1}" aria-label="Remove keyframe {number}">'
        "&times;</button></li>"
        for number, tile in enumerate(tiles, start=1)
    )
    return f'<ol class="am-tiles am-keyframes" style="--am-columns:6" aria-label="Keyframes">{items}</ol>'


def render_readings(predictions: dict[Task, Prediction], top_k: int, novelty: Novelty | None, score: float) -> str:
    """What the models see in the face, how new it is and how real the discriminator finds it.

    Args:
        predictions: the answers by task.
        top_k: how many candidates the bars show.
        novelty: how far it is from the nearest training face; None when it is not known.
        score: the discriminator's logit.
    """
    answers = "".join(render_answer(task, answer, top_k, "this face") for task, answer in predictions.items())
    facts = [newness_in_words(novelty)] if novelty is not None else []
    facts.append(f"Discriminator score {score:+.2f}: the higher, the more it takes the face for a real one.")
    listed = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f'<div class="am-answers">{answers}</div><ul class="am-facts">{listed}</ul>'


def render_comparison(wanted: Image.Image, found: Image.Image | None, share: float | None) -> str:
    """The face of an uploaded picture beside the nearest generated one.

    Args:
        wanted: the face that was cut out.
        found: the generated face so far; None before there is one.
        share: how much of the search is done, in [0, 1]; None once it has ended.
    """
    pictures = _captioned(data_uri(wanted), "Yours", "The face of your picture")
    if found is not None:
        pictures += _captioned(shown_uri(enlarge(found, SCALE)), "Generated", "The generated face nearest to it")
    progress = ""
    if share is not None:
        progress = (
            f'<label class="am-progress">Looking for the face <progress max="1" value="{share:.3f}"></progress> '
            f"{share:.0%}</label>"
        )
    return f'<div class="am-comparison">{pictures}</div>{progress}'


def _captioned(uri: str, caption: str, alt: str) -> str:
    return f'<figure><img src="{uri}" alt="{alt}"><figcaption>{caption}</figcaption></figure>'
