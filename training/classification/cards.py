"""Model cards of classifiers: what the model is, how good, how far to trust it and where it fails."""

from __future__ import annotations

from anime_models.checkpoints import CheckpointConfig
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

CLASSIFIER = ModelKind(
    pipeline_tag="image-classification",
    tags=("timm", "face"),
    headlines={"accuracy": "accuracy", "macro_f1": "f1"},
)
USES = {
    "character": "naming the character on a drawn face, among those that it was trained on",
    "emotion": "reading what a drawn face expresses, as manga and anime draw strong emotions",
}
MISUSE = (
    "photographs of people, for deciding anything about a person, or for names and emotions outside the list above: "
    "what a drawing expresses is a matter of opinion, and the labels are those of one data set."
)
CALIBRATION_FIGURES = ("ece", "adaptive_ece", "classwise_ece", "nll", "brier", "aurc")


def model_card(config: CheckpointConfig, record: RunRecord, place: CardPlace = FOLDER_PLACE) -> str:
    """``README.md`` of a checkpoint folder: every figure in it comes from the record."""
    lines = [
        f"# {config.task.capitalize()} classifier for drawn faces",
        "",
        f"`{config.backbone}` with the {config.head} head, {config.preprocessing.image_size} px, "
        f"from `{config.start_weights}` weights. Classes: {', '.join(config.label_names)}.",
        "",
        *loading(
            [
                "from anime_models.classifier import Classifier",
                f'classifier = Classifier.load("{place.name}")',
                "print(classifier.predict([crop]))  # crop: a face, as an RGB Pillow image",
            ]
        ),
        *use_section(f"For {USES.get(config.task, 'sorting drawn faces into the classes above')}.", MISUSE),
        "## Results",
        "",
        "| test figure | value | 95% interval |",
        "|---|---:|---|",
        *_figures(record),
        "",
        *_calibration(config, record),
        *data_section(record, place),
        *_limits(config, record),
        "",
    ]
    return front_matter(CLASSIFIER, record, place) + "\n" + "\n".join(lines)


def _figures(record: RunRecord) -> list[str]:
    return [
        f"| {result.metric} | {result.value:.4f} | {interval_of(result)} |"
        for result in record.results
        if result.split == "test" and result.class_name is None
    ]


def _calibration(config: CheckpointConfig, record: RunRecord) -> list[str]:
    lines = ["## Calibration", "", _calibrated_on(config), ""]
    if record.calibration is None:
        return lines
    before, after = record.calibration.before, record.calibration.after
    rows = [f"| {name} | {getattr(before, name):.4f} | {getattr(after, name):.4f} |" for name in CALIBRATION_FIGURES]
    return [*lines, "| on test, lower is better | before temperature | after |", "|---|---:|---:|", *rows, ""]


def _calibrated_on(config: CheckpointConfig) -> str:
    if config.calibration is None:
        return "Not calibrated."
    pictures = {
        "validation": "validation pictures",
        "out_of_fold": "training pictures, each by a model of a fold that lacked the labels of its group",
    }[config.calibration.fitted_on]
    return (
        f"Temperature ({config.calibration.temperature:.3f}), label sets and thresholds were fitted on "
        f"{config.calibration.num_images} {pictures}."
    )


def _limits(config: CheckpointConfig, record: RunRecord) -> list[str]:
    lines = [
        "## Limits",
        "",
        "- Confidences are calibrated on faces like those of the data set; on other styles they hold less well.",
    ]
    at_threshold = record.value("strangers_recognised_at_threshold")
    if config.strangers is not None and at_threshold is not None:
        lines.append(
            f"- Faces that are none of the classes are told by `{config.strangers.method}`; on test "
            f"{at_threshold:.0%} of them are recognised, the others get a class that is wrong."
        )
    return lines
