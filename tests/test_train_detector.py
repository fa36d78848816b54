"""Training the face detector on drawn scenes: samples, losses, figures, and a run from start to record."""

import io
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from anime_models.detector_model import STRIDE, to_boxes
from anime_models.drawn_faces import draw_face, draw_scene
from anime_models.errors import DatasetError
from anime_models.faces import Face, FaceDetector
from anime_models.records import read_record
from training.detection.augmentations import degrade
from training.detection.composer import SampleComposer, Warp
from training.detection.data import (
    LEAKING_SOURCE,
    NO_BOXES,
    Picture,
    group_by_colour,
    held_out_mask,
    letterbox,
    read_crops,
    read_pictures,
)
from training.detection.loss import build_targets, detection_loss
from training.detection.metrics import (
    Outcome,
    average_precision,
    best_threshold,
    f1_interval,
    false_faces_per_picture,
    judge,
    precision_recall_f1,
)
from training.detection.pseudo_boxes import label_crops
from training.train_detector import main


def webp(image: Image.Image) -> dict[str, bytes]:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=90)
    return {"bytes": buffer.getvalue()}


def write_scenes(path: Path, count: int, num_negatives: int = 0) -> None:
    rows = []
    for index in range(count):
        image, boxes = draw_scene(seed=index, num_faces=1 + index % 2, size=(320, 240))
        rows.append({"image": webp(image), "boxes": [list(box) for box in boxes], "kind": "scene", "source": "drawn"})
    for index in range(num_negatives):
        image, _ = draw_scene(seed=100 + index, num_faces=0, size=(200, 200))
        rows.append({"image": webp(image), "boxes": [], "kind": "negative", "source": "drawn"})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_crops(path: Path, count: int, source: str = "drawn") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"image": webp(draw_face(identity=index, size=96)), "source": source} for index in range(count)]
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_scenes(folder / "detection" / "train.parquet", 6, num_negatives=4)
    write_scenes(folder / "detection" / "validation.parquet", 3)
    write_scenes(folder / "detection" / "test.parquet", 3)
    write_crops(folder / "emotions" / "train.parquet", 4)
    write_crops(folder / "emotions" / "validation.parquet", 2)
    return folder


def command(datasets: Path, run: Path, *more: str) -> list[str]:
    data = ["--data", str(datasets / "detection"), "--extra", str(datasets), "--threads", "1"]
    return [*data, "--out", str(run), "--epochs", "1", "1", "--epoch-samples", "16", "--drawn-scenes", "2", *more]


