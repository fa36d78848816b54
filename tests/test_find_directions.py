"""Directions: how candidates are found, what is measured on faces, and the command that names and stores them."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from anime_models.classifier import Classifier
from anime_models.dcgan import Generator, GeneratorSpec
from anime_models.drawn_faces import draw_face
from anime_models.generator import FaceGenerator
from anime_models.generator_checkpoint import load_generator
from tests.small_generators import small_generator
from training import find_directions
from training.generation.directions import TOO_ALIKE, Candidate, candidates, pca, sefa
from training.generation.face_measures import face_measures
from training.generation.naming import LEAST_EFFECT, Measured, choose
from training.generation.probing import Probe, log_odds

FLAGS = ("--sefa", "8", "--pca", "2", "--faces", "32", "--confirm", "32", "--no-emotions", "--threads", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator without directions. Not to be written to."""
    folder = tmp_path_factory.mktemp("generator") / "small"
    return small_generator(folder, directions=(), epochs=0, novelty=False)


@pytest.fixture(scope="module")
def found(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it after the command. Not to be written to."""
    copy = tmp_path_factory.mktemp("found") / "small"
    shutil.copytree(folder, copy)
    assert find_directions.main(["--generator", str(copy), *FLAGS, "--strips", str(copy / "strips")]) == 0
    return copy


def test_directions_are_stored_with_the_generator(found: Path) -> None:
    checkpoint = load_generator(found)
    assert len(checkpoint.directions) == len(checkpoint.config.directions) >= 3
    np.testing.assert_allclose(np.linalg.norm(checkpoint.directions, axis=1), 1, rtol=1e-5)
    for first, second in itertools.combinations(checkpoint.directions, 2):
        assert abs(float(first @ second)) <= TOO_ALIKE
    for direction in checkpoint.config.directions:
        assert direction.strength >= 2
        assert direction.effects[direction.name] >= LEAST_EFFECT


def test_plus_is_more_of_what_the_name_says(found: Path) -> None:
    generator = FaceGenerator.load(found)
    for direction in generator.directions:
        ends = [
            generator.images(
                [generator.move(generator.latent(seed), {direction.name: end}) for seed in range(100, 132)]
            )
            for end in (-1, 1)
        ]
        less, more = (face_measures(pixels_of(pictures))[direction.name].mean() for pictures in ends)
        assert more > less


def test_the_card_lists_what_was_found(found: Path) -> None:
    card = (found / "README.md").read_text("utf-8")
    assert all(f"- **{each.name}** ({each.method})" in card for each in load_generator(found).config.directions)


def test_strips_that_are_a_file_are_refused_at_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "strips"
    file.write_text("")
    assert find_directions.main(["--generator", str(folder), *FLAGS, "--strips", str(file)]) == 1
    assert "--strips" in capsys.readouterr().err
    assert not load_generator(folder).config.directions


def test_strips_show_each_direction(found: Path) -> None:
    names = [direction.name for direction in load_generator(found).config.directions]
    assert {path.stem for path in (found / "strips").iterdir()} == {name.replace(" ", "-") for name in names}


def test_the_command_repeats_itself(found: Path, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "again")
    assert find_directions.main(["--generator", str(tmp_path / "again"), *FLAGS]) == 0
    assert load_generator(tmp_path / "again").config == load_generator(found).config


def test_a_folder_that_is_no_generator_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_directions.main(["--generator", str(tmp_path)]) == 1
    assert f"error: {tmp_path / 'config.json'} cannot be read" in capsys.readouterr().err


def generator_that_hears(axis: int) -> Generator:
    """A generator whose first layer follows one number of the latent far more than the others."""
    torch.manual_seed(0)
    generator = Generator(GeneratorSpec(latent_size=16, width=8)).eval()
    with torch.no_grad():
        generator.first.weight[axis] *= 10
    return generator.requires_grad_(False)


def test_sefa_and_pca_find_what_the_first_layer_follows() -> None:
    generator = generator_that_hears(5)
    for vectors in (sefa(generator, 4), pca(generator, 4, seed=0, num_latents=400)):
        assert vectors.shape == (4, 16)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
        assert abs(vectors[0, 5]) > 0.95
    np.testing.assert_allclose(sefa(generator, 16) @ sefa(generator, 16).T, np.eye(16), atol=1e-5)


def test_candidates_are_of_both_methods() -> None:
    found = candidates(generator_that_hears(5), 4, 3, seed=0)
    assert [candidate.method for candidate in found] == ["sefa"] * 4 + ["pca"] * 3


def pixels_of(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(picture, np.float32) for picture in pictures]) / 255


FACES = pixels_of([draw_face(identity=identity, size=64, seed=identity) for identity in range(8)])


def painted(rows: tuple[int, int], columns: tuple[int, int], colour: tuple[float, float, float]) -> np.ndarray:
    """The drawn faces with a rectangle on them."""
    pixels = FACES.copy()
    pixels[:, slice(*rows), slice(*columns)] = colour
    return pixels


WHITE, BLACK, BLUE, ORANGE = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.1, 0.2, 0.9), (0.9, 0.5, 0.1)
PINK, GREEN, PALE, DARK_RED = (0.9, 0.3, 0.8), (0.2, 0.8, 0.2), (0.98, 0.9, 0.85), (0.4, 0.05, 0.05)
HAIR, MOUTH, LEFT_EYE = ((2, 13), (17, 47)), ((39, 45), (26, 38)), ((24, 33), (16, 26))
LEFT_FACE, RIGHT_FACE = ((14, 54), (8, 40)), ((14, 54), (24, 56))


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("hair brighter", painted(*HAIR, BLACK), painted(*HAIR, WHITE)),
        ("hair from blue to orange", painted(*HAIR, BLUE), painted(*HAIR, ORANGE)),
        ("hair from pink to green", painted(*HAIR, PINK), painted(*HAIR, GREEN)),
        ("hair more colourful", painted(*HAIR, WHITE), painted(*HAIR, BLUE)),
        ("picture brighter", FACES / 2, FACES),
        ("contrast stronger", FACES / 2 + 0.25, FACES),
        ("colours stronger", np.repeat(FACES.mean(axis=-1, keepdims=True), 3, axis=-1), FACES),
        ("background brighter", painted((0, 9), (0, 64), BLACK), painted((0, 9), (0, 64), WHITE)),
        ("clothes brighter", painted((57, 64), (0, 64), BLACK), painted((57, 64), (0, 64), WHITE)),
        ("lines sharper", (FACES + np.roll(FACES, 1, axis=1) + np.roll(FACES, 1, axis=2)) / 3, FACES),
        ("skin brighter", FACES / 2, FACES),
        ("skin warmer", FACES * np.array([0.7, 1, 1], np.float32), FACES),
        ("mouth open", painted(*MOUTH, PALE), painted(*MOUTH, DARK_RED)),
        ("eyes larger", painted(*LEFT_EYE, PALE), painted(*LEFT_EYE, BLACK)),
        ("eyes from blue to orange", painted(*LEFT_EYE, BLUE), painted(*LEFT_EYE, ORANGE)),
        ("face to the right", painted(*LEFT_FACE, PALE), painted(*RIGHT_FACE, PALE)),
        ("face larger", painted((20, 34), (20, 34), PALE), painted((14, 54), (8, 56), PALE)),
    ],
)
def test_measures_rise_with_what_they_are_called(name: str, less: np.ndarray, more: np.ndarray) -> None:
    assert face_measures(more.astype(np.float32))[name].mean() > face_measures(less.astype(np.float32))[name].mean()


def test_a_mirrored_face_leans_and_lies_the_other_way() -> None:
    measured, mirrored = face_measures(FACES), face_measures(np.ascontiguousarray(FACES[:, :, ::-1]))
    np.testing.assert_allclose(mirrored["face to the right"], 1 - measured["face to the right"], atol=1e-3)
    for name in ("head tilted to the right", "face turned to the right"):
        np.testing.assert_allclose(mirrored[name], -measured[name], atol=1e-3)
        assert np.abs(measured[name]).max() > 0


def test_faces_to_the_left_and_to_the_right_are_told_apart() -> None:
    """Seeds of the shipped generator that look clearly to one side; with another one they must be looked up anew."""
    generator = FaceGenerator.load()
    left, right = (
        face_measures(pixels_of(generator.images([generator.latent(seed, truncation=0.7) for seed in seeds])))
        for seeds in ((9, 14, 15), (22, 31, 45, 48))
    )
    name = "face turned to the right"
    assert left[name].max() < right[name].min()


def test_measures_of_a_picture_without_a_face_are_numbers() -> None:
    for flat in (np.zeros((1, 64, 64, 3), np.float32), np.ones((1, 128, 128, 3), np.float32)):
        assert all(np.isfinite(values).all() and values.shape == (1,) for values in face_measures(flat).values())


def test_emotions_are_measures_too(folder: Path) -> None:
    probe = Probe(load_generator(folder), Classifier.embedded("emotions"), num_faces=3, num_read=2, seed=0)
    effects = probe.effects(np.eye(128, dtype=np.float32)[0], 3.0)
    assert set(effects) > {"angrier", "more embarrassed", "happier", "crazier", "sadder", "more scared", "mouth open"}
    assert np.isfinite(list(effects.values())).all()


def test_log_odds_undo_the_softmax() -> None:
    probabilities = np.array([[0.7, 0.2, 0.1]])
    np.testing.assert_allclose(log_odds(np.log(probabilities) + 3), np.log(probabilities / (1 - probabilities)))


def measured(axis: int, **effects: float) -> Measured:
    return Measured(Candidate(np.eye(4, dtype=np.float32)[axis], "sefa"), 3.0, effects)


def test_a_direction_is_named_after_what_it_changes_most_purely() -> None:
    pure, mixed = measured(0, mouth=0.9, hair=0.1), measured(1, mouth=1.2, hair=-1.4)
    assert [(each.measured, each.name) for each in choose([mixed, pure], 12)] == [(pure, "mouth"), (mixed, "hair")]


def test_of_two_that_are_alike_the_clearer_is_kept() -> None:
    axis = np.eye(4, dtype=np.float32)[0]
    mixed = Measured(Candidate(axis, "sefa"), 3.0, {"mouth": 1.0, "hair": 0.9})
    pure = Measured(Candidate(-axis, "pca"), 3.0, {"mouth": -1.0, "hair": 0.1})
    assert [each.measured for each in choose([mixed, pure], 12)] == [pure]


def test_names_and_lines_are_given_once() -> None:
    first, second, alike = measured(0, mouth=2.0), measured(1, mouth=1.0), measured(0, hair=1.0)
    assert choose([first, second, alike], 12) == choose([first], 12)


def test_small_and_second_hand_changes_give_no_name() -> None:
    assert choose([measured(0, mouth=0.49)], 12) == []
    assert [each.name for each in choose([measured(0, mouth=0.6, hair=1.5)], 12)] == ["hair"]
    assert len(choose([measured(axis, **{f"m{axis}": 1.0}) for axis in range(4)], 3)) == 3
