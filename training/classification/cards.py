"""Model cards: front matter for the Hub, and in words what the model is, how good and where it fails."""

from __future__ import annotations

import yaml

from anime_models.checkpoints import CheckpointConfig
from anime_models.records import RunRecord

DATA_NOTE = (
    "Trained and measured on drawn faces from fan art, games and animation, which are not redistributable and not part "
    "of this repository. The characters belong to their artists, studios and publishers."
)


def model_card(config: CheckpointConfig, record: RunRecord) -> str:
    """``README.md`` of a checkpoint folder: every figure in it comes from the record."""
    return "\n".join([_front_matter(config, record), *_body(config, record), ""])


def _front_matter(config: CheckpointConfig, record: RunRecord) -> str:
    headline = {metric: record.value(metric) for metric in ("accuracy", "macro_f1")}
    metrics = [{"type": name, "value": round(value, 4)} for name, value in headline.items() if value is not None]
    fields = {
        "license": "apache-2.0",
        "library_name": "timm",
        "pipeline_tag": "image-classification",
        "tags": ["anime", "manga", config.task, "safetensors"],
        "model-index": [
            {
                "name": f"{config.task}-{config.backbone}",
                "results": [
                    {
                        "task": {"type": "image-classification"},
                        "dataset": {"name": record.dataset.id, "type": record.dataset.id, "split": "test"},
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---\n"


def _body(config: CheckpointConfig, record: RunRecord) -> list[str]:
    counts = ", ".join(f"{count} {split}" for split, count in record.dataset.num_images.items())
    return [
        f"# {config.task.capitalize()} classifier for drawn faces",
        "",
        f"`{config.backbone}` with the {config.head} head, {config.preprocessing.image_size} px, "
        f"from `{config.start_weights}` weights. Classes: {', '.join(config.label_names)}.",
        "",
        DATA_NOTE,
        "",
        f"Data set `{record.dataset.id}` ({record.dataset.revision}): {counts} pictures.",
        "",
        "| test figure | value | 95% interval |",
        "|---|---:|---|",
        *_figures(record),
        "",
        *_limits(config, record),
    ]


def _figures(record: RunRecord) -> list[str]:
    rows = []
    for result in record.results:
        if result.split == "test" and result.class_name is None:
            interval = f"{result.ci95[0]:.3f} to {result.ci95[1]:.3f}" if result.ci95 else ""
            rows.append(f"| {result.metric} | {result.value:.4f} | {interval} |")
    if record.calibration is not None:
        before, after = record.calibration.before, record.calibration.after
        for name in ("ece", "adaptive_ece", "classwise_ece", "nll", "brier", "aurc"):
            rows.append(
                f"| {name} before / after temperature | {getattr(before, name):.4f} / {getattr(after, name):.4f} | |"
            )
    return rows


def _limits(config: CheckpointConfig, record: RunRecord) -> list[str]:
    lines = [
        "## Limits",
        "",
        "- Confidences are calibrated on faces like those of the data set; on other styles they hold less well.",
        _calibrated_on(config),
    ]
    at_threshold = record.value("strangers_recognised_at_threshold")
    if config.strangers is not None and at_threshold is not None:
        lines.append(
            f"- Faces that are none of the classes are told by `{config.strangers.method}`; on test "
            f"{at_threshold:.0%} of them are recognised, the others get a class that is wrong."
        )
    return lines


def _calibrated_on(config: CheckpointConfig) -> str:
    if config.calibration is None:
        return "- Not calibrated."
    pictures = {
        "validation": "validation pictures",
        "out_of_fold": "training pictures, each by a model of a fold that lacked the labels of its group",
    }[config.calibration.fitted_on]
    return f"- Temperature, label sets and thresholds were fitted on {config.calibration.num_images} {pictures}."
