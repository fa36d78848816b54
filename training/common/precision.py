"""bf16 where it is faster: measured on the model, the input size and the machine at hand."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from anime_models.backbones import FaceModel

PRECISIONS = ("auto", "fp32", "bf16")
BATCH_SIZE, NUM_STEPS = 8, 3
WORTHWHILE = 1.1  # bf16 rounds, so it has to be this much faster


def faster_precision(step: Callable[[bool], None]) -> str:
    """``bf16`` when ``step(True)``, one step of training under autocast, is clearly faster than ``step(False)``."""
    seconds = {precision: _least_seconds(step, precision == "bf16") for precision in ("fp32", "bf16")}
    return "bf16" if seconds["fp32"] > WORTHWHILE * seconds["bf16"] else "fp32"


def fastest_precision(model: FaceModel, image_size: int, device: torch.device) -> str:
    """``bf16`` when forward and backward passes under autocast are clearly faster than in ``fp32``.

    Frozen parts, whose parameters need no gradient, have no backward pass where nothing below them is trained.
    The model's weights are as before afterwards; BatchNorm statistics are put back as well.
    """
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.train()
    images = torch.zeros(BATCH_SIZE, 3, image_size, image_size, device=device)
    images = images.to(memory_format=torch.channels_last)

    def step(autocast: bool) -> None:
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=autocast):
            loss = model(images).float().sum()
        loss.backward()
        loss.item()  # waits for an accelerator
        model.zero_grad(set_to_none=True)

    precision = faster_precision(step)
    model.load_state_dict(state)
    return precision


def _least_seconds(step: Callable[[bool], None], autocast: bool) -> float:
    durations = []
    for _ in range(NUM_STEPS):
        started = time.perf_counter()
        step(autocast)
        durations.append(time.perf_counter() - started)
    return min(durations)
