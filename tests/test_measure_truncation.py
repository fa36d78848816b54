"""A generator measured at several truncations."""

import pytest

from anime_models.drawn_faces import draw_face
from tests.markdown import cells
from tests.parquet_files import write_split
from tests.small_generators import small_generator
from training import measure_truncation


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A small generator, and drawn faces: 12 of training, 8 held out."""
    folder = tmp_path_factory.mktemp("truncation")
    for split, start, count in (("train", 0, 12), ("validation", 100, 8)):
        images = [draw_face(identity=start + i, emotion="Happy", size=64, seed=i) for i in range(count)]
        write_split(folder / "faces" / f"{split}.parquet", images, source=["drawn"] * count)
    small_generator(folder / "generator", novelty=False)
    return ["--generator", str(folder / "generator"), "--data", str(folder / "faces"), "--threads", "1"]


def test_each_truncation_is_a_row(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_truncation.main([*arguments, "--truncations", "1", "0.5"]) == 0
    told, titles, _, *rows = capsys.readouterr().out.splitlines()
    assert "8 faces of faces against as many generated ones; features: efficientnet_lite0-imagenet-128px" in told
    assert cells(titles) == ["truncation", "FID", "KID", "precision", "recall"]
    whole, half, floor = (cells(row) for row in rows)
    assert (whole[0], half[0], floor[0]) == ("1", "0.5", "real faces")
    assert whole[1] != half[1], "other latents give other faces"


def test_an_impossible_truncation_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        measure_truncation.main([*arguments, "--truncations", "2"])
    assert "2 is no truncation; give a number from 0 to 1.5" in capsys.readouterr().err


def test_a_missing_data_set_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_truncation.main([*arguments, "--data", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().err
