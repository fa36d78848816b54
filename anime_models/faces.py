"""Find the drawn faces in an illustration and cut square crops around them.

The detector ships with the package (`FaceDetector.load()`): a folder with `config.json` and `model.safetensors`, made
by `training.train_detector`. A face box reaches from mid-forehead to chin and from cheek to cheek; hair and ears are
outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from anime_models.checkpoints import WEIGHTS, load_weights, read_config
from anime_models.detector_model import TRUNK_MULTIPLE, FaceNet, decode, fold_batch_norm
from anime_models.errors import ConfigError

__all__ = ["EMBEDDED_DETECTOR", "DetectorConfig", "Face", "FaceDetector", "crop_face"]

EMBEDDED_DETECTOR = Path(__file__).parent / "embedded" / "detector"
_PADDING = 127
_MAX_FACES = 100

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Face:
    """One found face.

    Attributes:
        box: x0, y0, x1, y1 in pixels of the image, inside it.
        score: in [0, 1], higher is surer. Not a calibrated probability.
    """

    box: Box
    score: float


class DetectorConfig(BaseModel):
    """All that inference needs besides the weights; unknown and missing keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format_version: Literal[1] = 1
    task: Literal["detection"] = "detection"
    backbone: Literal["efficientnet_lite0"] = "efficientnet_lite0"
    channels: int = Field(ge=8, le=512)
    input_size: int = Field(ge=64, le=2048, multiple_of=TRUNK_MULTIPLE)
    threshold: float = Field(gt=0, lt=1)
    nms_iou: float = Field(gt=0, le=1)


class FaceDetector:
    """Finds drawn faces. Build it with `load`.

    Attributes:
        config: the settings that came with the weights.
        network: in eval mode, its batch norms folded.
    """

    def __init__(self, network: FaceNet, config: DetectorConfig) -> None:
        self.config = config
        fold_batch_norm(network.eval())
        self.network = network.to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, folder: Path | None = None) -> FaceDetector:
        """Load a detector folder; None means the one that ships with the package.

        Raises:
            CheckpointError: when a file is missing or damaged, or a key is missing, unexpected or does not fit.
        """
        folder = EMBEDDED_DETECTOR if folder is None else Path(folder)
        config = read_config(folder, DetectorConfig)
        network = FaceNet(config.channels)
        load_weights(network, folder / WEIGHTS)
        return cls(network, config)

    def to(self, device: str) -> FaceDetector:
        """Move the network to a device, such as ``cuda``, where it detects from then on; returns the detector."""
        self.network.to(device)
        return self

    @torch.inference_mode()
    def detect(self, image: Image.Image, threshold: float | None = None) -> list[Face]:
        """Find the faces of an RGB picture, best score first; none is an answer.

        Args:
            image: the picture, of any size.
            threshold: least score of a face, in [0, 1]; None takes the one chosen on validation data.

        Raises:
            ConfigError: when the threshold lies outside [0, 1].
        """
        threshold = self.config.threshold if threshold is None else threshold
        if not 0 <= threshold <= 1:
            raise ConfigError(f"The detection threshold is {threshold}; give a number from 0 to 1.")
        pixels, scale = _letterbox(image.convert("RGB"), self.config.input_size)
        device = next(self.network.parameters()).device
        boxes, scores = (part.cpu() for part in decode(self.network(pixels.to(device)), threshold, _MAX_FACES))
        kept = non_maximum_suppression(boxes, scores, self.config.nms_iou)
        width, height = image.size
        limits = torch.tensor([width, height, width, height], dtype=torch.float32)
        boxes = torch.minimum((boxes[kept] / scale).clamp(min=0), limits)
        faces = [
            Face((x0, y0, x1, y1), score)
            for (x0, y0, x1, y1), score in zip(boxes.tolist(), scores[kept].tolist(), strict=True)
        ]
        return [face for face in faces if face.box[2] > face.box[0] and face.box[3] > face.box[1]]


def non_maximum_suppression(boxes: Tensor, scores: Tensor, iou: float) -> list[int]:
    """Indices of the boxes [K, 4] to keep, best first: each that overlaps no better kept one by more than `iou`."""
    order = scores.argsort(descending=True).tolist()
    overlaps = pairwise_iou(boxes, boxes).tolist()
    kept: list[int] = []
    for index in order:
        if all(overlaps[index][better] <= iou for better in kept):
            kept.append(index)
    return kept


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of every box [N, 4] with every box [M, 4], [N, M]; 0 where both are empty."""
    low = torch.maximum(first[:, None, :2], second[None, :, :2])
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - overlap
    return overlap / union.clamp(min=1e-9)


def crop_face(image: Image.Image, box: Box, margin: float = 0.25) -> Image.Image:
    """Cut a square around a face.

    The side is the longer side of the box times `1 + 2 * margin`. The square is shifted to lie inside the picture; one
    larger than the picture is centred on it along that axis and filled with the picture's edge pixels.

    Args:
        image: the picture, RGB.
        box: x0, y0, x1, y1 in pixels.
        margin: what to add on each side, as a fraction of the box's longer side; not negative.

    Raises:
        ConfigError: when the margin is negative or the box is empty.
    """
    x0, y0, x1, y1 = box
    if margin < 0 or not (x1 > x0 and y1 > y0):
        raise ConfigError(
            f"Cannot cut box {box} with margin {margin}: the box must have an area, the margin must not be negative."
        )
    side = max(1, round(max(x1 - x0, y1 - y0) * (1 + 2 * margin)))
    left = _place_side((x0 + x1) / 2, side, image.width)
    top = _place_side((y0 + y1) / 2, side, image.height)
    inside = (max(left, 0), max(top, 0), min(left + side, image.width), min(top + side, image.height))
    crop = image.crop(inside)
    if crop.size == (side, side):
        return crop
    before, after = (inside[1] - top, inside[0] - left), (top + side - inside[3], left + side - inside[2])
    padding = ((before[0], after[0]), (before[1], after[1]), (0, 0))
    return Image.fromarray(np.pad(np.asarray(crop), padding, mode="edge"))


def _place_side(centre: float, side: int, extent: int) -> int:
    """Where a stretch of `side` pixels around `centre` begins when it is moved inside [0, extent], or centred on it."""
    if side >= extent:
        return (extent - side) // 2
    return min(max(round(centre - side / 2), 0), extent - side)


def _letterbox(image: Image.Image, input_size: int) -> tuple[Tensor, float]:
    """Scale the longer side to `input_size`, pad right and bottom; normalised [1, 3, H, W], and the scale."""
    scale = input_size / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pad = (-width % TRUNK_MULTIPLE, -height % TRUNK_MULTIPLE)
    padded = ImageOps.expand(small, (0, 0, *pad), fill=(_PADDING,) * 3)
    pixels = torch.from_numpy(np.array(padded)).permute(2, 0, 1)[None]
    return pixels.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1.0), scale
