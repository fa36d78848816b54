"""Readings as HTML. Pure functions; all text that is not ours is escaped, all colours come from the page's theme."""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

from PIL import Image

from anime_models.classifier import Prediction, Verdict
from anime_models.reader import FaceReading, Reading
from apps.demo.wording import Task, full_name, headline, percent, series_of, set_in_words, subline

THUMBNAIL_SIZE = 224
TASK_TITLES: dict[Task, str] = {"character": "Character", "emotion": "Emotion"}

HeatPictures = Mapping[Task, Image.Image]
NO_HEAT: HeatPictures = {}


def data_uri(image: Image.Image, size: int = THUMBNAIL_SIZE) -> str:
    """A picture as a data URI, scaled to fit `size` pixels; nothing is left on the disk."""
    small = image.copy()
    small.thumbnail((size, size), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def render_reading(reading: Reading, top_k: int, heat: Sequence[HeatPictures] = ()) -> str:
    """One card per face.

    Args:
        reading: what was read.
        top_k: how many candidates each list shows.
        heat: heat maps laid over the crops, for the first faces; empty when they are switched off.
    """
    pictures: list[HeatPictures] = [*heat, *({} for _ in reading.faces[len(heat) :])]
    cards = "".join(_card(face, top_k, shown) for face, shown in zip(reading.faces, pictures, strict=True))
    few = f'<p class="am-muted">Heat maps are made for the first {len(heat)} faces only.</p>'
    note = few if 0 < len(heat) < len(reading.faces) else ""
    return f'<div class="am-cards" role="region" aria-label="Faces in this picture">{note}{cards}</div>'


def render_empty() -> str:
    """What stands where the results will be."""
    return (
        '<div class="am-empty"><p class="am-empty-title">No picture yet</p>'
        "<p>Drop, paste or photograph a drawn face, or choose an example. Every face in the picture is found, named "
        "and read, and every answer says how far it can be trusted.</p></div>"
    )


def render_status(reading: Reading) -> str:
    """How many faces were found."""
    if reading.whole_picture:
        return _note("No face found", "so the whole picture was read as one. Take the answers with care.", "warning")
    count = len(reading.faces)
    faces = "1 face" if count == 1 else f"{count} faces"
    return _note(f"{faces} found", "The numbers on the picture are those of the results.", "success")


def render_error(message: str) -> str:
    """What went wrong and what to do next."""
    return f'<div class="am-note am-error" role="alert">{escape(message)}</div>'


def render_done(message: str) -> str:
    """A plain good message."""
    return f'<div class="am-note am-success" role="status">{escape(message)}</div>'


def _note(title: str, text: str, kind: str) -> str:
    return f'<div class="am-note am-{kind}" role="status"><strong>{escape(title)}</strong> {escape(text)}</div>'


def _card(face: FaceReading, top_k: int, heat: HeatPictures) -> str:
    title = f"Face {face.number}" if face.face else "Whole picture"
    score = f"face score {face.face.score:.2f}" if face.face else "no face found"
    return (
        f'<article class="am-card" id="face-{face.number}" aria-label="{title}">'
        f'<header class="am-card-header"><span class="am-badge" aria-hidden="true">{face.number}</span>'
        f'<h3>{title}</h3><span class="am-muted">{score}</span></header>'
        f'<div class="am-card-body"><img class="am-crop" src="{data_uri(face.crop)}" alt="{title}, cut out">'
        f"{render_answer('character', face.character, top_k, f'face {face.number}', heat)}"
        f"{render_answer('emotion', face.emotion, top_k, f'face {face.number}', heat)}"
        "</div></article>"
    )


def render_answer(task: Task, prediction: Prediction, top_k: int, subject: str, heat: HeatPictures = NO_HEAT) -> str:
    """One model's answer: headline, bars, label set and heat map.

    Args:
        task: what was asked.
        prediction: the answer.
        top_k: how many candidates the bars show.
        subject: what was read, for those who hear the page.
        heat: heat maps laid over the crop, or none.
    """
    title = TASK_TITLES[task]
    withheld = "" if prediction.verdict is Verdict.LABEL else " am-withheld"
    return (
        f'<section class="am-answer{withheld}" data-task="{task}" data-verdict="{prediction.verdict.value}" '
        f'aria-label="{title} of {subject}">'
        f'<p class="am-task">{title}</p>'
        f'<p class="am-headline">{escape(headline(task, prediction))}</p>'
        f'<p class="am-muted am-subline">{escape(subline(prediction))}</p>'
        f"{_bars(title, prediction, top_k)}"
        f'<p class="am-set">{escape(set_in_words(task, prediction))}</p>'
        f"{_heat_figure(task, prediction, heat)}</section>"
    )


def _bars(title: str, prediction: Prediction, top_k: int) -> str:
    best_series = series_of(prediction.candidates[0])
    rows = []
    for candidate in prediction.candidates[:top_k]:
        name, width = escape(candidate.label), f"{candidate.confidence * 100:.1f}"
        series = series_of(candidate)
        origin = f'<span class="am-series">{escape(series)}</span>' if series and series != best_series else ""
        said = f"{escape(full_name(candidate))}: {percent(candidate.confidence)}".replace("<", "&lt;")
        rows.append(
            f'<li><span class="am-name">{name}{origin}</span>'
            f'<span class="am-percent">{escape(percent(candidate.confidence))}</span>'
            f'<span class="am-track" role="meter" aria-label="{said}" aria-valuemin="0" aria-valuemax="100" '
            f'aria-valuenow="{width}"><span class="am-fill" style="width:{width}%"></span></span></li>'
        )
    return f'<ol class="am-bars" aria-label="{title} candidates by confidence">{"".join(rows)}</ol>'


def _heat_figure(task: Task, prediction: Prediction, heat: HeatPictures) -> str:
    if task not in heat:
        return ""
    label = escape(prediction.label)
    return (
        f'<figure class="am-heat"><img src="{data_uri(heat[task])}" alt="Heat map: where the model looked for {label}">'
        f"<figcaption>Where the model looked for {label}</figcaption></figure>"
    )
