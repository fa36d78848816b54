"""Model cards of distilled start weights."""

from __future__ import annotations

import yaml

from anime_models.checkpoints import CheckpointConfig
from anime_models.records import RunRecord
from training.classification.cards import DATA_NOTE


def embedding_card(config: CheckpointConfig, record: RunRecord) -> str:
    """``README.md`` of a checkpoint folder that holds a distilled backbone; every figure in it is the record's."""
    fields = {
        "license": "apache-2.0",
        "library_name": "timm",
        "pipeline_tag": "image-feature-extraction",
        "tags": ["anime", "manga", config.task, "distillation", "safetensors"],
    }
    lines = [
        f"# {config.backbone} for drawn faces, {config.start_weights}",
        "",
        f"Start weights for classifiers: `{config.backbone}` at {config.preprocessing.image_size} px, taught to give "
        f"the features of {record.recipe['teacher']} with its ImageNet weights, on "
        f"{record.dataset.num_images['train']} drawn faces without their labels. It names no classes.",
        "",
        "`python -m training.train_classifier --start THIS_FOLDER` trains a classifier from it.",
        "",
        DATA_NOTE,
        "",
        "| figure | split | value | 95% interval |",
        "|---|---|---:|---|",
    ]
    for result in record.results:
        interval = f"{result.ci95[0]:.3f} to {result.ci95[1]:.3f}" if result.ci95 else ""
        lines.append(f"| {result.metric} | {result.split} | {result.value:.4f} | {interval} |")
    lines += [
        "",
        "The loss is one minus the cosine to the teacher's standardised features, on faces held out. The linear probes "
        "tell characters apart by features that stay as they are: the student's, those of the same backbone before it "
        "was taught (`random_start`), and the teacher's.",
        "",
    ]
    return f"---\n{yaml.safe_dump(fields, sort_keys=False)}---\n" + "\n".join(lines)
