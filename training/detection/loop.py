"""The training loop of the face detector: rounds of composed samples, each labelling the crops for the next."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.utils import ModelEmaV3
from torch import nn

from anime_models.backbones import PACKAGED_BACKBONE, build_model, load_packaged_weights
from anime_models.detector_model import FaceNet
from training.detection.augmentations import degrade
from training.detection.composer import SampleComposer
from training.detection.data import DetectionData, Picture
from training.detection.loss import build_targets, detection_loss
from training.detection.pseudo_boxes import label_crops, to_tensor


@dataclass(frozen=True)
class Round:
    """One round of training: what it learns from besides the scenes, and how long, in epochs."""

    num_epochs: int
    learning_rate: float
    with_crops: bool
    with_drawn: bool


@dataclass(frozen=True)
class DetectorRecipe:
    """Hyper-parameters; sizes in pixels, the learning rate is the head's."""

    rounds: tuple[Round, ...] = (
        Round(7, 1e-3, with_crops=False, with_drawn=False),
        Round(9, 8e-4, with_crops=True, with_drawn=True),
        Round(5, 5e-4, with_crops=True, with_drawn=True),
    )
    epoch_samples: int = 1600
    sample_size: int = 256
    input_size: int = 320
    channels: int = 64
    batch_size: int = 8
    trunk_learning_rate_factor: float = 0.4
    weight_decay: float = 0.01
    ema_decay: float = 0.998
    warmup_steps: int = 100
    largest_gradient_norm: float = 10.0
    num_drawn_scenes: int = 200
    nms_iou: float = 0.4


def start_network(recipe: DetectorRecipe) -> FaceNet:
    """A detector whose trunk carries the packaged ImageNet weights and whose rest is random."""
    network = FaceNet(recipe.channels)
    classifier = build_model(PACKAGED_BACKBONE, "plain", 1, 224)
    load_packaged_weights(classifier, PACKAGED_BACKBONE)
    packaged = classifier.backbone.state_dict()
    trunk = {key: packaged[key] for key in network.state_dict() if key in packaged}
    network.load_state_dict({**network.state_dict(), **trunk})
    return network


def fit_detector(
    data: DetectionData,
    validate: Callable[[FaceNet], dict[str, float]],
    recipe: DetectorRecipe,
    seed: int,
    folder: Path,
) -> tuple[FaceNet, list[dict[str, float]]]:
    """Train all rounds and return the moving average of the weights, and a line of figures per epoch.

    `folder` receives `metrics.jsonl`, and until the end the state from which a killed run goes on.
    """
    torch.manual_seed(seed)
    network = start_network(recipe)
    epochs: list[dict[str, float]] = []
    for number, round_ in enumerate(recipe.rounds):
        crops = _labelled_crops(network, data, round_, folder / f"pseudo-boxes-{number}.npz")
        scenes = [*data.scenes, *data.drawn] if round_.with_drawn else data.scenes
        composer = SampleComposer(scenes, crops, data.negatives, recipe.sample_size)
        trainer = _RoundTrainer(network, composer, recipe, round_)
        state = folder / f"round-{number}.pt"
        done = trainer.restore(state) if state.is_file() else []
        for epoch in range(len(done), round_.num_epochs):
            started = time.perf_counter()
            losses = trainer.run_epoch(np.random.default_rng([seed, number, epoch]))
            seconds = time.perf_counter() - started
            line = {"round": number, "epoch": epoch, **losses, "seconds": seconds, **validate(trainer.average)}
            done.append(line)
            trainer.save(state, done)
            print(" ".join(f"{name}={value:.4g}" for name, value in line.items()), flush=True)
        network = trainer.average
        epochs += done
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in epochs), "utf-8")
    return network, epochs


def trained_parameters(network: FaceNet) -> dict[str, nn.Parameter]:
    """All but those of the early stages."""
    early = ("conv_stem.", "bn1.", "blocks.0.", "blocks.1.")
    return {name: tensor for name, tensor in network.named_parameters() if not name.startswith(early)}


