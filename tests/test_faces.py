"""Finding drawn faces and cutting crops, with the detector that ships with the package."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from anime_models.detector_model import FaceNet, fold_batch_norm
from anime_models.drawn_faces import draw_scene
from anime_models.errors import CheckpointError, ConfigError
from anime_models.faces import (
    EMBEDDED_DETECTOR,
    FaceDetector,
    crop_face,
    non_maximum_suppression,
    pairwise_iou,
)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector.load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "detector"
    shutil.copytree(EMBEDDED_DETECTOR, copy)
    return copy


def gradient(width: int, height: int) -> Image.Image:
    """A picture whose pixel (x, y) is (x mod 256, y mod 256, 0)."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width) % 256
    pixels[..., 1] = (np.arange(height) % 256)[:, None]
    return Image.fromarray(pixels)


@pytest.mark.parametrize("size", [(640, 400), (480, 640)])
@pytest.mark.parametrize("num_faces", [1, 2, 3])
def test_finds_every_face_of_a_drawn_scene(detector: FaceDetector, size: tuple[int, int], num_faces: int) -> None:
    image, boxes = draw_scene(seed=900 + num_faces, num_faces=num_faces, size=size)
    found = torch.tensor([face.box for face in detector.detect(image)])
    assert found.shape == (num_faces, 4)
    assert (pairwise_iou(torch.tensor(boxes, dtype=torch.float32), found).max(dim=1).values >= 0.5).all()


def test_an_empty_background_has_no_face(detector: FaceDetector) -> None:
    for seed in range(950, 955):
        image, boxes = draw_scene(seed=seed, num_faces=0, size=(640, 400))
        assert boxes == []
        assert detector.detect(image) == []
    assert detector.detect(Image.new("RGB", (300, 200), "white")) == []


def test_faces_come_best_first_and_lie_inside_the_picture(detector: FaceDetector) -> None:
    image, _ = draw_scene(seed=7, num_faces=3, size=(640, 400))
    faces = detector.detect(image, threshold=0.0)
    scores = [face.score for face in faces]
    assert len(faces) > 3
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    for x0, y0, x1, y1 in (face.box for face in faces):
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 400


def test_a_higher_threshold_keeps_the_best_faces(detector: FaceDetector) -> None:
    image, _ = draw_scene(seed=7, num_faces=3, size=(640, 400))
    every = detector.detect(image, threshold=0.01)
    assert detector.detect(image, threshold=every[1].score) == every[:2]
    assert detector.detect(image, threshold=1.0) == []


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_outside_zero_to_one_is_refused(detector: FaceDetector, threshold: float) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1"):
        detector.detect(Image.new("RGB", (64, 64)), threshold)


@pytest.mark.parametrize("size", [(1, 1), (64, 64), (1, 900), (3000, 8), (40, 1200), (2000, 2000)])
def test_pictures_of_any_size_are_read(detector: FaceDetector, size: tuple[int, int]) -> None:
    for face in detector.detect(gradient(*size), threshold=0.0):
        assert face.box[2] <= size[0]
        assert face.box[3] <= size[1]


def test_boxes_scale_with_the_picture(detector: FaceDetector) -> None:
    image, _ = draw_scene(seed=11, num_faces=1, size=(640, 400))
    large = image.resize((1280, 800), Image.Resampling.BICUBIC)
    box, large_box = (torch.tensor([detector.detect(picture)[0].box]) for picture in (image, large))
    assert pairwise_iou(box * 2, large_box).item() > 0.9


def test_suppression_keeps_the_best_of_overlapping_boxes() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30], [0, 0, 4, 4]])
    assert non_maximum_suppression(boxes, torch.tensor([0.5, 0.9, 0.3, 0.8]), iou=0.4) == [1, 3, 2]
    assert non_maximum_suppression(boxes[:0], torch.zeros(0), iou=0.4) == []


