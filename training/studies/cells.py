"""What the studies consist of: one cell, that is one run, for each backbone, head or strategy, and seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from anime_models.record_table import protocol
from anime_models.records import RunRecord
from training.recipes import at_scale, recipe_named


@dataclass(frozen=True)
class Study:
    """A comparison: every one of ``backbones``, ``heads`` and ``strategies`` with each other.

    Attributes:
        strategies: what ``--strategies`` calls each recipe, and the recipe.
        extras: recipes that are run only where ``--strategies`` names them.
        extra_backbones: backbones that are run only where ``--backbones`` names them.
    """

    task: str
    backbones: tuple[str, ...]
    heads: tuple[str, ...]
    strategies: dict[str, str]
    extras: dict[str, str]
    extra_backbones: tuple[str, ...] = ()

    @property
    def compared(self) -> str:
        """What is compared besides backbones: ``head`` or ``strategy``."""
        return "head" if len(self.heads) > 1 else "strategy"


STUDIES = {
    "characters": Study(
        task="character",
        backbones=("mobilenet_v2", "resnet50_v2", "xception", "efficientnet_lite0"),
        heads=("plain", "dropout"),
        strategies={"linear_probe": "kanata"},
        extras={},
    ),
    "strategies": Study(
        task="emotion",
        backbones=("resnet18", "resnet50", "vit_base_16", "vit_small_16"),
        heads=("plain",),
        strategies={name: f"santoro-{name}" for name in ("linear_probe", "partial", "full", "progressive")},
        extras={"progressive-even": "santoro-progressive-even"},
        extra_backbones=("efficientnet_lite0",),
    ),
}


@dataclass(frozen=True)
class Cell:
    """One run of a study, told from the others by what its record says.

    Attributes:
        variant: what the study compares besides backbones: the head or the strategy.
        start: the start weights as ``train_classifier`` takes them.
        start_name: what the record calls them.
        start_digest: which weights these are; others under the same name are another cell's.
        revision: digest of the data set's files.
    """

    study: str
    task: str
    backbone: str
    head: str
    recipe: str
    variant: str
    scale: str
    seed: int
    start: str
    start_name: str
    start_digest: str | None
    revision: str

    def __str__(self) -> str:
        return f"{self.backbone} {self.variant} s{self.seed}"

    @property
    def file_stem(self) -> str:
        """A name for this cell's files; other start weights or data give another one."""
        digest = hashlib.sha256(f"{self.start}\n{self.start_digest}\n{self.revision}".encode()).hexdigest()[:8]
        return f"{self.study}-{self.scale}-{self.backbone}-{self.head}-{self.recipe}-s{self.seed}-{digest}"

    @property
    def flags(self) -> list[str]:
        """The flags of ``train_classifier`` that make this cell."""
        names = ("study", "task", "backbone", "head", "recipe", "scale", "seed", "start")
        return [part for name in names for part in (f"--{name}", str(getattr(self, name)))]

    def is_of(self, record: RunRecord) -> bool:
        """Whether a record is of this cell, and not of a run of folds or with other epochs or another image size."""
        model, recipe, named = record.model, record.recipe, at_scale(recipe_named(self.recipe), self.scale)
        return (
            (record.kind, record.task, record.study) == ("measured", self.task, self.study)
            and (model.backbone, model.head) == (self.backbone, self.head)
            and (recipe.get("name"), recipe.get("scale")) == (self.recipe, self.scale)
            and (recipe.get("epochs"), recipe.get("image_size")) == (named.epochs, named.image_size)
            and protocol(record) in ("hold-out", None)
            and (record.seed, record.dataset.revision) == (self.seed, self.revision)
            and (model.start_weights, model.start_digest) == (self.start_name, self.start_digest)
        )
