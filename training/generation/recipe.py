"""Named, frozen hyper-parameters of generators: the papers', and ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace

from anime_models.errors import ConfigError

LOSSES = ("bce", "hinge")
GAN_SCALES = ("full", "cpu", "smoke")
NING_LEARNING_RATES = (1e-4, 5e-4, 1e-3, 3e-3, 5e-3)


@dataclass(frozen=True)
class GanRecipe:
    """Everything that a generator's training depends on besides pictures and seed.

    Attributes:
        epochs: passes over the training pictures, at most.
        image_size: side of the pictures in pixels.
        latent_size: length of z, drawn from N(0, 1).
        shortest_latent: z is scaled by a factor drawn evenly from here to 1, so that the generator knows truncated
            latents too; 1 leaves it as it is.
        generator_width: channels of the generator's last feature maps.
        discriminator_width: channels of the discriminator's first feature maps.
        upsampling: ``transposed`` convolutions, or ``nearest`` neighbours and a convolution.
        residual: residual blocks at each size of the generator's feature maps from 8 x 8 on; 0 for none.
        normalisation: of the discriminator: ``batch``, ``spectral`` or ``none``.
        minibatch_deviation: whether the discriminator sees how much the pictures of a batch differ.
        loss: ``bce`` (with the generator's non-saturating form) or ``hinge`` (Lim and Ye, 2017).
        generator_lr: Adam's learning rate of the generator.
        discriminator_lr: Adam's learning rate of the discriminator; another one than the generator's is TTUR (Heusel et
            al., 2017).
        beta1: Adam's first decay; the second is ``beta2``.
        decay_share: share of the steps, at the end, over which both learning rates fall linearly to zero.
        r1: weight of the gradient penalty on real pictures (Mescheder et al., 2018), every ``r1_every`` steps; or 0.
        ema_decay: decay of the generator's moving average, which is what is measured and kept; 0 keeps the generator.
        augmentation: DiffAugment (Zhao et al., 2020) of what the discriminator sees: any of ``color``, ``translation``,
            ``cutout``.
        typical_share: share of the training pictures that training sees: those whose features are likeliest (instance
            selection; DeVries et al., 2020); 1 sees all.
        mirror: whether half of the training pictures are mirrored.
        measure_every: epochs between measurements of FID and KID.
        num_measured: generated pictures in one of these.
        patience: epochs without a lower FID after which training stops; 0 never stops.
        scale: which of ``GAN_SCALES`` widths and epochs are at.
    """

    name: str
    epochs: int
    image_size: int = 64
    latent_size: int = 128
    shortest_latent: float = 1.0
    batch_size: int = 128
    generator_width: int = 64
    discriminator_width: int = 64
    upsampling: str = "transposed"
    residual: int = 0
    normalisation: str = "batch"
    minibatch_deviation: bool = False
    loss: str = "bce"
    generator_lr: float = 2e-4
    discriminator_lr: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.999
    decay_share: float = 0.0
    r1: float = 0.0
    r1_every: int = 16
    ema_decay: float = 0.0
    augmentation: tuple[str, ...] = ()
    typical_share: float = 1.0
    mirror: bool = False
    measure_every: int = 1
    num_measured: int = 1000
    patience: int = 0
    scale: str = "full"


# Ning compares learning rates (NING_LEARNING_RATES) and calls the smallest and the large ones unstable.
NING = GanRecipe(name="ning", epochs=100, generator_lr=5e-4, discriminator_lr=5e-4)
# Chen asks for the best epoch by a measured criterion and for early stopping; every recipe here has the first.
CHEN = GanRecipe(name="chen", epochs=150, patience=30)
HU = GanRecipe(
    name="hu", epochs=150, image_size=256, batch_size=4, generator_lr=1e-4, discriminator_lr=2e-5, generator_width=32
)
# No BatchNorm in the discriminator, which spoils it, but a gradient penalty on real pictures (Mescheder et al., 2018)
# and the batch's deviation; small batches, Adam without momentum, a moving average of the generator, mirrored pictures,
# learning rates that fall to zero, and latents down to half their length, so that truncation keeps to what training has
# seen. What else was tried, and how it did, stands in training/README.md.
OURS = GanRecipe(
    name="ours",
    epochs=100,
    shortest_latent=0.5,
    batch_size=32,
    normalisation="none",
    minibatch_deviation=True,
    generator_lr=5e-4,
    discriminator_lr=5e-4,
    beta1=0.0,
    beta2=0.99,
    r1=0.1,
    r1_every=4,
    ema_decay=0.999,
    decay_share=0.5,
    mirror=True,
)
GAN_RECIPES = {recipe.name: recipe for recipe in (NING, CHEN, HU, OURS)}


def with_defaults(recorded: Mapping[str, object]) -> dict[str, object]:
    """A record's recipe with the fields that it lacks, which trainings of before they were had at their defaults."""
    defaults = {each.name: each.default for each in fields(GanRecipe) if each.default is not MISSING}
    as_stored = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    found = {**as_stored, **recorded}
    return {**found, "residual": int(found["residual"]) if isinstance(found["residual"], bool) else found["residual"]}


def gan_recipe(name: str) -> GanRecipe:
    """A recipe by name.

    Raises:
        ConfigError: when there is none.
    """
    if name not in GAN_RECIPES:
        raise ConfigError(f"There is no recipe {name!r} for generators. Choose one of: {', '.join(GAN_RECIPES)}.")
    return GAN_RECIPES[name]


def gan_at_scale(recipe: GanRecipe, scale: str) -> GanRecipe:
    """A recipe for two cores (``cpu``: half the width, 30 epochs) or for a trial (``smoke``); nothing else changes."""
    if scale == "full":
        return recipe
    if scale == "cpu":
        return replace(
            recipe,
            scale=scale,
            epochs=min(recipe.epochs, 30),
            generator_width=recipe.generator_width // 2,
            discriminator_width=recipe.discriminator_width // 2,
        )
    if scale == "smoke":
        return replace(
            recipe, scale=scale, epochs=2, generator_width=8, discriminator_width=8, batch_size=16, num_measured=64
        )
    raise ConfigError(f"There is no scale {scale!r}. Choose one of: {', '.join(GAN_SCALES)}.")
