"""How the measure of a head's turn is fitted to a rater's answers."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from anime_models.face_datasets import dataset_revision
from tests.small_gans import write_gan_faces
from training.generation import fit_turn
from training.generation.data import load_gan_data
from training.generation.face_measures import LUMA
from training.generation.face_turn import BINS, CELLS, mirror_differences

FEATURES = np.random.default_rng(0).normal(size=(200, 30))
TURNS = FEATURES @ np.linspace(-1, 1, 30)


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_gan_faces(tmp_path / "faces64")


def write_ratings(path: Path, revision: str, turns: list[float]) -> Path:
    path.write_text(json.dumps({"revision": revision, "rows": list(range(len(turns))), "turns": turns}))
    return path


def test_ridge_finds_what_turns_depend_on() -> None:
    np.testing.assert_allclose(fit_turn.ridge(FEATURES, TURNS, 1e-9), np.linspace(-1, 1, 30), atol=1e-6)
    shrunk = fit_turn.ridge(FEATURES, TURNS, 10.0)
    assert 0 < np.linalg.norm(shrunk) < np.linalg.norm(np.linspace(-1, 1, 30))


def test_the_correlation_is_that_on_faces_left_out() -> None:
    assert fit_turn.cross_validated(FEATURES, TURNS, 0.1) > 0.99
    chance = np.random.default_rng(1).normal(size=200)
    assert abs(fit_turn.cross_validated(FEATURES, chance, 0.1)) < 0.25, "although the fit itself is close"


def test_weights_are_stored_and_the_correlation_is_told(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pixels = load_gan_data(faces, 64).train[:30].permute(0, 2, 3, 1).numpy() / np.float32(255)
    wanted = mirror_differences(pixels @ LUMA) @ np.random.default_rng(0).normal(size=CELLS * CELLS * BINS)
    ratings = write_ratings(tmp_path / "ratings.json", dataset_revision(faces), wanted.tolist())
    monkeypatch.setattr(fit_turn, "RATINGS", ratings)
    monkeypatch.setattr(fit_turn, "WEIGHTS", tmp_path / "weights.safetensors")
    assert fit_turn.main(["--data", str(faces)]) == 0
    weights = load_file(tmp_path / "weights.safetensors")["weights"]
    assert np.corrcoef(mirror_differences(pixels @ LUMA) @ weights, wanted)[0, 1] > 0.8
    assert "30 faces, penalty" in capsys.readouterr().out


def test_other_data_than_was_rated_is_refused(faces: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fit_turn.main(["--data", str(faces)]) == 1
    assert "is not the data that the rater was shown" in capsys.readouterr().err
