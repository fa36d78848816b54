"""The generator: seeds to faces, directions, scores, archives, and what is refused."""

import io
import itertools
import json
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from anime_models.enlargement import enlarge
from anime_models.errors import CheckpointError, ConfigError, HubError
from anime_models.generator import FaceGenerator
from anime_models.generator_checkpoint import DIRECTIONS, EPOCHS
from anime_models.latents import seed_latent
from anime_models.permalinks import FacePoint
from anime_models.picture_archive import MANIFEST, read_seeds, rebuild_archive, write_archive
from tests.small_generators import LATENT_SIZE, NAMES, STRENGTH, small_generator
from tests.small_models import noise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_generator(tmp_path_factory.mktemp("generator") / "small", novelty=False)


@pytest.fixture(scope="module")
def generator(folder: Path) -> FaceGenerator:
    return FaceGenerator.load(folder)


def test_a_generator_says_what_it_is(generator: FaceGenerator, folder: Path) -> None:
    assert (generator.image_size, generator.latent_size, generator.name) == (64, LATENT_SIZE, str(folder))
    assert [direction.name for direction in generator.directions] == list(NAMES)
    assert [path.name for path in generator.epochs] == ["epoch-001.webp", "epoch-002.webp", "epoch-003.webp"]
    assert generator.record is not None


def test_a_seed_is_always_the_same_picture(generator: FaceGenerator, folder: Path) -> None:
    (first,) = generator.images([generator.latent(7)])
    assert (first.mode, first.size) == ("RGB", (64, 64))
    assert generator.images([generator.latent(7)])[0].tobytes() == first.tobytes()
    assert FaceGenerator.load(folder).images([generator.latent(7)])[0].tobytes() == first.tobytes()
    assert generator.images([generator.latent(8)])[0].tobytes() != first.tobytes()


@pytest.mark.parametrize("beside", [1, 2, 15, 31])
def test_a_picture_does_not_depend_on_those_beside_it(generator: FaceGenerator, beside: int) -> None:
    alone = generator.images([generator.latent(7)])[0].tobytes()
    batch = [*(generator.latent(seed) for seed in range(100, 100 + beside)), generator.latent(7)]
    assert generator.images(batch)[-1].tobytes() == alone


def test_threads_share_a_generator(generator: FaceGenerator) -> None:
    def picture(seed: int) -> bytes:
        return generator.images([generator.latent(seed)])[0].tobytes()

    wanted = [picture(seed) for seed in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(picture, range(12))) == wanted


def test_truncation_brings_faces_nearer_to_one(generator: FaceGenerator) -> None:
    def spread(truncation: float) -> float:
        pictures = generator.images([generator.latent(seed, truncation) for seed in range(6)])
        return float(np.stack([np.asarray(picture, np.float32) for picture in pictures]).std(axis=0).mean())

    assert spread(0) == 0
    assert 0 < spread(0.5) < spread(1)
    np.testing.assert_array_equal(generator.latent(3, 0.5, clip=1), np.clip(generator.latent(3), -1, 1) / 2)


def test_moving_along_directions(generator: FaceGenerator) -> None:
    start = generator.latent(7)
    moved = generator.move(start, {NAMES[0]: 1, NAMES[1]: -0.5})
    np.testing.assert_allclose(np.linalg.norm(moved - start), STRENGTH * np.sqrt(1.25), rtol=1e-4)
    np.testing.assert_allclose(generator.move(moved, {NAMES[0]: -1, NAMES[1]: 0.5}), start, atol=1e-5)
    np.testing.assert_array_equal(generator.move(start, {}), start)
    assert generator.images([moved])[0].tobytes() != generator.images([start])[0].tobytes()


