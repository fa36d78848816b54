"""Targets and losses of the face detector's two maps (TTFNet, Liu et al., 2020).

Quality focal loss: Li et al., 2020, "Generalized Focal Loss"; DIoU loss: Zheng et al., 2020.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from anime_models.detector_model import STRIDE, to_boxes

__all__ = ["DetectionTargets", "build_targets", "detection_loss"]

_PEAK_SHARE = 0.54
_LEAST_SIGMA = 0.45
_BOX_REGION = 0.35
_BOX_LOSS_WEIGHT = 5.0

DetectionTargets = tuple[Tensor, Tensor, Tensor]


def build_targets(boxes_per_image: Sequence[NDArray[np.float32]], size: int) -> DetectionTargets:
    """Targets of a batch of square samples with side `size`.

    Returns:
        Heat [N, 1, H, W] with a Gaussian peak of 1 per face, boxes [N, 4, H, W] in pixels for the cells near a face's
        centre, and those cells' weights [N, 1, H, W], which sum to 1 per face.
    """
    cells = size // STRIDE
    heat = np.zeros((len(boxes_per_image), 1, cells, cells), np.float32)
    box_map = np.zeros((len(boxes_per_image), 4, cells, cells), np.float32)
    weight = np.zeros_like(heat)
    grid = np.arange(cells)
    for index, boxes in enumerate(boxes_per_image):
        areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        for x0, y0, x1, y1 in boxes[np.argsort(-areas)]:  # a small face wins over the large one it lies on
            peaks = []
            for low, high in ((y0, y1), (x0, x1)):
                centre = min(int((low + high) / 2 / STRIDE), cells - 1)
                sigma = max(_PEAK_SHARE * (high - low) / STRIDE / 6 + 1 / 6, _LEAST_SIGMA)
                peaks.append(np.exp(-((grid - centre) ** 2) / (2 * sigma**2)))
            peak = np.outer(*peaks).astype(np.float32)
            np.maximum(heat[index, 0], peak, out=heat[index, 0])
            region = peak > _BOX_REGION
            box_map[index][:, region] = np.array([[x0], [y0], [x1], [y1]], np.float32)
            weight[index, 0][region] = peak[region] / peak[region].sum()
    return torch.from_numpy(heat), torch.from_numpy(box_map), torch.from_numpy(weight)


def detection_loss(score_logits: Tensor, distances: Tensor, targets: DetectionTargets) -> tuple[Tensor, Tensor]:
    """Heat loss and box loss of a batch, each averaged over its faces.

    Args:
        score_logits: [N, 1, H, W].
        distances: [N, 4, H, W] in input pixels.
        targets: of `build_targets`.
    """
    heat, box_map, weight = targets
    num_faces = (heat == 1).sum().clamp(min=1)
    heat_loss = _quality_focal_loss(score_logits, heat) / num_faces
    cells = weight[:, 0] > 0
    predicted = to_boxes(distances).permute(0, 2, 3, 1)[cells]
    wanted = box_map.permute(0, 2, 3, 1)[cells]
    box_loss = (_diou_loss(predicted, wanted) * weight[:, 0][cells]).sum() / num_faces
    return heat_loss, _BOX_LOSS_WEIGHT * box_loss


def _quality_focal_loss(logits: Tensor, heat: Tensor) -> Tensor:
    """Cross-entropy to the soft target, weighted by the squared error, summed.

    With only the exact centre as positive, as in CenterNet, large faces score low: their centre is known to a cell or
    two at best. The soft target asks for a hill as wide as that uncertainty.
    """
    error = (logits.sigmoid() - heat).square()
    return (error * functional.binary_cross_entropy_with_logits(logits, heat, reduction="none")).sum()


def _diou_loss(predicted: Tensor, wanted: Tensor) -> Tensor:
    low, high = torch.maximum(predicted[:, :2], wanted[:, :2]), torch.minimum(predicted[:, 2:], wanted[:, 2:])
    overlap = (high - low).clamp(min=0).prod(dim=1)
    area = (predicted[:, 2:] - predicted[:, :2]).prod(dim=1)
    union = area + (wanted[:, 2:] - wanted[:, :2]).prod(dim=1) - overlap
    hull = torch.maximum(predicted[:, 2:], wanted[:, 2:]) - torch.minimum(predicted[:, :2], wanted[:, :2])
    apart = ((predicted[:, :2] + predicted[:, 2:] - wanted[:, :2] - wanted[:, 2:]) / 2).square().sum(dim=1)
    return 1 - overlap / union.clamp(min=1e-6) + apart / hull.square().sum(dim=1).clamp(min=1e-6)
