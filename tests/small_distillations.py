"""Unlabelled and labelled procedural faces side by side, as a distillation reads them."""

from pathlib import Path

from PIL import Image

from anime_models.drawn_faces import draw_face, make_dataset
from tests.parquet_files import write_split

SIZE = 64
# Of everything a few, all of other people, so that no two pictures are alike.
FACES = {"faces64": (24, 6), "faces128": (8, 4)}


def face(identity: int, size: int = SIZE) -> Image.Image:
    return draw_face(identity=identity, emotion=None, size=size, seed=identity)


def write_faces(root: Path) -> Path:
    """Every data set that a distillation needs, with more files than it may learn from."""
    number = 1000
    for name, counts in FACES.items():
        for split, count in zip(("train", "validation"), counts, strict=True):
            write_split(root / name / f"{split}.parquet", [face(number + i) for i in range(count)])
            number += count
    make_dataset(root / "characters", num_identities=3, images_per_identity=12, size=SIZE)
    for name, splits in {
        "emotions": ("train", "validation", "test", "neutral_train", "neutral_test"),
        "gender": ("train", "test"),
        "stickers": ("train", "test"),
    }.items():
        for split in splits:
            groups = [f"someone/{number + i}" for i in range(4)]
            write_split(root / name / f"{split}.parquet", [face(number + i) for i in range(4)], group=groups)
            number += 4
    return root
