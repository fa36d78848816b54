"""Model cards of distilled start weights."""

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

EMBEDDING = ModelKind(
    pipeline_tag="image-feature-extraction",
    tags=("timm", "distillation"),
    headlines={"distillation_loss": "distillation_loss"},
)
USE = "For starting classifiers of drawn faces where ImageNet weights cannot be had."
MISUSE = "naming anybody: it has no classes."


def embedding_card(config: CheckpointConfig, record: RunRecord, place: CardPlace = FOLDER_PLACE) -> str:
    """``README.md`` of a checkpoint folder that holds a distilled backbone; every figure in it is the record's."""
    lines = [
        f"# {config.backbone} for drawn faces, {config.start_weights}",
        "",
        f"Start weights for classifiers: `{config.backbone}` at {config.preprocessing.image_size} px, taught to give "
        f"the features of {record.recipe['teacher']} with its ImageNet weights, on "
        f"{record.dataset.num_images['train']} drawn faces without their labels. It names no classes.",
        "",
        f"`python -m training.train_classifier --start {place.name}` trains a classifier from it.",
        "",
        *loading(
            [
                "from anime_models import checkpoints, hub",
                f'checkpoint = checkpoints.load_checkpoint(hub.local_folder("{place.name}"))',
                "backbone = checkpoint.model.backbone",
            ]
        ),
        *use_section(USE, MISUSE),
        "## Results",
        "",
        "| figure | split | value | 95% interval |",
        "|---|---|---:|---|",
        *(f"| {r.metric} | {r.split} | {r.value:.4f} | {interval_of(r)} |" for r in record.results),
        "",
        "The loss is one minus the cosine to the teacher's standardised features, on faces held out. The linear probes "
        "tell characters apart by features that stay as they are: the student's, those of the same backbone before it "
        "was taught (`random_start`), and the teacher's.",
        "",
        *data_section(record, place),
    ]
    return front_matter(EMBEDDING, record, place) + "\n" + "\n".join(lines)
