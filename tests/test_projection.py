"""Projection: from a picture back to a latent."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anime_models import perceptual
from anime_models.errors import ConfigError
from anime_models.generator import FaceGenerator
from anime_models.permalinks import FacePoint
from tests.small_generators import small_generator
from tests.small_models import noise

STEPS = 25


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> FaceGenerator:
    folder = tmp_path_factory.mktemp("generator")
    return FaceGenerator.load(small_generator(folder, directions=(), epochs=0, novelty=False))


def difference(a: Image.Image, b: Image.Image) -> float:
    return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())


def test_a_generated_face_is_found_again(generator: FaceGenerator) -> None:
    (face, other) = generator.images([generator.latent(12345), generator.latent(1)])
    found = generator.project(face, steps=STEPS)
    assert found.complete
    assert len(found.losses) == STEPS
    assert found.losses[-1] < 0.7 * found.losses[0]
    assert found.end_distance < 0.6 * found.start_distance
    assert difference(found.picture, face) < 0.6 * difference(other, face)


def test_the_latent_is_near_the_sphere_and_fits_a_permalink(generator: FaceGenerator) -> None:
    found = generator.project(noise(5, (200, 150)), steps=STEPS)
    assert found.latent.dtype == np.float32
    assert 0.7 < np.linalg.norm(found.latent) / np.sqrt(generator.latent_size) < 1.4
    point = generator.from_permalink(generator.permalink(FacePoint(latent=tuple(found.latent))))
    np.testing.assert_array_equal(generator.latent_at(point), found.latent)
    assert generator.image(point).tobytes() == found.picture.tobytes()


def test_the_same_seed_gives_the_same_answer(generator: FaceGenerator) -> None:
    first, again, other = (generator.project(noise(5), steps=2, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.latent, again.latent)
    assert not np.array_equal(first.latent, other.latent)


def test_progress_is_reported_and_a_stop_keeps_what_there_is(generator: FaceGenerator) -> None:
    reports: list[tuple[float, Image.Image]] = []

    def progress(share: float, picture: Image.Image) -> None:
        reports.append((share, picture))

    found = generator.project(noise(5), steps=10, progress=progress, should_stop=lambda: len(reports) == 4)
    assert not found.complete
    assert [share for share, _ in reports] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert {picture.size for _, picture in reports} == {(64, 64)}
    assert len(found.losses) == 4
    assert found.end_distance <= found.start_distance * 1.01  # half precision
    assert found.picture.size == (64, 64)


def test_a_stop_before_the_first_step_gives_the_best_start(generator: FaceGenerator) -> None:
    found = generator.project(noise(5), steps=10, should_stop=lambda: True)
    assert (found.complete, found.losses) == (False, ())
    assert found.end_distance == pytest.approx(found.start_distance, rel=0.02)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"steps": 0}, "steps is 0; give a whole number from 1 to 1000"),
        ({"steps": 1001}, "steps is 1001"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_arguments_outside_their_ranges_are_refused(
    generator: FaceGenerator, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        generator.project(noise(5), **arguments)


def test_projecting_leaves_the_generator_as_it_was(generator: FaceGenerator) -> None:
    before = generator.images([generator.latent(3)])[0].tobytes()
    generator.project(noise(5), steps=2)
    assert generator.images([generator.latent(3)])[0].tobytes() == before
    assert all(parameter.grad is None for parameter in generator.generator.parameters())


def test_without_the_embedded_classifier_a_face_is_found_as_well(
    generator: FaceGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Space may have its models from the Hub."""
    monkeypatch.setattr(perceptual, "EMBEDDED", tmp_path / "nowhere")
    perceptual._backbone.cache_clear()
    try:
        found = generator.project(generator.images([generator.latent(12345)])[0], steps=STEPS)
    finally:
        perceptual._backbone.cache_clear()
    assert found.end_distance < 0.6 * found.start_distance