def test_pairwise_iou() -> None:
    first = torch.tensor([[0.0, 0, 2, 2], [5, 5, 5, 5]])
    second = torch.tensor([[1.0, 0, 3, 2], [0, 0, 2, 2], [9, 9, 10, 10]])
    assert pairwise_iou(first, second) == pytest.approx(torch.tensor([[1 / 3, 1, 0], [0, 0, 0]]))


def test_folding_batch_norms_changes_no_answer() -> None:
    torch.manual_seed(0)
    network = FaceNet(channels=16).eval()
    images = torch.randn(1, 3, 64, 96)
    with torch.inference_mode():
        before = network(images)
        fold_batch_norm(network)
        after = network(images)
    assert before[0].shape == (1, 1, 8, 12)
    assert before[1].shape == (1, 4, 8, 12)
    for one, other in zip(before, after, strict=True):
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())


def test_a_crop_is_a_square_around_the_box() -> None:
    crop = crop_face(gradient(200, 150), (80.0, 60.0, 100.0, 70.0), margin=0.25)
    assert crop.size == (30, 30)
    assert crop.getpixel((0, 0)) == (75, 50, 0)


@pytest.mark.parametrize(
    ("box", "corner"), [((0, 0, 20, 20), (0, 0)), ((180, 130, 200, 150), (160, 110)), ((0, 130, 20, 150), (0, 110))]
)
def test_a_crop_is_shifted_to_lie_inside_the_picture(
    box: tuple[float, float, float, float], corner: tuple[int, int]
) -> None:
    crop = crop_face(gradient(200, 150), box, margin=0.5)
    assert crop.size == (40, 40)
    assert crop.getpixel((0, 0)) == (*corner, 0)


def test_a_crop_larger_than_the_picture_repeats_its_edge() -> None:
    crop = crop_face(gradient(200, 60), (90.0, 10.0, 130.0, 50.0), margin=0.5)
    assert crop.size == (80, 80)
    assert [crop.getpixel((0, y)) for y in (0, 9, 10, 69, 70, 79)] == [(70, y, 0) for y in (0, 0, 0, 59, 59, 59)]


@pytest.mark.parametrize(
    ("box", "margin"), [((5, 5, 5, 9), 0.2), ((9, 5, 5, 9), 0.2), ((0, 0, 9, 9), -0.1), ((0, 0, float("nan"), 9), 0.2)]
)
def test_a_box_without_area_or_a_negative_margin_is_refused(
    box: tuple[float, float, float, float], margin: float
) -> None:
    with pytest.raises(ConfigError, match="Cannot cut"):
        crop_face(gradient(20, 20), box, margin)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        FaceDetector.load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("surprise", 1), ("threshold", 2.0), ("input_size", 321), ("task", "emotion"), ("format_version", 2)],
)
def test_a_wrong_setting_is_named(folder: Path, key: str, value: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(CheckpointError, match=rf"config\.json.*{key}"):
        FaceDetector.load(folder)


def test_a_lacking_setting_is_named(folder: Path) -> None:
    path = folder / "config.json"
    settings = json.loads(path.read_text())
    del settings["threshold"]
    path.write_text(json.dumps(settings))
    with pytest.raises(CheckpointError, match=r"config\.json.*threshold"):
        FaceDetector.load(folder)


@pytest.mark.parametrize("damage", ["missing", "unexpected", "misshapen", "truncated"])
def test_weights_of_another_network_are_refused(folder: Path, damage: str) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    if damage == "missing":
        del tensors["score.bias"]
    elif damage == "unexpected":
        tensors["score.extra"] = torch.zeros(1)
    else:
        tensors["score.bias"] = torch.zeros(2)
    save_file(tensors, path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"model\.safetensors" if damage == "truncated" else r"score\."):
        FaceDetector.load(folder)


def test_the_shipped_weights_are_small() -> None:
    assert (EMBEDDED_DETECTOR / "model.safetensors").stat().st_size <= 4_000_000