class _RoundTrainer:
    """One round's network, moving average, optimiser and schedule."""

    def __init__(self, start: FaceNet, composer: SampleComposer, recipe: DetectorRecipe, round_: Round) -> None:
        self.network = FaceNet(recipe.channels)
        self.network.load_state_dict(start.state_dict())
        self.network.to(memory_format=torch.channels_last)
        self.composer, self.recipe = composer, recipe
        self.ema = ModelEmaV3(self.network, decay=recipe.ema_decay, use_warmup=True, warmup_power=1.0)
        trained = trained_parameters(self.network)
        self.trained = list(trained.values())
        trunk = [tensor for name, tensor in trained.items() if name.startswith("blocks.")]
        head = [tensor for name, tensor in trained.items() if not name.startswith("blocks.")]
        trunk_rate = round_.learning_rate * recipe.trunk_learning_rate_factor
        groups: list[dict[str, Any]] = [{"params": trunk, "lr": trunk_rate}, {"params": head}]
        self.optimizer = torch.optim.AdamW(groups, lr=round_.learning_rate, weight_decay=recipe.weight_decay)
        self.steps_per_epoch = max(1, recipe.epoch_samples // recipe.batch_size)
        num_steps = self.steps_per_epoch * round_.num_epochs
        factor = _warmup_cosine(recipe.warmup_steps, num_steps)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, factor)
        self.num_updates = 0

    @property
    def average(self) -> FaceNet:
        network = self.ema.module
        assert isinstance(network, FaceNet)
        return network

    def run_epoch(self, rng: np.random.Generator) -> dict[str, float]:
        """Train for one epoch; mean losses."""
        self.network.train()
        totals = np.zeros(2)
        for _ in range(self.steps_per_epoch):
            samples = [self.composer.compose(rng) for _ in range(self.recipe.batch_size)]
            images = [Picture(degrade(sample.image, sample.boxes, rng), sample.boxes) for sample in samples]
            targets = build_targets([sample.boxes for sample in samples], self.recipe.sample_size)
            # The early stages hold most of the pixels and stay as they are; bfloat16 halves their time.
            with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
                features = self.network.early_features(to_tensor(images))
            heat_loss, box_loss = detection_loss(*self.network.answer(features.float()), targets)
            self.optimizer.zero_grad(set_to_none=True)
            (heat_loss + box_loss).backward()
            nn.utils.clip_grad_norm_(self.trained, self.recipe.largest_gradient_norm)
            self.optimizer.step()
            self.schedule.step()
            self.num_updates += 1
            self.ema.update(self.network, step=self.num_updates)
            totals += [heat_loss.item(), box_loss.item()]
        heat, box = totals / self.steps_per_epoch
        return {"train/heat_loss": float(heat), "train/box_loss": float(box)}

    def _parts(self) -> dict[str, torch.nn.Module | torch.optim.Optimizer | torch.optim.lr_scheduler.LRScheduler]:
        return {"network": self.network, "ema": self.ema.module, "optimizer": self.optimizer, "schedule": self.schedule}

    def save(self, path: Path, epochs: Sequence[dict[str, float]]) -> None:
        """Write the state atomically."""
        state = {name: part.state_dict() for name, part in self._parts().items()}
        temporary = path.with_suffix(".tmp")
        torch.save({**state, "num_updates": self.num_updates, "epochs": list(epochs)}, temporary)
        temporary.replace(path)

    def restore(self, path: Path) -> list[dict[str, float]]:
        """Go on from a saved state; the epochs that were done."""
        state = torch.load(path, weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.num_updates = state["num_updates"]
        epochs: list[dict[str, float]] = state["epochs"]
        return epochs


def _warmup_cosine(warmup: int, num_steps: int) -> Callable[[int], float]:
    def factor(step: int) -> float:
        return min(1.0, (step + 1) / warmup) * (0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, step / num_steps))))

    return factor


def _labelled_crops(network: FaceNet, data: DetectionData, round_: Round, path: Path) -> list[Picture]:
    """The crops with boxes by the network as the round before left it, remembered in `path`."""
    if not round_.with_crops or not data.crops:
        return []
    if not path.is_file():
        found = label_crops(network, data.crops)
        rows = np.array([row for row, box in enumerate(found) if box is not None], np.int64)
        boxes = np.array([box for box in found if box is not None], np.float32).reshape(-1, 4)
        temporary = path.with_suffix(".tmp.npz")
        np.savez(temporary, rows=rows, boxes=boxes)
        temporary.replace(path)
    with np.load(path) as saved:
        return [
            Picture(data.crops[row].image, box[None], data.crops[row].kind, data.crops[row].source)
            for row, box in zip(saved["rows"], saved["boxes"], strict=True)
        ]
