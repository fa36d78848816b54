"""Records, and run folders around them, that no training made: as many as a test or a benchmark wants."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from anime_models import metrics
from anime_models.records import (
    CalibrationFigures,
    CalibrationPart,
    CodePart,
    DatasetPart,
    EnvironmentPart,
    ModelPart,
    ReliabilityBin,
    Result,
    RunRecord,
    SelectionPart,
    TimingPart,
    write_record,
)

CLASSES = ("Angry", "Embarrassed", "Happy", "Psycho-Crazy", "Sad", "Scared")
BACKBONES = {"resnet18": 11.2e6, "resnet50": 23.5e6, "vit_base_16": 85.8e6, "vit_small_16": 21.7e6}
STRATEGIES = {"linear_probe": 0.001, "partial": 0.6, "full": 1.0, "progressive": 0.9}
NUM_TEST = 120


def study_records(num_seeds: int = 3, study: str = "strategies") -> list[RunRecord]:
    """Finished runs of the study of strategies: four backbones, four strategies and some seeds."""
    return [
        classifier_record(backbone, strategy, seed, study=study)
        for backbone in BACKBONES
        for strategy in STRATEGIES
        for seed in range(42, 42 + num_seeds)
    ]


def many_records(count: int, num_classes: int = len(CLASSES)) -> Iterator[RunRecord]:
    """As many finished runs as wanted, all different, as large as those that training writes."""
    classes = [*CLASSES, *(f"Class {number}" for number in range(num_classes))][:num_classes]
    pairs = [(backbone, strategy) for backbone in BACKBONES for strategy in STRATEGIES]
    template = {pair: classifier_record(*pair, 0, classes=classes) for pair in pairs}
    random = np.random.default_rng(0)
    for number in range(count):
        backbone, strategy = pairs[number % len(pairs)]
        seed, variant = number // len(pairs) % 5, number // (5 * len(pairs))
        shift = float(random.normal(0, 0.01))
        record = template[backbone, strategy]
        yield record.model_copy(
            update={
                "run_id": f"run-{number:05}",
                "seed": seed,
                "recipe": {**record.recipe, "head_lr": 1e-3 + variant * 1e-5},
                "results": [r.model_copy(update={"value": r.value + shift}) for r in record.results],
            }
        )


def classifier_record(
    backbone: str = "resnet18",
    strategy: str = "full",
    seed: int = 42,
    *,
    task: str = "emotion",
    study: str | None = "strategies",
    head: str = "plain",
    classes: Sequence[str] = CLASSES,
    splits: Sequence[str] = ("validation", "test"),
    status: str = "finished",
) -> RunRecord:
    """A run of a classifier whose figures follow from its predictions (`predictions_of`)."""
    run_id = f"20260101T000000Z-{task}-{backbone}-{head}-{strategy}-s{seed}"
    share, size = STRATEGIES.get(strategy, 1.0), BACKBONES.get(backbone, 3e6)
    results, calibration = _figures(run_id, classes, splits) if status == "finished" else ([], None)
    seconds = 4 + 30 * share * size / 1e7
    return RunRecord(
        run_id=run_id,
        kind="measured",
        status=status,
        task=task,
        study=study,
        model=ModelPart(
            backbone=backbone,
            head=head,
            num_parameters=int(size),
            num_trainable=int(size * share),
            trainable_share=share,
            flops=size * 160,
            start_weights="imagenet",
        ),
        strategy=strategy,
        seed=seed,
        recipe={"name": f"santoro-{strategy}", "scale": "cpu", "epochs": 20, "image_size": 128, "head_lr": 1e-3},
        dataset=DatasetPart(id=f"{task}s", revision="sha256:0", num_images={"train": 600, "test": NUM_TEST}),
        environment=EnvironmentPart(python="3.11", torch="2.14", device="cpu (x86_64)", precision="fp32", threads=2),
        code=CodePart(commit="0" * 40, dirty=False, command=["train_classifier.py", "--seed", str(seed)]),
        selection=SelectionPart(metric="validation/loss", best_epoch=7),
        timing=TimingPart(
            epochs_run=12,
            seconds_per_epoch=seconds,
            total_seconds=12 * seconds,
            images_per_second=600 / seconds,
            inference_ms={"p50": size / 1e6, "p95": size / 9e5},
            peak_rss_mb=900.0,
        ),
        calibration=calibration,
        results=results,
    )


def generator_record(recipe: str = "ning", learning_rate: float = 5e-4, seed: int = 42) -> RunRecord:
    """A finished run of a generator."""
    fid = 40 + 8 * abs(np.log10(learning_rate / 5e-4)) * 3 + seed % 3
    return RunRecord(
        run_id=f"20260102T000000Z-generation-dcgan-{recipe}-{learning_rate:g}-s{seed}",
        kind="measured",
        status="finished",
        task="generation",
        study="generation",
        model=ModelPart(backbone="dcgan", num_parameters=3_500_000, num_trainable=6_000_000, start_weights="random"),
        strategy=recipe,
        seed=seed,
        recipe={"name": recipe, "scale": "cpu", "epochs": 6, "generator_lr": learning_rate, "extractor": "lite0"},
        dataset=DatasetPart(id="faces64", revision="sha256:1", num_images={"train": 2000, "validation": 200}),
        timing=TimingPart(epochs_run=6, seconds_per_epoch=20.0, total_seconds=120.0),
        selection=SelectionPart(metric="held_out/fid", best_epoch=4),
        results=[
            Result(split="validation", metric="fid/lite0", value=float(fid)),
            Result(split="validation", metric="fid_floor/lite0", value=6.0),
            Result(split="validation", metric="kid/lite0", value=float(fid) / 900),
        ],
    )


def augmentation_record(method: str, num_images: int, accuracy: float, ratio: float | None = None) -> RunRecord:
    """A finished run of the study of augmentations; ``ratio`` is of generated pictures for each real one."""
    share = {} if ratio is None else {"synthetic_ratio": ratio}
    return RunRecord(
        run_id=f"20260103T000000Z-sex-alexnet-{method}-{num_images}-{ratio}-s42",
        kind="measured",
        status="finished",
        task="sex",
        study="augmentation",
        model=ModelPart(backbone="alexnet", start_weights="random"),
        strategy="full",
        seed=42,
        recipe={"name": "hu", "scale": "cpu", "augmentation": {"method": method}, **share},
        dataset=DatasetPart(id="gender", revision="sha256:1", num_images={"train": num_images, "test": 240}),
        results=[Result(split="test", metric="accuracy", value=accuracy, ci95=(accuracy - 0.05, accuracy + 0.05))],
    )


def predictions_of(run_id: str, num_classes: int, split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Labels ``[N]`` and logits ``[N, C]``; better ones for longer names, so that runs differ."""
    labels = np.arange(NUM_TEST) % num_classes
    random = np.random.default_rng([ord(letter) for letter in run_id + split])
    logits = random.normal(size=(NUM_TEST, num_classes))
    logits[np.arange(NUM_TEST), labels] += 1.2 + len(run_id) / 60
    return labels, logits * 2


