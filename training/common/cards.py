"""What every model card has: front matter for the Hub, how to load, a table of results, where the data comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from anime_models.records import Result, RunRecord

DATA_NOTE = (
    "Trained and measured on drawn faces from fan art, games and animation, which are not redistributable and not part "
    "of this repository. The characters belong to their artists, studios and publishers."
)
PUBLISHED_NOTE = "The data set is on the Hub, where its card says where the pictures come from."
TAGS = ("anime", "manga", "anime-models", "safetensors")
FOLDER = "THIS_FOLDER"
CHOSEN_WITH = ("train", "validation", "out_of_fold")


@dataclass(frozen=True)
class CardPlace:
    """What a training run does not know of its card, and publishing does.

    Attributes:
        repo_id: the repository that the card stands in; None is a folder.
        dataset: the data set's repository on the Hub; None where the data is not there.
        base_model: repository of the model that the weights started from; None where there is none on the Hub.
        license: the Hub's name of the licence.
    """

    repo_id: str | None = None
    dataset: str | None = None
    base_model: str | None = None
    license: str = "apache-2.0"

    @property
    def name(self) -> str:
        """What to load the model by."""
        return self.repo_id or FOLDER


FOLDER_PLACE = CardPlace()

# What the weights are for. Under the names of timm and others the Hub would show a snippet that cannot load them.
LIBRARY = "pytorch"


@dataclass(frozen=True)
class ModelKind:
    """How the Hub files a kind of model.

    Attributes:
        pipeline_tag: the Hub's name of what it does.
        tags: further words to find it by.
        headlines: the metrics that stand for it, by our names (without ``/extractor``), with the Hub's.
    """

    pipeline_tag: str
    tags: tuple[str, ...]
    headlines: Mapping[str, str]


def front_matter(kind: ModelKind, record: RunRecord, place: CardPlace) -> str:
    """The block of YAML at the top of a card; what is not known is left out."""
    index = model_index(kind, record, place)
    fields: dict[str, Any] = {
        "license": place.license,
        "library_name": LIBRARY,
        "pipeline_tag": kind.pipeline_tag,
        "base_model": place.base_model,
        "datasets": [place.dataset] if place.dataset else None,
        "metrics": sorted({hub_metric(kind, result) for result in headline_results(kind, record)}) or None,
        "tags": [*TAGS, record.task, *kind.tags],
        "model-index": index or None,
    }
    known = {name: value for name, value in fields.items() if value is not None}
    return f"---\n{yaml.safe_dump(known, sort_keys=False, allow_unicode=True)}---\n"


def headline_results(kind: ModelKind, record: RunRecord) -> list[Result]:
    """The results that stand for a model, in the order of the record, each over all classes.

    Where there is a test, what was measured on pictures that choices were made with does not stand for it.
    """
    found = [r for r in record.results if r.metric.partition("/")[0] in kind.headlines and r.class_name is None]
    is_tested = any(result.split == "test" for result in found)
    return [result for result in found if not (is_tested and result.split in CHOSEN_WITH)]


def hub_metric(kind: ModelKind, result: Result) -> str:
    """The Hub's name of a headline's metric."""
    return kind.headlines[result.metric.partition("/")[0]]


def model_index(kind: ModelKind, record: RunRecord, place: CardPlace) -> list[dict[str, Any]]:
    """The results in the Hub's older form, ``model-index``: an entry for each split."""
    by_split: dict[str, list[dict[str, Any]]] = {}
    for result in headline_results(kind, record):
        metric = {"type": hub_metric(kind, result), "value": round(result.value, 4), "name": result_name(result)}
        by_split.setdefault(result.split, []).append(metric)
    results = [
        {
            "task": {"type": kind.pipeline_tag},
            "dataset": {"name": record.dataset.id, "type": place.dataset or record.dataset.id, "split": split},
            "metrics": metrics,
        }
        for split, metrics in by_split.items()
    ]
    return [{"name": f"{record.task}-{record.model.backbone}", "results": results}] if results else []


def result_name(result: Result) -> str:
    """A result's metric, with its interval where there is one."""
    interval = f" (95% interval {result.ci95[0]:.3f} to {result.ci95[1]:.3f})" if result.ci95 else ""
    return f"{result.metric}{interval}"


def interval_of(result: Result) -> str:
    """``0.958 to 0.995``, or nothing."""
    return f"{result.ci95[0]:.3f} to {result.ci95[1]:.3f}" if result.ci95 else ""


def loading(lines: Sequence[str]) -> list[str]:
    """The section on how to load a model, from its lines of Python, of which the first is the import."""
    return ["## Load it", "", "```python", lines[0], "", *lines[1:], "```", ""]


def data_section(record: RunRecord, place: CardPlace) -> list[str]:
    """The section on what the model was trained on."""
    counts = ", ".join(f"{count} {split}" for split, count in record.dataset.num_images.items())
    where = f" at [{place.dataset}](https://huggingface.co/datasets/{place.dataset})" if place.dataset else ""
    revision = f" ({record.dataset.revision})" if record.dataset.revision else ""
    return [
        "## Data and its limits",
        "",
        PUBLISHED_NOTE if place.dataset else DATA_NOTE,
        "",
        f"Data set `{record.dataset.id}`{where}{revision}: {counts or 'unknown numbers of'} pictures.",
        "",
        "The pictures show the styles, the skin tones and the sexes that the genre draws most, and few others; what is "
        "rare there is read less well. `record.json` beside this card holds every figure, the settings, the commit and "
        "the machine.",
        "",
    ]


def use_section(use: str, misuse: str) -> list[str]:
    """The section on what the model is for and what it is not."""
    return ["## Intended use", "", use, "", f"Not meant for {misuse}", ""]
