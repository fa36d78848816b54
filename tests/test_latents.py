"""Latents: seeds, truncation, the walk between them, what lies around them; and permalinks."""

from typing import Any

import numpy as np
import pytest

from anime_models.errors import ConfigError
from anime_models.latents import (
    LARGEST_SEED,
    MAX_FRAMES,
    checked_latents,
    interpolation,
    neighbours,
    seed_latent,
    slerp,
    truncate,
)
from anime_models.permalinks import MAX_LENGTH, FacePoint, from_text, to_text

SIZE = 128
NAMES = ("hair brighter", "mouth open", "face larger")
GENERATOR = "3fa9c1d2"


def test_a_seed_is_one_latent_for_ever() -> None:
    latent = seed_latent(42, 4)
    assert latent.dtype == np.float32
    # What NumPy's PCG64 gave when links and archives were first made: other numbers would break them all.
    assert latent.tolist() == [0.14190717041492462, -1.6685079336166382, -1.3321080207824707, 0.5825534462928772]


def test_latents_are_standard_normal() -> None:
    latents = np.stack([seed_latent(seed, SIZE) for seed in (*range(200), LARGEST_SEED)])
    assert abs(latents.mean()) < 0.02
    assert abs(latents.std() - 1) < 0.02


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1, True, 1.0, "7", None, float("nan"), np.array([1, 2])])
def test_what_is_no_seed_is_refused_with_the_range(seed: Any) -> None:
    with pytest.raises(ConfigError, match=r"from 0 to 4294967295"):
        seed_latent(seed, SIZE)


def test_numpy_integers_are_seeds_too() -> None:
    (seed,) = np.array([7], np.uint32)
    np.testing.assert_array_equal(seed_latent(seed, SIZE), seed_latent(7, SIZE))


def test_truncation_scales_and_clips() -> None:
    latent = np.array([-3.0, -0.5, 0.0, 1.0, 2.5], np.float32)
    np.testing.assert_array_equal(truncate(latent), latent)
    np.testing.assert_array_equal(truncate(latent, 0.5, clip=2), np.array([-1, -0.25, 0, 0.5, 1], np.float32))
    assert not truncate(latent, 0).any()


@pytest.mark.parametrize(
    ("truncation", "clip"), [(-0.1, None), (1.6, None), (float("nan"), None), (1, 0), (1, -2), (1, float("inf"))]
)
def test_truncation_outside_its_range_is_refused(truncation: float, clip: float | None) -> None:
    with pytest.raises(ConfigError, match=r"give a number"):
        truncate(np.zeros(4, np.float32), truncation, clip)


