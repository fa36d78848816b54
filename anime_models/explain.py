"""Where the model looked: Grad-CAM heat maps."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from anime_models.classifier import Classifier
from anime_models.errors import ConfigError

# Control points of the overlay's colours (R, G, B), from little to much: dark violet, magenta, orange, light yellow.
HEAT_COLOURS = np.array([[13, 8, 135], [156, 23, 158], [237, 121, 83], [240, 249, 33]], dtype=float)


def heat_map(classifier: Classifier, crop: Image.Image, label: str | None = None) -> np.ndarray:
    """Grad-CAM (Selvaraju et al., 2017) of one class on an RGB face crop.

    Args:
        classifier: its backbone gives a map ``[1, F, h, w]``, or ViT tokens ``[1, 1 + n, F]``.
        crop: the face; the map covers the square that the model sees of it.
        label: class to explain; the most probable one if None.

    Returns:
        float32 ``[H, W]`` in [0, 1] at the crop's size; all zero where nothing speaks for the class.
    """
    names = classifier.label_names
    if label is not None and label not in names:
        raise ConfigError(f"The model has no class {label!r}. Choose one of: {', '.join(names)}.")
    model = classifier.model
    with torch.enable_grad():
        activations = model.backbone.forward_features(classifier.input([crop])).detach().requires_grad_()
        logits = model.head(model.backbone.forward_head(activations))[0, : len(names)]
        target = logits.argmax() if label is None else torch.tensor(names.index(label))
        (gradients,) = torch.autograd.grad(logits[target], activations)
    maps, slopes = _as_map(activations.detach()), _as_map(gradients)
    heat = functional.relu((slopes.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True))
    heat = functional.interpolate(heat, size=(crop.height, crop.width), mode="bicubic", align_corners=False)[0, 0]
    heat = heat.clamp(min=0)
    return (heat / heat.max().clamp(min=1e-12)).float().numpy()


def overlay(crop: Image.Image, heat: np.ndarray) -> Image.Image:
    """Lay a heat map, float ``[H, W]`` in [0, 1], over an RGB crop of that size."""
    position = np.clip(heat, 0, 1) * (len(HEAT_COLOURS) - 1)
    channels = [np.interp(position, np.arange(len(HEAT_COLOURS)), HEAT_COLOURS[:, c]) for c in range(3)]
    colours = np.stack(channels, axis=-1)
    opacity = 0.25 + 0.45 * np.clip(heat, 0, 1)[..., None]
    mixed = np.asarray(crop, dtype=float) * (1 - opacity) + colours * opacity
    return Image.fromarray(mixed.round().astype(np.uint8))


def _as_map(features: Tensor) -> Tensor:
    """Features as a map ``[N, F, h, w]``: a convolutional map stays, ViT patch tokens are laid out on their square."""
    if features.ndim == 4:
        return features
    patches = features[:, 1:]
    side = round(patches.shape[1] ** 0.5)
    return patches.transpose(1, 2).reshape(features.shape[0], features.shape[2], side, side)
