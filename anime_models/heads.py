"""The two classification heads, on pooled features ``[N, F]``."""

from __future__ import annotations

from torch import nn

from anime_models.errors import ConfigError

HEADS = ("plain", "dropout")


def build_head(name: str, num_features: int, num_outputs: int) -> nn.Module:
    """Build a head that maps features ``[N, num_features]`` to logits ``[N, num_outputs]``.

    ``plain`` is one dense layer; ``dropout`` is dense 128, ReLU, dropout 0.4, dense 64, ReLU, dropout 0.3, dense
    (Kanata et al., "Comparing Anime Character Classification with MobileNetV2, ResNet50V2, and Xception").
    """
    if name == "plain":
        return nn.Linear(num_features, num_outputs)
    if name == "dropout":
        return nn.Sequential(
            nn.Linear(num_features, 128),
            nn.ReLU(),
            nn.Dropout(0.4),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(64, num_outputs),
        )
    raise ConfigError(f"There is no head {name!r}. Choose one of: {', '.join(HEADS)}.")
