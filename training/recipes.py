"""Named, frozen hyper-parameters."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from anime_models.errors import ConfigError
from anime_models.preprocessing import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Everything that a classifier's training depends on besides data, model and seed.

    Attributes:
        epochs: passes over the known training pictures.
        batch_size: pictures in a step, strangers included; even, since mixup pairs them.
        image_size: side of the input in pixels.
        eval_zoom: how much larger than the input a face is scaled before its centre is cut when predicting; random
            crops show faces larger in training than whole pictures do (Touvron et al., 2019).
        head_lr: peak learning rate of the head (AdamW).
        backbone_lr: peak learning rate of the backbone's last layer group.
        layer_decay: factor on the learning rate from each layer group to the one below it.
        frozen_groups: how many layer groups, from the stem on, keep their start weights and BatchNorm statistics.
        weight_decay: AdamW's, on weights but not on biases and norms.
        warmup_share: share of the steps over which the learning rate rises linearly; it then falls as a half cosine.
        label_smoothing: share of the target that is spread over all classes.
        mixup: alpha of mixup (Zhang et al., 2018); 0 is off.
        cutmix: alpha of CutMix (Yun et al., 2019); 0 is off.
        mix_share: share of the steps that are mixed at all.
        ema_decay: decay of the weights' exponential moving average, which is what is evaluated and kept.
        class_balance: 0 draws pictures evenly, 1 draws classes evenly, between them as count ** -class_balance.
        stranger_share: share of each batch drawn from strangers, for the extra class; 0 trains without one.
        drawn_share: share of each epoch that is procedural faces with known emotions; 0 draws none.
        augmentation: the train transform.
    """

    name: str
    epochs: int
    batch_size: int = 32
    image_size: int = 128
    eval_zoom: float = 1.0
    head_lr: float = 3e-3
    backbone_lr: float = 1e-3
    layer_decay: float = 0.9
    frozen_groups: int = 0
    weight_decay: float = 0.02
    warmup_share: float = 0.2
    label_smoothing: float = 0.1
    mixup: float = 0.2
    cutmix: float = 1.0
    mix_share: float = 0.5
    ema_decay: float = 0.99
    class_balance: float = 0.0
    stranger_share: float = 0.0
    drawn_share: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)


STRONG = Augmentation(
    crop_scale=(0.5, 1.0), crop_ratio=(0.8, 1.25), flip=0.5, greyscale=0.08, trivial_augment=True, erasing=0.25
)

# Both keep the stem and the first two stages (4 of EfficientNet-Lite0's 18 groups) as they start: most of the pixels,
# so most of the time, for features that hardly change.
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "characters",
            epochs=30,
            image_size=160,
            eval_zoom=1.125,
            frozen_groups=4,
            stranger_share=0.15,
            augmentation=replace(STRONG, downscale=0.5),
        ),
        Recipe(
            "emotions",
            epochs=36,
            image_size=160,
            eval_zoom=1.125,
            frozen_groups=4,
            class_balance=0.5,
            stranger_share=0.1,
            drawn_share=0.15,
            augmentation=STRONG,
        ),
        Recipe("smoke", epochs=2, batch_size=16, image_size=64, ema_decay=0.5, augmentation=Augmentation(flip=0.5)),
    )
}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name, or a ``ConfigError`` that lists the names there are."""
    if name not in RECIPES:
        raise ConfigError(f"There is no recipe {name!r}. Choose one of: {', '.join(RECIPES)}.")
    return RECIPES[name]
