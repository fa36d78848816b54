"""Small real checkpoints, and the parts that they are made of."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from anime_models.backbones import FaceModel, build_model
from anime_models.calibration import Abstention, Calibration, Conformal
from anime_models.checkpoints import CheckpointConfig, save_checkpoint
from anime_models.preprocessing import Preprocessing, eval_input
from anime_models.records import DatasetPart, ModelPart, RunRecord
from anime_models.strangers import StrangerRule

LABELS = ("Angry", "Happy", "Sad")
CALIBRATION = Calibration(
    temperature=1.5,
    conformal=Conformal(alpha=0.1, threshold=0.8),
    abstention=Abstention(selective_risk=0.05, threshold=0.4),
    fitted_on="validation",
    num_images=60,
)
ENERGY_RULE = StrangerRule(
    method="energy", threshold=100.0, known_rate=0.05, fitted_on="validation", num_known=60, num_strangers=20
)


def make_config(**changes: Any) -> CheckpointConfig:
    """A config of a three-class mobilenet_v2 at 64 px, with whatever is to be otherwise."""
    fields: dict[str, Any] = {
        "task": "emotion",
        "backbone": "mobilenet_v2",
        "head": "plain",
        "label_names": LABELS,
        "preprocessing": Preprocessing(image_size=64, resize=64),
        "calibration": CALIBRATION,
        "strangers": ENERGY_RULE,
        "start_weights": "random",
    }
    return CheckpointConfig(**{**fields, **changes})


def make_record(**changes: Any) -> RunRecord:
    """The shortest record of a finished run, with whatever is to be otherwise."""
    fields: dict[str, Any] = {
        "run_id": "20260101T000000Z-emotion-mobilenet_v2-full-s42",
        "kind": "measured",
        "status": "finished",
        "task": "emotion",
        "model": ModelPart(backbone="mobilenet_v2", head="plain"),
        "dataset": DatasetPart(id="drawn"),
    }
    return RunRecord(**{**fields, **changes})


def write_checkpoint(folder: Path, class_means: np.ndarray | None = None, seed: int = 0, **changes: Any) -> Path:
    """Write a checkpoint of random, but seeded weights; `changes` go to its config."""
    config = make_config(**changes)
    torch.manual_seed(seed)
    model = build_model(config.backbone, config.head, config.num_outputs, config.preprocessing.image_size)
    _spread(model.eval(), config.preprocessing)
    save_checkpoint(folder, model, config, make_record(), "# A card\n", class_means)
    return folder


@torch.no_grad()
def _spread(model: FaceModel, preprocessing: Preprocessing) -> None:
    """Scale the last layer so that pictures differ in their answers, as they do not with an untrained backbone."""
    logits = model(eval_input([noise(seed) for seed in range(16)], preprocessing))
    last = [module for module in model.head.modules() if isinstance(module, nn.Linear)][-1]
    scale = 2 / logits.std(dim=0)
    last.weight.mul_(scale[:, None])
    last.bias.copy_((last.bias - logits.mean(dim=0)) * scale)


def noise(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """A picture of smooth random colours, as different from one another as photographs are."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC)
