"""Readings as plain data, for callers of the API and as rows of a table."""

import math
from typing import Any

from anime_models.classifier import Prediction
from anime_models.reader import FaceReading, Reading
from apps.demo.wording import Task, one_line, series_of, set_in_words


def reading_as_data(reading: Reading, top_k: int) -> dict[str, Any]:
    """A reading as JSON-able data: boxes in pixels of the upright picture, fractions in [0, 1]."""
    return {
        "width": reading.image.width,
        "height": reading.image.height,
        "whole_picture": reading.whole_picture,
        "faces": [_face_as_data(face, top_k) for face in reading.faces],
    }


def _face_as_data(face: FaceReading, top_k: int) -> dict[str, Any]:
    return {
        "number": face.number,
        "box": [round(side, 1) for side in face.face.box] if face.face else None,
        "score": round(face.face.score, 4) if face.face else None,
        "character": prediction_as_data("character", face.character, top_k),
        "emotion": prediction_as_data("emotion", face.emotion, top_k),
    }


def prediction_as_data(task: Task, prediction: Prediction, top_k: int) -> dict[str, Any]:
    """One model's answer as JSON-able data."""
    score = prediction.stranger_score
    return {
        "answer": one_line(task, prediction),
        "verdict": prediction.verdict.value,
        "label": prediction.label,
        "confidence": round(prediction.confidence, 4),
        "conformal_set": list(prediction.conformal_set),
        "conformal_set_in_words": set_in_words(task, prediction),
        "stranger_score": None if math.isnan(score) else round(score, 4),
        "candidates": [
            {
                "label": c.label,
                "confidence": round(c.confidence, 4),
                **({"series": series_of(c)} if series_of(c) else {}),
            }
            for c in prediction.candidates[:top_k]
        ],
    }


def face_as_row(file: str, face: FaceReading) -> dict[str, Any]:
    """One face as the row of a table; the first candidate stands there whatever the verdict says of it."""
    x0, y0, x1, y1 = (round(side, 1) for side in face.face.box) if face.face else (None,) * 4
    character, emotion = face.character, face.emotion
    return {
        "file": file,
        "face": face.number,
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "face_score": round(face.face.score, 4) if face.face else None,
        "character": character.label,
        "series": series_of(character.candidates[0]),
        "character_confidence": round(character.confidence, 4),
        "character_verdict": character.verdict.value,
        "character_set": "; ".join(character.conformal_set),
        "emotion": emotion.label,
        "emotion_confidence": round(emotion.confidence, 4),
        "emotion_verdict": emotion.verdict.value,
        "emotion_set": "; ".join(emotion.conformal_set),
        "error": None,
    }
