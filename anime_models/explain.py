"""Where the model looked: heat maps of one class on one face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from timm.models import VisionTransformer
from torch import Tensor
from torch.nn import functional

from anime_models.backbones import FaceModel
from anime_models.classifier import Classifier
from anime_models.errors import ConfigError

# Control points of the overlay's colours (R, G, B), from little to much: dark violet, magenta, orange, light yellow.
HEAT_COLOURS = np.array([[13, 8, 135], [156, 23, 158], [237, 121, 83], [240, 249, 33]], dtype=float)


def heat_map(classifier: Classifier, crop: Image.Image, label: str | None = None) -> np.ndarray:
    """Where the model saw one class on an RGB face crop.

    A convolutional backbone is explained by HiResCAM (Draelos and Carin, 2020) of its last map, which is Grad-CAM
    (Selvaraju et al., 2017) wherever that map is averaged over positions, as it is in all of ours. On the tokens of a
    ViT both point at wrong places, since it matters there where zero lies; a token's heat is the length of its
    gradient times its own length, summed over the blocks.

    Args:
        classifier: the model to explain.
        crop: the face.
        label: class to explain; the most probable one if None.

    Returns:
        float32 ``[H, W]`` in [0, 1] at the crop's size; zero outside the square that the model sees of the crop, and
        everywhere when nothing speaks for the class.

    Raises:
        ConfigError: when the model has no such class.
    """
    names = classifier.label_names
    if label is not None and label not in names:
        raise ConfigError(f"The model has no class {label!r}. Choose one of: {', '.join(names)}.")

    def chosen(logits: Tensor) -> Tensor:
        known = logits[0, : len(names)]
        return known.max() if label is None else known[names.index(label)]

    explained_by = _token_heat if isinstance(classifier.model.backbone, VisionTransformer) else _convolutional_heat
    heat = explained_by(classifier.model, classifier.input([crop]), chosen)
    preprocessing = classifier.config.preprocessing
    seen = max(1, round(min(crop.size) * preprocessing.image_size / preprocessing.resize))
    heat = functional.interpolate(heat, size=(seen, seen), mode="bicubic", align_corners=False)[0, 0].clamp(min=0)
    whole = np.zeros((crop.height, crop.width), dtype=np.float32)
    top, left = round((crop.height - seen) / 2), round((crop.width - seen) / 2)
    whole[top : top + seen, left : left + seen] = (heat / heat.max().clamp(min=1e-12)).float().numpy()
    return whole


def overlay(crop: Image.Image, heat: np.ndarray) -> Image.Image:
    """Lay a heat map, float ``[H, W]`` in [0, 1], over an RGB crop of that size."""
    position = np.clip(heat, 0, 1) * (len(HEAT_COLOURS) - 1)
    channels = [np.interp(position, np.arange(len(HEAT_COLOURS)), HEAT_COLOURS[:, c]) for c in range(3)]
    colours = np.stack(channels, axis=-1)
    opacity = 0.25 + 0.45 * np.clip(heat, 0, 1)[..., None]
    mixed = np.asarray(crop, dtype=float) * (1 - opacity) + colours * opacity
    return Image.fromarray(mixed.round().astype(np.uint8))


def _convolutional_heat(model: FaceModel, images: Tensor, chosen: Callable[[Tensor], Tensor]) -> Tensor:
    """Heat ``[1, 1, h, w]`` of the cells of the last map, for the logit that ``chosen`` picks."""
    with torch.no_grad():
        cells = model.backbone.forward_features(images)
    with torch.enable_grad():
        logits = model.head(model.backbone.forward_head(cells.requires_grad_()))
        (gradients,) = torch.autograd.grad(chosen(logits), cells)
    return functional.relu((gradients * cells.detach()).sum(dim=1, keepdim=True))


def _token_heat(model: FaceModel, images: Tensor, chosen: Callable[[Tensor], Tensor]) -> Tensor:
    """Heat ``[1, 1, h, w]`` of the patches of a ViT: of their tokens between any two blocks, added up."""
    backbone = model.backbone
    with torch.no_grad():
        ((patches, prefix),) = backbone.forward_intermediates(
            images, indices=[0], return_prefix_tokens=True, stop_early=True, output_fmt="NLC", intermediates_only=True
        )
    with torch.enable_grad():
        tokens = [torch.cat([prefix, patches], dim=1).requires_grad_()]
        for block in backbone.blocks[1:-1]:
            tokens.append(block(tokens[-1]))
        last = backbone.norm(backbone.blocks[-1](tokens[-1]))
        gradients = torch.autograd.grad(chosen(model.head(backbone.forward_head(last))), tokens)
    lengths = [g.norm(dim=2) * t.detach().norm(dim=2) for g, t in zip(gradients, tokens, strict=True)]
    heat = torch.stack(lengths).sum(dim=0)[:, backbone.num_prefix_tokens :]
    return heat.reshape(1, 1, *backbone.patch_embed.grid_size)
