"""Stand-ins for the trained models: real networks with random weights, whose answers are scripted."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from anime_models.backbones import build_model
from anime_models.calibration import Abstention, Calibration, Conformal
from anime_models.checkpoints import Checkpoint, CheckpointConfig
from anime_models.classifier import Candidate, Classifier, Prediction, Verdict
from anime_models.faces import DetectorConfig, Face, FaceDetector
from anime_models.preprocessing import Preprocessing
from anime_models.records import (
    CalibrationFigures,
    CalibrationPart,
    DatasetPart,
    ModelPart,
    ReliabilityBin,
    Result,
    RunRecord,
)
from apps.demo.models import ModelShelf
from apps.demo.wording import Task

LABELS: dict[Task, dict[str, dict[str, str]]] = {
    "character": {
        "Aoi Hoshino": {"series": "Harbour Lights"},
        "Ren Kuroda": {"series": "Harbour Lights"},
        "Mika <b>Tachibana</b>": {"series": 'Tea & "Thunder"'},
        "Yuzu Amano": {},
    },
    "emotion": {name: {} for name in ("Angry", "Embarrassed", "Happy", "Psycho-Crazy", "Sad", "Scared")},
}
CONFIDENCES = (0.95, 0.52, 0.4)
THRESHOLD = 0.6


def reliability_bins() -> list[ReliabilityBin]:
    """Fifteen bars: none for low confidences, few faces in the middle, many at the top."""
    edges = [number / 15 for number in range(16)]
    counts = [0] * 5 + [4] * 5 + [200] * 5
    return [
        ReliabilityBin(lower=low, upper=high, count=count, confidence=None, accuracy=high - 0.05 if count else None)
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]


def make_record(task: Task) -> RunRecord:
    def figures(ece: float) -> CalibrationFigures:
        return CalibrationFigures(
            ece=ece, adaptive_ece=ece, classwise_ece=0.01, nll=0.2, brier=0.1, aurc=0.01, reliability=reliability_bins()
        )

    return RunRecord(
        run_id="fake",
        kind="measured",
        status="finished",
        task=task,
        model=ModelPart(backbone="mobilenet_v2", head="plain", num_parameters=2_200_000),
        dataset=DatasetPart(id=f"drawn-{task}s", num_images={"train": 1200, "validation": 150, "test": 150}),
        calibration=CalibrationPart(temperature=1.3, before=figures(0.08), after=figures(0.02)),
        results=[
            Result(split="test", metric="accuracy", value=0.97),
            Result(split="test", metric="macro_f1", value=0.96),
            Result(split="test", metric="shown_set_coverage", value=0.92),
            Result(split="test", metric="shown_set_size", value=1.4),
            Result(split="test", metric="ece_by_chance", value=0.03, ci95=(0.011, 0.052)),
        ],
    )


def make_config(task: Task, backbone: str = "mobilenet_v2") -> CheckpointConfig:
    preprocessing = Preprocessing(image_size=32, resize=32, mean=(0.5,) * 3, std=(0.5,) * 3, interpolation="bicubic")
    return CheckpointConfig(
        task=task,
        backbone=backbone,
        head="plain",
        label_names=tuple(LABELS[task]),
        label_details=tuple(LABELS[task].values()),
        preprocessing=preprocessing,
        calibration=Calibration(
            temperature=1.3,
            conformal=Conformal(alpha=0.1, threshold=0.9),
            abstention=Abstention(selective_risk=0.05, threshold=THRESHOLD),
            fitted_on="validation",
            num_images=150,
        ),
        start_weights="random",
    )


def make_prediction(task: Task, turn: int = 0, threshold: float = THRESHOLD) -> Prediction:
    """The scripted answer to the face at a place: sure, not sure, stranger, and again."""
    names = list(LABELS[task].items())
    order = names[turn % len(names) :] + names[: turn % len(names)]
    best = CONFIDENCES[turn % 3]
    shares = [best] + [(1 - best) / (len(order) - 1)] * (len(order) - 1)
    sure = Verdict.NOT_SURE if best < threshold else Verdict.LABEL
    return Prediction(
        candidates=tuple(Candidate(name, share, details) for (name, details), share in zip(order, shares, strict=True)),
        verdict=Verdict.STRANGER if turn % 3 == 2 else sure,
        conformal_set=tuple(name for name, _ in order[: 1 if best > 0.9 else 3]),
        stranger_score=float(turn % 3),
    )


class FakeClassifier(Classifier):
    """Answers by script; its network is real, so that heat maps are."""

    def __init__(self, task: Task) -> None:
        config = make_config(task)
        model = build_model(config.backbone, config.head, config.num_outputs, config.preprocessing.image_size)
        super().__init__(Checkpoint(model.eval(), config, make_record(task), None, Path("fake")))
        self.fake_task: Task = task

    def predict(self, crops: Sequence[Image.Image], abstain_below: float | None = None) -> list[Prediction]:
        threshold = THRESHOLD if abstain_below is None else abstain_below
        return [make_prediction(self.fake_task, turn, threshold) for turn in range(len(crops))]


class FakeDetector(FaceDetector):
    """Finds as many faces as the picture is higher than 100 pixels, in hundreds; scores fall from 0.9."""

    def __init__(self) -> None:
        """Has no network."""
        self.config = DetectorConfig(channels=8, input_size=64, threshold=0.5, nms_iou=0.5)

    def detect(self, image: Image.Image, threshold: float | None = None) -> list[Face]:
        width, count = image.width, max(0, image.height // 100 - 1)
        step = width / max(count, 1)
        faces = [Face((step * n, 10.0, step * (n + 0.9), 90.0), 0.9 - n / 10) for n in range(count)]
        return [face for face in faces if face.score >= (0.5 if threshold is None else threshold)]


def make_shelf() -> ModelShelf:
    """A shelf whose built-in models are fakes; other sources load for real."""

    def load(task: Task, source: str) -> Classifier:
        return FakeClassifier(task) if source == "built-in" else Classifier.load(source)

    return ModelShelf(FakeDetector(), load)
