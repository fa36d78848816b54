"""Model card of the face detector: every figure in it comes from the record."""

from __future__ import annotations

from anime_models.faces import DetectorConfig
from anime_models.records import RunRecord
from training.common.cards import (
    FOLDER_PLACE,
    CardPlace,
    ModelKind,
    data_section,
    front_matter,
    interval_of,
    loading,
    use_section,
)

DETECTOR = ModelKind(
    pipeline_tag="object-detection",
    tags=("timm", "face-detection"),
    headlines={"f1_iou50": "f1", "precision_iou50": "precision", "recall_iou50": "recall"},
)
USE = "For finding faces in anime and manga illustrations, before something else looks at each."
MISUSE = "photographs, or for counting or following people."
_ROWS = (
    ("F1 at IoU 0.5", "test", "f1_iou50"),
    ("precision at IoU 0.5", "test", "precision_iou50"),
    ("recall at IoU 0.5", "test", "recall_iou50"),
    ("average precision at IoU 0.5", "test", "ap_iou50"),
    ("F1 at IoU 0.3", "test", "f1_iou30"),
    ("F1 at IoU 0.5, composed scenes", "validation", "f1_iou50"),
    ("false faces per face-free picture", "negatives", "false_faces_per_picture"),
)


def detector_card(config: DetectorConfig, record: RunRecord, place: CardPlace = FOLDER_PLACE) -> str:
    """`README.md` of a detector folder."""
    return f"""{front_matter(DETECTOR, record, place)}
# Face detector for drawn pictures

Finds faces in anime and manga illustrations. A box reaches from mid-forehead to chin and from cheek to cheek.
`{config.backbone}` trunk cut before its last stage, a three-level feature pyramid of {config.channels} channels and a
centre-point head at stride 8; the picture's longer side is scaled to {config.input_size} px. Scores of at least
{config.threshold} count as faces, a threshold chosen on validation data.

{_joined(loading(_loading_lines(place)))}
{_joined(use_section(USE, MISUSE))}
## Results

| figure | value | 95% interval |
|---|---:|---|
{_table(record)}
{_latency(record)}
## Calibration

Scores are no calibrated probabilities: they rank boxes. Only the threshold was chosen, on validation data.

{_joined(data_section(record, place))}
## Limits

Test pictures are real illustrations, mostly with one large face; training saw composed scenes, face crops that earlier
rounds of the detector boxed, and procedural faces. The test is narrow: five characters make up two thirds of it.

Weak on faces under dark shadow or blindfolds (hand, hair, mask over both eyes), on very wide grins close up, dark
paintings, faces tilted far, strict profiles and faces smaller than about 8% of the picture's longer side; small round
things may pass for faces.
"""


def _loading_lines(place: CardPlace) -> list[str]:
    return [
        "from anime_models import faces, hub",
        f'detector = faces.FaceDetector.load(hub.local_folder("{place.name}"))',
        "print(detector.detect(image))  # image: RGB, as anime_models.images.load_image gives it",
    ]


def _joined(lines: list[str]) -> str:
    return "\n".join(lines)


def _table(record: RunRecord) -> str:
    return "\n".join(
        f"| {name} | {result.value:.3f} | {interval_of(result)} |"
        for name, split, metric in _ROWS
        for result in record.results
        if (result.split, result.metric) == (split, metric)
    )


def _latency(record: RunRecord) -> str:
    if record.timing is None or record.timing.inference_ms is None or record.environment is None:
        return ""
    milliseconds, threads = record.timing.inference_ms, record.environment.threads
    return (
        f"\nA 640 px picture takes {milliseconds['p50']:.1f} ms (p50; p95 {milliseconds['p95']:.1f} ms) on "
        f"{record.environment.device} with {threads} {'thread' if threads == 1 else 'threads'}.\n"
    )