def test_a_run_leaves_a_detector_and_a_record_that_can_be_measured_again(
    datasets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(command(datasets, run)) == 0
    record = read_record(run / "record.json")
    assert record == read_record(run / "checkpoint" / "record.json")
    assert (record.status, record.kind, record.task) == ("finished", "measured", "detection")
    assert record.value("f1_iou50") is not None
    assert record.value("false_faces_per_picture", split="negatives") is not None
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 2
    assert "pipeline_tag: object-detection" in (run / "checkpoint" / "README.md").read_text()

    capsys.readouterr()
    data = ["--data", str(datasets / "detection"), "--extra", str(datasets)]
    assert main([*data, "--threads", "1", "--evaluate", str(run / "checkpoint")]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "recorded" in line]
    assert len(lines) == len(record.results)
    assert all(line[1] == line[3] for line in lines)


def test_a_killed_run_goes_on_from_its_last_epoch(
    datasets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr("training.detection.loop.label_crops", interrupt)
        assert main(command(datasets, run)) == 130
    assert read_record(run / "record.json").status == "running"
    first, stopped = capsys.readouterr()
    assert stopped == "Stopped. The same command goes on from here.\n"
    assert first.startswith("round=0 epoch=0")
    assert main(command(datasets, run)) == 0
    second = capsys.readouterr().out
    assert second.startswith("round=1 epoch=0")
    assert read_record(run / "record.json").status == "finished"


def interrupt(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_missing_data_is_an_error_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "train.parquet" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_pictures_need_an_image_column(tmp_path: Path) -> None:
    pq.write_table(pa.table({"picture": [1]}), tmp_path / "train.parquet")
    with pytest.raises(DatasetError, match="no column 'image'"):
        read_pictures(tmp_path / "train.parquet")


def test_crops_cut_from_test_pictures_are_left_out(tmp_path: Path) -> None:
    write_crops(tmp_path / "characters" / "train.parquet", 2, source=LEAKING_SOURCE)
    write_crops(tmp_path / "stickers" / "train.parquet", 3)
    assert [crop.kind for crop in read_crops(tmp_path, "train")] == ["stickers"] * 3


def test_look_alikes_are_held_out_together() -> None:
    colours = [(20, 20, 20), (120, 20, 20), (20, 120, 20), (20, 20, 120), (220, 220, 20)]
    pictures = [Picture(Image.new("RGB", (30, 20), colour), NO_BOXES) for colour in colours for _ in range(2)]
    groups = group_by_colour(pictures)
    assert groups[::2] == groups[1::2]
    assert len(set(groups)) == 5
    assert held_out_mask(pictures) == [False] * 6 + [True] * 2 + [False] * 2


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_warp_moves_pixels_and_boxes_alike(angle: float, mirrored: bool) -> None:
    image = Image.new("RGB", (100, 80))
    image.paste((255, 255, 255), (38, 18, 42, 22))
    warp = Warp(centre=(50.0, 40.0), place=(64.0, 60.0), scale=1.3, angle=angle, mirrored=mirrored)
    pixels = np.asarray(image.transform((128, 128), Image.Transform.AFFINE, warp.inverse_matrix()))[..., 0]
    y, x = np.nonzero(pixels > 128)
    box = warp.boxes(np.array([[38, 18, 42, 22]], np.float32))[0]
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), abs=0.6)
    assert box[2] - box[0] == pytest.approx(4 * 1.3, abs=1e-3)


def test_composed_samples_keep_their_boxes_inside() -> None:
    scenes = [
        Picture(image, np.asarray(boxes, np.float32).reshape(-1, 4))
        for image, boxes in (draw_scene(seed=seed, num_faces=seed, size=(320, 240)) for seed in range(3))
    ]
    crops = [Picture(draw_face(identity=1, size=96), np.array([[24, 30, 72, 82]], np.float32))]
    composer = SampleComposer(scenes, crops, [], size=128)
    rng = np.random.default_rng(0)
    samples = [composer.compose(rng) for _ in range(60)]
    assert {len(sample.boxes) for sample in samples} >= {0, 1}
    for sample in samples:
        assert degrade(sample.image, sample.boxes, rng).size == (128, 128)
        assert sample.boxes.shape[1:] == (4,)
        assert ((sample.boxes >= 0) & (sample.boxes <= 128)).all()


def test_letterbox_carries_the_boxes() -> None:
    picture = letterbox(Picture(Image.new("RGB", (200, 100)), np.array([[20, 10, 60, 50]], np.float32)), 100)
    assert picture.image.size == (100, 100)
    assert picture.boxes.tolist() == [[10, 5, 30, 25]]


def test_the_loss_vanishes_where_the_answer_is_right() -> None:
    boxes = [np.array([[20, 24, 60, 72]], np.float32), NO_BOXES]
    heat, box_map, weight = targets = build_targets(boxes, 96)
    assert heat.shape == (2, 1, 12, 12)
    assert heat[0, 0, 6, 5] == 1
    assert heat[1].sum() == 0
    assert weight[0].sum() == pytest.approx(1)
    centres = to_boxes(torch.zeros(2, 4, 12, 12))[:, :2]
    distances = torch.cat([centres - box_map[:, :2], box_map[:, 2:] - centres], dim=1)
    logits = heat.logit(eps=1e-6)
    assert [part.item() for part in detection_loss(logits, distances, targets)] == pytest.approx([0, 0], abs=1e-4)
    wrong_heat, wrong_boxes = detection_loss(-logits, distances + STRIDE, targets)
    assert wrong_heat > 10
    assert wrong_boxes > 1


def test_pseudo_boxes_lie_on_the_faces_of_drawn_crops() -> None:
    network = FaceDetector.load().network
    crops = [Picture(draw_face(identity=identity, size=128), NO_BOXES) for identity in range(4)]
    labels = [box for box in label_crops(network, crops) if box is not None]
    assert len(labels) >= 3
    for x0, y0, x1, y1 in labels:
        assert 0 <= x0 < 64 < x1 <= 128
        assert 0 <= y0 < 75 < y1 <= 128


def outcome(scores: list[float], correct: list[bool], num_faces: int) -> Outcome:
    return Outcome(np.array(scores, float), np.array(correct, bool), num_faces)


def test_each_face_is_matched_once() -> None:
    faces = [Face((0, 0, 10, 10), 0.9), Face((1, 0, 11, 10), 0.8), Face((50, 50, 60, 60), 0.3)]
    judged = judge(faces, np.array([[0, 0, 10, 10], [80, 80, 90, 90]], np.float32), least_iou=0.5)
    assert judged.correct.tolist() == [True, False, False]
    assert judged.num_faces == 2


def test_figures_of_known_outcomes() -> None:
    outcomes = [outcome([0.9, 0.4], [True, False], 1), outcome([0.6], [True], 2), outcome([], [], 0)]
    assert precision_recall_f1(outcomes) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert precision_recall_f1(outcomes, threshold=0.5) == pytest.approx((1, 2 / 3, 0.8))
    assert false_faces_per_picture(outcomes) == pytest.approx(1 / 3)
    assert average_precision(outcomes) == pytest.approx(2 / 3)
    assert precision_recall_f1([]) == (0, 0, 0)
    low, high = f1_interval([*outcomes, outcome([0.3], [False], 0)] * 20)
    assert low < 4 / 7 < high


def test_the_threshold_is_the_best_allowed_one() -> None:
    assert best_threshold(lambda value: value >= 0.4, lambda value: -abs(value - 0.3)) == 0.4
    assert best_threshold(lambda value: True, lambda value: float(0.195 < value < 0.305)) == 0.25
    assert math.isclose(best_threshold(lambda value: False, lambda value: 1.0), 0.8)