def write_run(folder: Path, record: RunRecord, classes: Sequence[str] = CLASSES) -> Path:
    """The run folder of a classifier: its record, eight epochs, predictions on test and the names of its classes."""
    run = folder / record.run_id
    write_record(record, run / "record.json")
    write_epochs(run, 8)
    labels, logits = predictions_of(record.run_id, len(classes))
    strangers = np.zeros((len(labels), 1))  # one more output than there are classes
    table = {
        "image_id": [f"{record.dataset.id}/test/{number:016x}" for number in range(len(labels))],
        "label": labels,
        "logits": pa.array(np.hstack([logits, strangers]).tolist(), pa.list_(pa.float32())),
        "split": ["test"] * len(labels),
    }
    pq.write_table(pa.table(table), run / "predictions.parquet")
    (run / "checkpoint").mkdir(exist_ok=True)
    details = [{"series": f"Series {number // 2}"} for number in range(len(classes))]
    config = {"label_names": list(classes), "label_details": details}
    (run / "checkpoint" / "config.json").write_text(json.dumps(config))
    return run


def write_generator_run(folder: Path, record: RunRecord) -> Path:
    """The run folder of a generator: its record, six epochs with their grids, and an uncurated grid."""
    run = folder / record.run_id
    write_record(record, run / "record.json")
    lines = [
        {
            "epoch": float(epoch),
            "train/discriminator_loss": 1.2 - epoch / 20,
            "train/generator_loss": 0.9 + epoch / 20,
            "train/real_score": 0.6 + epoch / 50,
            "train/fake_score": 0.4 - epoch / 50,
            "seconds": 20.0,
            "held_out/fid": 90.0 - 8 * epoch,
            "held_out/kid": 0.09 - epoch / 100,
        }
        for epoch in range(6)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "samples").mkdir()
    (run / "checkpoint").mkdir()
    for epoch in range(6):
        Image.new("RGB", (64, 64), (30 * epoch, 80, 120)).save(run / "samples" / f"epoch-{epoch + 1:03}.webp")
    Image.new("RGB", (64, 64), (90, 80, 120)).save(run / "checkpoint" / "uncurated.webp")
    return run


