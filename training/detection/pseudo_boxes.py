"""Boxes for face crops that have none, by an earlier round of the detector (self-training).

A crop shows one face near its middle. Each crop is shown twice, filling the input and smaller and mirrored; a box is
believed where both answers agree with one another and with that.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import ImageOps

from anime_models.detector_model import FaceNet, decode, fold_batch_norm
from anime_models.faces import non_maximum_suppression, pairwise_iou
from training.detection.data import Picture, letterbox

_VIEW_SIZE = 192
_SMALL_VIEW_FACTOR = 0.7
_LEAST_SCORE = 0.15
_SURE_SCORE = 0.35
_LEAST_AGREEMENT = 0.6
_NMS_IOU = 0.4


def to_tensor(pictures: Sequence[Picture]) -> torch.Tensor:
    """Normalised images [N, 3, H, W] of pictures of one size."""
    pixels = torch.from_numpy(np.stack([np.asarray(picture.image) for picture in pictures])).permute(0, 3, 1, 2)
    return pixels.to(torch.float32, memory_format=torch.channels_last).div_(127.5).sub_(1.0)


def label_crops(network: FaceNet, crops: Sequence[Picture], batch_size: int = 16) -> list[NDArray[np.float32] | None]:
    """A box [4] in pixels for each crop whose face is found surely, None for the others."""
    network = copy.deepcopy(network).eval()
    fold_batch_norm(network)
    labels: list[NDArray[np.float32] | None] = []
    for start in range(0, len(crops), batch_size):
        batch = crops[start : start + batch_size]
        full = [letterbox(crop, _VIEW_SIZE) for crop in batch]
        small = [_small_mirrored_view(crop) for crop in batch]
        with torch.inference_mode():
            maps = [network(to_tensor(views)) for views in (full, small)]
        for index, crop in enumerate(batch):
            found = [_best_box((scores[index : index + 1], edges[index : index + 1])) for scores, edges in maps]
            labels.append(_agreed_box(found, crop))
    return labels


def _small_mirrored_view(crop: Picture) -> Picture:
    size = round(_VIEW_SIZE * _SMALL_VIEW_FACTOR)
    small = letterbox(crop, size).image
    return Picture(
        ImageOps.expand(ImageOps.mirror(small), (0, 0, _VIEW_SIZE - size, _VIEW_SIZE - size), (127,) * 3), crop.boxes
    )


def _best_box(maps: tuple[torch.Tensor, torch.Tensor]) -> tuple[NDArray[np.float32], float] | None:
    boxes, scores = decode(maps, _LEAST_SCORE, 10)
    kept = non_maximum_suppression(boxes, scores, _NMS_IOU)
    return (boxes[kept[0]].numpy(), float(scores[kept[0]])) if kept else None


def _agreed_box(found: Sequence[tuple[NDArray[np.float32], float] | None], crop: Picture) -> NDArray[np.float32] | None:
    """The mean of both views' boxes in pixels of the crop, if they agree and lie as the face of a crop does."""
    full, small = found
    if full is None or small is None or max(full[1], small[1]) < _SURE_SCORE:
        return None
    longer = max(crop.image.size)
    scale = longer / _VIEW_SIZE
    x0, y0, x1, y1 = small[0] * scale / _SMALL_VIEW_FACTOR
    boxes = np.stack([full[0] * scale, [longer - x1, y0, longer - x0, y1]]).astype(np.float32)
    agreement = float(pairwise_iou(torch.from_numpy(boxes[:1]), torch.from_numpy(boxes[1:]))[0, 0])
    box: NDArray[np.float32] = boxes.mean(axis=0).clip(0, np.array(crop.image.size * 2))
    side = max(box[2] - box[0], box[3] - box[1]) / longer
    centre = np.array([box[0] + box[2], box[1] + box[3]]) / 2 / np.array(crop.image.size)
    central = bool((np.abs(centre - [0.5, 0.55]) < 0.22).all())
    return box if agreement >= _LEAST_AGREEMENT and central and 0.28 <= side <= 1.0 else None