@pytest.mark.parametrize(
    ("amounts", "problem"),
    [
        ({"wings": 1}, "no direction 'wings'; this generator has: hair brighter"),
        ({NAMES[0]: 1.5}, "amount of 'hair brighter' is 1.5; give a number from -1 to 1"),
        ({NAMES[0]: float("nan")}, "amount of 'hair brighter' is nan"),
    ],
)
def test_moves_that_do_not_exist_are_refused(generator: FaceGenerator, amounts: dict[str, float], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        generator.move(generator.latent(7), amounts)


@pytest.mark.parametrize(
    "latents", [np.zeros(LATENT_SIZE), np.zeros((1, 64)), np.full((1, LATENT_SIZE), np.nan), "x", [[]]]
)
def test_bad_latents_are_refused(generator: FaceGenerator, latents: Any) -> None:
    with pytest.raises(ConfigError, match=r"\[N, 128\]|NaN"):
        generator.images(latents)


def test_no_latents_are_no_pictures(generator: FaceGenerator) -> None:
    assert generator.images(np.zeros((0, LATENT_SIZE))) == []
    assert generator.scores([]).shape == (0,)


def test_scores_do_not_depend_on_the_batch(generator: FaceGenerator) -> None:
    pictures = [*generator.images([generator.latent(seed) for seed in range(5)]), noise(1, (100, 100))]
    scores = generator.scores(pictures)
    assert scores.shape == (6,)
    assert len(set(scores.tolist())) == 6
    assert generator.scores(pictures[3:4])[0] == scores[3]


def test_a_point_is_truncated_and_then_moved(generator: FaceGenerator) -> None:
    point = FacePoint(seed=7, truncation=0.5, clip=2, directions={NAMES[2]: 0.25})
    wanted = generator.move(generator.latent(7, 0.5, clip=2), {NAMES[2]: 0.25})
    np.testing.assert_array_equal(generator.latent_at(point), wanted)
    assert generator.image(point).tobytes() == generator.images([wanted])[0].tobytes()


@pytest.mark.parametrize(
    "point",
    [
        FacePoint(seed=7, truncation=0.7, directions={NAMES[1]: -0.4}),
        FacePoint(latent=tuple(seed_latent(3, LATENT_SIZE) / 3)),
    ],
)
def test_a_permalink_restores_the_same_picture(generator: FaceGenerator, point: FacePoint) -> None:
    restored = generator.from_permalink(generator.permalink(point))
    assert generator.image(restored).tobytes() == generator.image(point).tobytes()


def test_a_permalink_of_another_generator_is_refused(generator: FaceGenerator, tmp_path: Path) -> None:
    other = FaceGenerator.load(small_generator(tmp_path / "other", novelty=False, seed=1))
    with pytest.raises(ConfigError, match="another generator"):
        generator.from_permalink(other.permalink(FacePoint(seed=1)))
    with pytest.raises(ConfigError, match=r"shape \[1, 64\]"):
        generator.image(FacePoint(latent=(0.5,) * 64))


def test_a_permalink_does_not_outlive_its_directions(tmp_path: Path) -> None:
    link = FaceGenerator.load(small_generator(tmp_path / "one")).permalink(FacePoint(seed=1, directions={NAMES[0]: 1}))
    other = FaceGenerator.load(small_generator(tmp_path / "two", directions=tuple(reversed(NAMES))))
    with pytest.raises(ConfigError, match="made with another generator"):
        other.from_permalink(link)


def test_directions_in_half_precision_are_read(tmp_path: Path) -> None:
    folder = small_generator(tmp_path / "one")
    path = folder / DIRECTIONS
    stored = load_file(path)["directions"]
    save_file({"directions": stored.bfloat16()}, path)
    assert FaceGenerator.load(folder).image(FacePoint(seed=1, directions={NAMES[0]: 1}))
    save_file({"directions": stored.long()}, path)
    with pytest.raises(CheckpointError, match=r"torch.int64; they have to be floating-point"):
        FaceGenerator.load(folder)


def test_only_files_are_pictures_of_epochs(tmp_path: Path) -> None:
    folder = small_generator(tmp_path / "one")
    (folder / EPOCHS / "epoch-099.webp").mkdir()
    assert all(path.is_file() for path in FaceGenerator.load(folder).epochs)


def test_an_archive_is_rebuilt_from_its_seeds(generator: FaceGenerator) -> None:
    points = [FacePoint(seed=7), FacePoint(seed=8, truncation=0.5, clip=1.5, directions={NAMES[0]: 1})]
    points.append(FacePoint(latent=tuple(seed_latent(3, LATENT_SIZE))))
    data = write_archive(generator, points, enlargement=2)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["face-001-seed-7.png", "face-002-seed-8.png", "face-003.png", MANIFEST]
        picture = Image.open(io.BytesIO(archive.read("face-002-seed-8.png")))
        manifest = archive.read(MANIFEST)
    assert picture.tobytes() == enlarge(generator.image(points[1]), 2).tobytes()
    assert read_seeds(data).points() == points
    assert rebuild_archive(generator, data) == data
    told: list[tuple[int, int]] = []
    assert rebuild_archive(generator, manifest, lambda *done: told.append(done)) == data
    assert told == [(1, 3), (2, 3), (3, 3)]


def zip_of(**files: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_", "."), text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no archive of faces"),
        (b"GIF89a", "no archive of faces"),
        (zip_of(other_json="{}"), "holds no seeds.json"),
        (zip_of(seeds_json="{}")[:-30], "no archive of faces"),
        (zip_of(seeds_json="{"), "the file"),
        (zip_of(seeds_json=" " * 5_000_000), "larger than 4 MB"),
        (b"{}", "generator: Field required"),
        (b'{"generator": "x", "faces": []}', "faces: Tuple should have at least 1 item"),
        (b'{"generator": "x", "faces": [{"seed": "7"}]}', "faces.0.seed"),
        (b'{"generator": "x", "faces": [{"seed": 7, "age": 3}]}', "faces.0.age"),
        (b'{"generator": "00000000", "faces": [{"seed": 7}]}', "another generator"),
    ],
    # Archives hold the time: names made of their bytes would differ between the processes that share the tests.
    ids=itertools.count(),
)
def test_a_damaged_archive_is_refused(generator: FaceGenerator, data: bytes, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        rebuild_archive(generator, data)


def test_numbers_of_an_archive_are_checked(generator: FaceGenerator) -> None:
    data = json.dumps({"generator": generator.fingerprint, "faces": [{"seed": -1}]}).encode()
    with pytest.raises(ConfigError, match="seed is -1"):
        rebuild_archive(generator, data)
    with pytest.raises(ConfigError, match="hold 0 pictures; choose 1 to 256"):
        write_archive(generator, [])


def without(path: Path, key: str) -> None:
    tensors = load_file(path)
    del tensors[key]
    save_file(tensors, path)


def misshapen(path: Path, key: str) -> None:
    save_file({**load_file(path), key: torch.zeros(3)}, path)


def cut_off(path: Path, key: str) -> None:
    path.write_bytes(path.read_bytes()[:100])


def gone(path: Path, key: str) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "name", "key"),
    [
        (without, "model.safetensors", "first.weight"),
        (misshapen, "model.safetensors", "first.weight"),
        (without, "discriminator.safetensors", "last.weight"),
        (misshapen, "directions.safetensors", "directions"),
        (cut_off, "model.safetensors", ""),
        (gone, "discriminator.safetensors", ""),
        (gone, "directions.safetensors", ""),
        (gone, "config.json", ""),
    ],
)
def test_a_broken_checkpoint_names_file_and_key(
    folder: Path, tmp_path: Path, damage: Callable[[Path, str], None], name: str, key: str
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    damage(broken / name, key)
    with pytest.raises(CheckpointError) as raised:
        FaceGenerator.load(broken)
    assert str(broken / name) in str(raised.value)
    assert key in str(raised.value)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="nowhere"):
        FaceGenerator.load(tmp_path / "nowhere")


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_enlarging_keeps_the_colours(factor: int) -> None:
    picture = noise(3)
    larger = enlarge(picture, factor)
    assert larger.size == (64 * factor, 64 * factor)
    back = np.asarray(larger.resize(picture.size, Image.Resampling.BOX), np.float32)
    assert np.abs(back - np.asarray(picture, np.float32)).mean() < 2


@pytest.mark.parametrize("factor", [0, 5, 1.5, True, "2"])
def test_enlarging_by_anything_else_is_refused(factor: Any) -> None:
    with pytest.raises(ConfigError, match="whole number from 1 to 4"):
        enlarge(noise(3), factor)