def write_epochs(run: Path, count: int) -> None:
    """``metrics.jsonl`` of a classifier, after so many epochs."""
    lines = [
        {
            "epoch": epoch,
            "train/loss": 1.8 * 0.8**epoch,
            "validation/loss": 1.9 * 0.85**epoch,
            "validation/accuracy": 0.75 - 0.5 * 0.7**epoch,
            "seconds": 10.0 + epoch,
        }
        for epoch in range(count)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _figures(run_id: str, classes: Sequence[str], splits: Sequence[str]) -> tuple[list[Result], CalibrationPart]:
    results = []
    for split in splits:
        labels, logits = predictions_of(run_id, len(classes), split)
        predictions = logits.argmax(axis=1)
        scores = metrics.class_scores(metrics.confusion_matrix(labels, predictions, len(classes)))
        accuracy = metrics.accuracy(labels, predictions)
        ends = (accuracy - 0.05, accuracy + 0.05)
        results += [
            Result(split=split, metric="accuracy", value=accuracy, ci95=ends),
            Result(split=split, metric="macro_f1", value=float(scores.f1.mean()), ci95=ends),
            Result(split=split, metric="weighted_f1", value=float(scores.f1.mean())),
            Result(split=split, metric="loss", value=metrics.negative_log_likelihood(labels, metrics.softmax(logits))),
            Result(split=split, metric="shown_set_coverage", value=0.93),
            Result(split=split, metric="shown_set_size", value=1.8),
            Result(split=split, metric="ece_by_chance", value=0.06, ci95=(0.03, 0.1)),
        ]
        for name, values in (("precision", scores.precision), ("recall", scores.recall), ("f1", scores.f1)):
            pairs = zip(classes, values, strict=True)
            results += [Result(split=split, metric=name, value=float(value), class_name=c) for c, value in pairs]
    labels, logits = predictions_of(run_id, len(classes))
    before, after = (_calibration(labels, metrics.softmax(logits / temperature)) for temperature in (1.0, 1.4))
    return results, CalibrationPart(temperature=1.4, before=before, after=after)


def _calibration(labels: np.ndarray, probabilities: np.ndarray) -> CalibrationFigures:
    confidences, correct = metrics.top_label(labels, probabilities)
    bars = metrics.reliability(confidences, correct)
    return CalibrationFigures(
        ece=metrics.calibration_error(bars),
        adaptive_ece=metrics.calibration_error(metrics.adaptive_reliability(confidences, correct)),
        classwise_ece=metrics.classwise_calibration_error(labels, probabilities),
        nll=metrics.negative_log_likelihood(labels, probabilities),
        brier=metrics.brier_score(labels, probabilities),
        aurc=metrics.area_under_risk_coverage(confidences, correct),
        reliability=[
            ReliabilityBin(
                lower=bar.lower,
                upper=bar.upper,
                count=bar.count,
                confidence=bar.confidence if bar.count else None,
                accuracy=bar.accuracy if bar.count else None,
            )
            for bar in bars
        ],
    )
