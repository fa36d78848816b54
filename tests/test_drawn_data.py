"""Procedural faces as training pictures: what they show, and that a seed repeats them."""

from typing import Any

import numpy as np
import pytest
from PIL import Image

from anime_models.drawn_faces import EMOTIONS, draw_face
from anime_models.errors import ConfigError
from training.classification import drawn_data
from training.classification.drawn_data import drawn_emotion_faces


def test_each_emotion_and_neutral_is_drawn_as_often_each_a_new_character() -> None:
    faces = drawn_emotion_faces(EMOTIONS, 2, seed=3)
    assert np.bincount(faces.labels + 1).tolist() == [2] * (len(EMOTIONS) + 1)
    assert len({image.tobytes() for image in faces.images}) == len(faces) == 14
    assert len(set(faces.ids)) == 14
    assert all(image.width == image.height for image in faces.images)


def test_what_is_drawn_is_what_the_label_says(monkeypatch: pytest.MonkeyPatch) -> None:
    names, drawn = tuple(reversed(EMOTIONS)), []

    def draw(**settings: Any) -> Image.Image:
        drawn.append(settings["emotion"])
        return draw_face(**settings)

    monkeypatch.setattr(drawn_data, "draw_face", draw)
    faces = drawn_emotion_faces(names, 1, seed=3)
    assert [None if label < 0 else names[label] for label in faces.labels] == drawn == [None, *names]


def test_a_seed_repeats_them() -> None:
    first, again, other = (drawn_emotion_faces(EMOTIONS, 1, seed) for seed in (1, 1, 2))
    assert [image.tobytes() for image in first.images] == [image.tobytes() for image in again.images]
    assert [image.tobytes() for image in first.images] != [image.tobytes() for image in other.images]


def test_other_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match="not Happy, Sad; set drawn_share to 0"):
        drawn_emotion_faces(("Happy", "Sad"), 1, seed=0)
