"""Procedural faces with known emotions, cropped as the program crops what people upload."""

from __future__ import annotations

import numpy as np
from PIL import Image

from anime_models.drawn_faces import EMOTIONS, SEXES, draw_face
from anime_models.errors import ConfigError
from anime_models.face_datasets import FaceDataset
from anime_models.faces import FaceDetector, crop_face

# Identities below this are left to the demo's examples and to the tests.
FIRST_IDENTITY, NUM_IDENTITIES = 1000, 1_000_000
PICTURE_SIZE = 256


def drawn_emotion_faces(label_names: tuple[str, ...], per_class: int, seed: int) -> FaceDataset:
    """Draw ``per_class`` faces of each emotion and as many neutral ones (label -1), each a new character.

    Raises:
        ConfigError: when the classes are not those that can be drawn.
    """
    if set(label_names) != set(EMOTIONS):
        raise ConfigError(
            f"Faces can be drawn with {', '.join(EMOTIONS)}, not {', '.join(label_names)}; set drawn_share to 0."
        )
    detector, rng = FaceDetector.load(), np.random.default_rng(seed)
    labels = np.repeat(np.arange(-1, len(label_names)), per_class)
    # Drawn at random: a regular numbering would tie hair colours, which repeat with the number, to emotions.
    identities = FIRST_IDENTITY + rng.choice(NUM_IDENTITIES, len(labels), replace=False)
    sexes = rng.choice(SEXES, len(labels))
    images = []
    for identity, label, sex in zip(identities, labels, sexes, strict=True):
        emotion = None if label < 0 else label_names[label]
        picture = draw_face(identity=int(identity), emotion=emotion, sex=str(sex), size=PICTURE_SIZE, seed=seed)
        images.append(_cropped(picture, detector))
    ids = tuple(f"drawn/{seed}/{number}" for number in range(len(images)))
    return FaceDataset(tuple(images), labels, label_names, ids, ids, ("drawn",) * len(ids))


def _cropped(picture: Image.Image, detector: FaceDetector) -> Image.Image:
    faces = detector.detect(picture)
    return crop_face(picture, faces[0].box) if faces else picture
