"""The DCGAN family (Radford et al., 2016): a generator and a discriminator for faces of 64, 128 or 256 px.

The papers' networks are transposed convolutions with BatchNorm on both sides. The same classes hold what later work
found better: upsampling followed by a convolution (Odena et al., 2016), spectral normalisation (Miyato et al., 2018)
and a minibatch standard deviation (Karras et al., 2018).
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

IMAGE_SIZES = (64, 128, 256)
Upsampling = Literal["transposed", "nearest"]
Normalisation = Literal["batch", "spectral", "none"]
SLOPE = 0.2  # of the leaky ReLUs
MAX_MULTIPLE = 8  # of `width`: channels at the smallest feature maps, 4 x 4


class GeneratorSpec(BaseModel):
    """What a generator is built from.

    Attributes:
        image_size: side of its pictures in pixels.
        latent_size: length of z.
        width: channels of the last feature maps; the first have eight times as many.
        upsampling: ``transposed`` convolutions of 4 x 4, or ``nearest`` neighbours and a convolution of 3 x 3.
        residual: residual blocks that follow each layer that makes larger feature maps (He et al., 2016); 0 for none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_size: Literal[64, 128, 256] = 64
    latent_size: int = Field(default=128, ge=1, le=1024)
    width: int = Field(default=64, ge=1, le=256)
    upsampling: Upsampling = "transposed"
    residual: int = Field(default=0, ge=0, le=8)


class DiscriminatorSpec(BaseModel):
    """What a discriminator is built from.

    Attributes:
        image_size: side of the pictures in pixels.
        width: channels of the first feature maps; the last have eight times as many.
        normalisation: ``batch`` (BatchNorm but in the first and last layer), ``spectral`` (of every layer), or
            ``none``, for training with a gradient penalty (Mescheder et al., 2018).
        minibatch_deviation: whether the last layer sees how much the pictures of a batch differ.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image_size: Literal[64, 128, 256] = 64
    width: int = Field(default=64, ge=1, le=256)
    normalisation: Normalisation = "batch"
    minibatch_deviation: bool = False


class Generator(nn.Module):
    """Latents ``[N, latent_size]`` to pictures ``[N, 3, S, S]`` in [-1, 1].

    ``first`` is the layer on the latents; its weight is ``[latent_size, C, 4, 4]``. Residual blocks start as the
    identity, so a generator that is given them goes on drawing what it drew. ``residuals`` has the first block of every
    size of feature maps, then the second of every size, and so on: more of them do not move those before.
    """

    def __init__(self, spec: GeneratorSpec) -> None:
        super().__init__()
        self.spec = spec
        widths = [spec.width * multiple for multiple in reversed(_multiples(spec.image_size))]
        self.first = nn.ConvTranspose2d(spec.latent_size, widths[0], 4, bias=False)
        self.first_norm = nn.Sequential(nn.BatchNorm2d(widths[0]), nn.ReLU())
        blocks = [_up_block(before, after, spec.upsampling) for before, after in itertools.pairwise(widths)]
        self.blocks = nn.Sequential(*blocks)
        self.residuals = nn.ModuleList(_Residual(width) for width in widths[1:] * spec.residual)
        self.last = _up_layer(widths[-1], 3, spec.upsampling, bias=True)
        self.apply(_initialise)
        self.apply(_silence)

    def forward(self, latents: Tensor) -> Tensor:
        """Pictures of latents ``[N, latent_size]``."""
        features = self.first_norm(self.first(latents[:, :, None, None]))
        for size, block in enumerate(self.blocks):
            features = block(features)
            for residual in self.residuals[size :: len(self.blocks)]:
                features = residual(features)
        pictures: Tensor = self.last(features)
        return torch.tanh(pictures)


class Discriminator(nn.Module):
    """Pictures ``[N, 3, S, S]`` in [-1, 1] to logits ``[N]``, higher for what looks real."""

    def __init__(self, spec: DiscriminatorSpec) -> None:
        super().__init__()
        self.spec = spec
        widths = [spec.width * multiple for multiple in _multiples(spec.image_size)]
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 4, 2, 1), nn.LeakyReLU(SLOPE)]
        for before, after in itertools.pairwise(widths):
            layers += _down_block(before, after, spec.normalisation)
        self.features = nn.Sequential(*layers)
        self.last = nn.Conv2d(widths[-1] + spec.minibatch_deviation, 1, 4)
        self.apply(_keep_variance if spec.normalisation == "none" else _initialise)
        if spec.normalisation == "spectral":
            for module in list(self.modules()):
                if isinstance(module, nn.Conv2d):
                    spectral_norm(module)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits of pictures."""
        features = self.features(pictures)
        if self.spec.minibatch_deviation:
            features = torch.cat([features, _deviation(features)], dim=1)
        logits: Tensor = self.last(features)
        return logits.flatten()


def _multiples(image_size: int) -> list[int]:
    """Multiples of the width from the largest feature maps (half of the picture) to those of 4 x 4."""
    return [min(2**level, MAX_MULTIPLE) for level in range(int(math.log2(image_size)) - 2)]


def _up_layer(before: int, after: int, upsampling: Upsampling, bias: bool) -> nn.Module:
    if upsampling == "transposed":
        return nn.ConvTranspose2d(before, after, 4, 2, 1, bias=bias)
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(before, after, 3, padding=1, bias=bias))


def _up_block(before: int, after: int, upsampling: Upsampling) -> nn.Module:
    return nn.Sequential(_up_layer(before, after, upsampling, bias=False), nn.BatchNorm2d(after), nn.ReLU())


class _Residual(nn.Module):
    """Two convolutions of 3 x 3 whose outcome is added to their input ``[N, width, H, W]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
        )
        self.last_norm = nn.BatchNorm2d(width)

    def forward(self, features: Tensor) -> Tensor:
        outcome: Tensor = features + self.last_norm(self.layers(features))
        return outcome


def _silence(module: nn.Module) -> None:
    """A residual block that adds nothing yet (Goyal et al., 2017: the last norm's gain starts at zero)."""
    if isinstance(module, _Residual):
        nn.init.zeros_(module.last_norm.weight)


def _down_block(before: int, after: int, normalisation: Normalisation) -> list[nn.Module]:
    if normalisation == "batch":
        return [nn.Conv2d(before, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after), nn.LeakyReLU(SLOPE)]
    return [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(SLOPE)]


def _deviation(features: Tensor) -> Tensor:
    """Mean standard deviation over the batch as one more map ``[N, 1, H, W]``."""
    deviation = features.float().var(dim=0, unbiased=False).add(1e-8).sqrt().mean()
    return deviation.to(features.dtype).expand(len(features), 1, *features.shape[2:])


def _initialise(module: nn.Module) -> None:
    """Weights of N(0, 0.02), as in the DCGAN paper."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def _keep_variance(module: nn.Module) -> None:
    """Weights that keep the variance from layer to layer (He et al., 2015), where no norm sees to it."""
    if isinstance(module, nn.Conv2d) and module.bias is not None:
        nn.init.kaiming_normal_(module.weight, SLOPE)
        nn.init.zeros_(module.bias)