@pytest.mark.parametrize(
    ("latents", "problem"),
    [
        (np.zeros(SIZE), r"shape \[128\]"),
        (np.zeros((2, SIZE - 1)), r"shape \[2, 127\].*\[N, 128\]"),
        (np.full((1, SIZE), np.nan), "NaN"),
        (np.full((1, SIZE), np.inf), "NaN or numbers beyond 100"),
        (np.full((1, SIZE), 1e30), "beyond 100"),
        ("face", "array of numbers"),
        ([[1.0], [1.0, 2.0]], "array of numbers"),
    ],
)
def test_bad_latents_are_refused(latents: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        checked_latents(latents, SIZE)


def test_slerp_keeps_the_norm_and_meets_both_ends() -> None:
    a, b = seed_latent(1, SIZE), seed_latent(2, SIZE)
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    np.testing.assert_array_equal(slerp(a, b, 0), a)
    np.testing.assert_array_equal(slerp(a, b, 1), b)
    walk = np.stack([slerp(a, b, t) for t in np.linspace(0, 1, 11)])
    np.testing.assert_allclose(np.linalg.norm(walk, axis=1), np.linalg.norm(a), rtol=1e-5)
    steps = np.linalg.norm(np.diff(walk, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-4)


def test_slerp_of_opposite_equal_and_zero_latents() -> None:
    a = seed_latent(1, SIZE)
    np.testing.assert_allclose(np.linalg.norm(slerp(a, -a, 0.5)), np.linalg.norm(a), rtol=1e-5)
    np.testing.assert_allclose(slerp(a, a, 0.3), a, rtol=1e-6)
    np.testing.assert_allclose(slerp(a, np.zeros(SIZE), 0.5), a / 2, rtol=1e-6)
    assert np.isfinite(slerp([1.0], [-1.0], 0.5)).all()


@pytest.mark.parametrize(("t", "size"), [(-0.1, SIZE), (1.1, SIZE), (0.5, 64)])
def test_slerp_refuses_what_lies_outside(t: float, size: int) -> None:
    with pytest.raises(ConfigError):
        slerp(seed_latent(1, SIZE), seed_latent(2, size), t)


@pytest.mark.parametrize("frames", [3, 4, 7, 60])
def test_an_interpolation_goes_from_the_first_keyframe_to_the_last(frames: int) -> None:
    keyframes = [seed_latent(seed, SIZE) for seed in (1, 2, 3)]
    walk = interpolation(keyframes, frames)
    assert walk.shape == (frames, SIZE)
    np.testing.assert_array_equal(walk[0], keyframes[0])
    np.testing.assert_array_equal(walk[-1], keyframes[-1])


def test_a_loop_ends_one_step_before_its_start() -> None:
    keyframes = [seed_latent(seed, SIZE) for seed in (1, 2, 3)]
    walk = interpolation(keyframes, 12, loop=True)
    assert walk.shape == (12, SIZE)
    for index, keyframe in enumerate(keyframes):
        np.testing.assert_array_equal(walk[4 * index], keyframe)
    np.testing.assert_array_equal(walk[-1], slerp(keyframes[2], keyframes[0], 0.75))


@pytest.mark.parametrize(("keyframes", "frames"), [(1, 10), (65, 100), (3, 2), (2, MAX_FRAMES + 1), (2, 10.0)])
def test_an_interpolation_outside_its_ranges_is_refused(keyframes: int, frames: Any) -> None:
    with pytest.raises(ConfigError, match=r"keyframes|frames"):
        interpolation([seed_latent(seed, 8) for seed in range(keyframes)], frames)


def test_neighbours_lie_at_the_distance_on_the_sphere() -> None:
    centre = seed_latent(5, SIZE)
    found = neighbours(centre, 8, 3.0)
    np.testing.assert_allclose(np.linalg.norm(found - centre, axis=1), 3.0, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(centre), rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(neighbours(np.zeros(SIZE), 3, 2.0), axis=1), 2.0, rtol=1e-4)


def test_a_point_always_has_the_same_neighbours() -> None:
    here, there = seed_latent(5, SIZE), seed_latent(6, SIZE)
    np.testing.assert_array_equal(neighbours(here, 8, 3.0), neighbours(here, 8, 3.0))
    np.testing.assert_array_equal(neighbours(here, 8, 3.0)[:3], neighbours(here, 3, 3.0))
    steps = neighbours(here, 8, 3.0) - here
    assert not np.allclose(steps, neighbours(there, 8, 3.0) - there)
    assert not np.allclose(steps, neighbours(here, 8, 3.0, seed=1) - here)


@pytest.mark.parametrize(("count", "distance"), [(0, 3.0), (65, 3.0), (8, 0.0), (8, 21.0), (8, float("nan"))])
def test_neighbours_outside_their_ranges_are_refused(count: int, distance: float) -> None:
    with pytest.raises(ConfigError):
        neighbours(seed_latent(5, SIZE), count, distance)


POINTS = (
    FacePoint(seed=0),
    FacePoint(seed=LARGEST_SEED, truncation=0.7, clip=2.5, directions={"mouth open": -1, "face larger": 0.333}),
    FacePoint(latent=tuple(seed_latent(9, SIZE)), truncation=1.5, directions={"hair brighter": 1}),
)


@pytest.mark.parametrize("point", POINTS)
def test_a_permalink_restores_the_point(point: FacePoint) -> None:
    text = to_text(point, GENERATOR, NAMES)
    assert from_text(text, GENERATOR, NAMES, SIZE) == point
    assert len(text) < 450
    assert not set(text) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def test_a_permalink_is_short() -> None:
    assert to_text(FacePoint(seed=42, truncation=0.7), GENERATOR, NAMES) == "1.g3fa9c1d2.s42.t700"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "version"),
        ("2.g3fa9c1d2.s42.t700", "version"),
        ("1.g3fa9c1d2.s42", "damaged"),
        ("1.g3fa9c1d2.s42.t700 ", "damaged"),
        ("1.g3fa9c1d2.s-1.t700", "damaged"),
        ("1.g3fa9c1d2.s٤٢.t700", "damaged"),
        ("1.g3fa9c1d2.s42.z1.t700", "damaged"),
        ("1.g3fa9c1d2.s42.t700.d1_2_3\n", "damaged"),
        ("1.g00000000.s42.t700", "another generator"),
        ("1.g3fa9c1d2.s9999999999.t700", "seed is 9999999999.*4294967295"),
        ("1.g3fa9c1d2.s42.t1600", "truncation is 1.6"),
        ("1.g3fa9c1d2.s42.t700.c0", "clip is 0"),
        ("1.g3fa9c1d2.s42.t700.d1_2", "2 directions and this generator 3"),
        ("1.g3fa9c1d2.s42.t700.d1001_0_0", "amount of 'hair brighter' is 1.001"),
        ("1.g3fa9c1d2.zAAAA.t700", "cut off"),
        ("1.g3fa9c1d2.zA.t700", "damaged"),
        (f"1.g3fa9c1d2.z{'_' * 342}.t700", "NaN"),
        ("1" * (MAX_LENGTH + 1), "longer than 4096"),
    ],
)
def test_a_damaged_permalink_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        from_text(text, GENERATOR, NAMES, SIZE)


def test_a_direction_of_another_generator_is_refused() -> None:
    with pytest.raises(ConfigError, match="no direction 'wings'; this generator has: hair brighter"):
        to_text(FacePoint(seed=1, directions={"wings": 1}), GENERATOR, NAMES)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"seed": 1, "latent": (0.0,) * SIZE},
        {"seed": -1},
        {"latent": (float("nan"),) * SIZE},
        {"latent": ()},
        {"seed": 1, "truncation": 2},
        {"seed": 1, "directions": {"mouth open": 1.1}},
        {"seed": 1, "directions": {"mouth open": True}},
    ],
)
def test_a_point_outside_its_ranges_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        FacePoint(**arguments)
