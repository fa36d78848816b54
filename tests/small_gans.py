"""Small trainings of generators on drawn faces."""

from pathlib import Path

from anime_models.drawn_faces import draw_face
from tests.parquet_files import write_split
from training import train_gan

SMOKE = ("--scale", "smoke", "--threads", "1", "--precision", "fp32")


def write_gan_faces(folder: Path, first: int = 0) -> Path:
    """40 drawn faces of two sources to train on and 8 held out, of the characters from a number on."""
    folder.mkdir()
    for split, start, count in (("train", first, 40), ("validation", first + 100, 8)):
        images = [draw_face(identity=start + i, emotion="Happy", size=64, seed=i) for i in range(count)]
        write_split(folder / f"{split}.parquet", images, source=[("web", "games")[i % 2] for i in range(count)])
    return folder


def train_small_gan(faces: Path, out: Path, *flags: str) -> Path:
    """The folder of a run that has finished in ``out``, which holds no other."""
    assert train_gan.main(["--data", str(faces), *SMOKE, *flags, "--out", str(out)]) == 0
    (folder,) = out.iterdir()
    return folder
