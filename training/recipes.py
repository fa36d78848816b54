"""Named, frozen hyper-parameters: the papers', and ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from anime_models.errors import ConfigError
from anime_models.preprocessing import Augmentation

STRATEGIES = ("linear_probe", "partial", "full", "progressive")
CHEAP = ("linear_probe", "partial")  # their frozen part is computed once
SCALES = ("full", "cpu", "smoke")


@dataclass(frozen=True)
class Recipe:
    """Everything that a classifier's training depends on besides data, model and seed.

    Attributes:
        epochs: passes over the known training pictures, at most.
        strategy: what is trained: ``linear_probe`` the head; ``partial`` the head and the deepest stage; ``full`` all;
            ``progressive`` the head, then one more stage, deepest first, every ``unfreeze_every`` epochs.
        unfreeze_every: epochs between two openings; 0 spreads them evenly over ``epochs`` by the number of stages.
        frozen_stages: how many stages, from the stem on, keep their start weights and BatchNorm statistics throughout.
        views: how many augmented views of each picture the features of frozen stages are computed for, once: first
            while the head alone is open, then while one more stage is, and so on; further on every epoch computes
            them anew.
        patience: epochs without a lower validation loss after which training stops; 0 never stops.
        keep: the epoch whose weights are kept: the ``lowest_loss`` on validation, the ``lowest_calibrated_loss`` (at
            the best temperature) or the ``last``.
        batch_size: pictures in a step, strangers included; even, since mixup pairs them.
        image_size: side of the input in pixels.
        eval_zoom: how much larger than the input a face is scaled before its centre is cut when predicting; random
            crops show faces larger in training than whole pictures do (Touvron et al., 2019).
        test_time_flip: whether predictions are averaged over the mirror image.
        head_lr: peak learning rate of the head (AdamW).
        backbone_lr: peak learning rate of the backbone's last layer group.
        layer_decay: factor on the learning rate from each layer group to the one below it.
        weight_decay: AdamW's, on weights but not on biases and norms.
        schedule: ``cosine``, half of one down to zero, or ``constant``, both after the warm-up.
        warmup_share: share of the steps over which the learning rate rises linearly.
        clip_norm: largest norm of the gradient; 0 does not clip.
        label_smoothing: share of the target that is spread over all classes.
        mixup: alpha of mixup (Zhang et al., 2018); 0 is off.
        cutmix: alpha of CutMix (Yun et al., 2019); 0 is off.
        mix_share: share of the steps that are mixed at all.
        ema_decay: decay of the weights' exponential moving average, which is what is evaluated and kept; 0 keeps the
            weights themselves.
        class_balance: 0 draws pictures evenly, 1 draws classes evenly, between them as count ** -class_balance.
        stranger_share: share of each batch drawn from strangers, for the extra class; 0 trains without one.
        drawn_share: share of each epoch that is procedural faces with known emotions; 0 draws none.
        augmentation: the train transform.
        scale: which of ``SCALES`` image size and epochs are at.
    """

    name: str
    epochs: int
    strategy: str = "full"
    unfreeze_every: int = 0
    frozen_stages: int = 0
    views: tuple[int, ...] = ()
    patience: int = 0
    keep: str = "lowest_calibrated_loss"
    batch_size: int = 32
    image_size: int = 128
    eval_zoom: float = 1.0
    test_time_flip: bool = True
    head_lr: float = 3e-3
    backbone_lr: float = 1e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.02
    schedule: str = "cosine"
    warmup_share: float = 0.2
    clip_norm: float = 5.0
    label_smoothing: float = 0.1
    mixup: float = 0.2
    cutmix: float = 1.0
    mix_share: float = 0.5
    ema_decay: float = 0.99
    class_balance: float = 0.0
    stranger_share: float = 0.0
    drawn_share: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    scale: str = "full"


STRONG = Augmentation(
    crop_scale=(0.5, 1.0), crop_ratio=(0.8, 1.25), flip=0.5, greyscale=0.08, trivial_augment=True, erasing=0.25
)

# Both keep the stem and the first two stages of EfficientNet-Lite0 as they start: most of the pixels, so most of the
# time, for features that hardly change.
CHARACTERS = Recipe(
    "characters",
    epochs=30,
    image_size=160,
    eval_zoom=1.125,
    frozen_stages=3,
    stranger_share=0.15,
    augmentation=replace(STRONG, downscale=0.5),
)
# Closer to the face than for characters: an expression is in the eyes, brows and mouth, not in the hair.
EMOTIONS = Recipe(
    "emotions",
    epochs=24,
    keep="last",
    image_size=160,
    eval_zoom=1.3,
    frozen_stages=3,
    class_balance=0.5,
    stranger_share=0.1,
    drawn_share=0.15,
    augmentation=replace(STRONG, crop_scale=(0.35, 0.9), downscale=0.2),
)
SMOKE = Recipe("smoke", epochs=2, batch_size=16, image_size=64, ema_decay=0.5, augmentation=Augmentation(flip=0.5))

# What both papers have in common: plain cross-entropy, plain weights, the epoch with the lowest validation loss.
PAPER = Recipe(
    "paper",
    epochs=0,
    views=(1,),
    keep="lowest_loss",
    image_size=224,
    test_time_flip=False,
    layer_decay=1.0,
    schedule="constant",
    warmup_share=0.0,
    clip_norm=0.0,
    label_smoothing=0.0,
    mixup=0.0,
    cutmix=0.0,
    ema_decay=0.0,
)

# Kanata et al.: frozen backbone, Adam (AdamW without decay) at 3e-4, batch 32, 10 epochs, no augmentation given.
KANATA = replace(PAPER, name="kanata", strategy="linear_probe", epochs=10, head_lr=3e-4, weight_decay=0.0)

# Santoro et al., Table 1 and section 4.3.
SANTORO_AUGMENTATION = Augmentation(
    crop_scale=(0.8, 1.0), crop_ratio=(3 / 4, 4 / 3), flip=0.5, rotation=10.0, jitter=0.2, hue=0.05, erasing=0.1
)
SANTORO = replace(
    PAPER, eval_zoom=256 / 224, head_lr=1e-3, weight_decay=1e-4, views=(2, 5), augmentation=SANTORO_AUGMENTATION
)
SANTORO_PROGRESSIVE = replace(
    SANTORO, strategy="progressive", epochs=50, patience=10, backbone_lr=1e-4, unfreeze_every=5
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        CHARACTERS,
        EMOTIONS,
        SMOKE,
        KANATA,
        replace(SANTORO, name="santoro-linear_probe", strategy="linear_probe", epochs=20, patience=5),
        replace(SANTORO, name="santoro-partial", strategy="partial", epochs=30, patience=7, backbone_lr=1e-4),
        replace(
            SANTORO,
            name="santoro-full",
            strategy="full",
            epochs=40,
            patience=10,
            backbone_lr=1e-5,
            schedule="cosine",
            warmup_share=3 / 40,
            clip_norm=1.0,
        ),
        replace(SANTORO_PROGRESSIVE, name="santoro-progressive"),
        # Ours: as many epochs for each stage of an architecture, however many stages it has.
        replace(SANTORO_PROGRESSIVE, name="santoro-progressive-even", unfreeze_every=0),
    )
}

# Image size, and the share of the epochs that is left, of the scales below full.
CPU_IMAGE_SIZE, CPU_EPOCHS = 128, 0.4
SMOKE_IMAGE_SIZE, SMOKE_EPOCHS = 32, 2


def recipe_named(name: str) -> Recipe:
    """The recipe of that name, or a ``ConfigError`` that lists the names there are."""
    if name not in RECIPES:
        raise ConfigError(f"There is no recipe {name!r}. Choose one of: {', '.join(RECIPES)}.")
    return RECIPES[name]


def at_scale(recipe: Recipe, scale: str) -> Recipe:
    """The recipe with image size and epochs (and with them the pace of openings) for two cores, or for a try.

    A linear probe and a partial run cost little per epoch and keep theirs at scale ``cpu``.

    Raises:
        ConfigError: for a scale that is not in ``SCALES``.
    """
    if scale not in SCALES:
        raise ConfigError(f"There is no scale {scale!r}. Choose one of: {', '.join(SCALES)}.")
    if scale == "full":
        return recipe
    if scale == "smoke":
        every = min(recipe.unfreeze_every, 1)
        return replace(recipe, scale=scale, image_size=SMOKE_IMAGE_SIZE, epochs=SMOKE_EPOCHS, unfreeze_every=every)
    size = min(recipe.image_size, CPU_IMAGE_SIZE)
    if recipe.strategy in CHEAP:
        return replace(recipe, scale=scale, image_size=size)
    every = round(recipe.unfreeze_every * CPU_EPOCHS)
    return replace(recipe, scale=scale, image_size=size, epochs=round(recipe.epochs * CPU_EPOCHS), unfreeze_every=every)
