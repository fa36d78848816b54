"""What a grid shows while it runs: how far it is, what became of each cell, how long it will take."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from types import TracebackType

from tqdm import tqdm

from anime_models.records import RunRecord
from training.recipes import at_scale, recipe_named
from training.studies.attempts import Outcome
from training.studies.cells import Cell

# Billions of multiply-adds for one picture of 224 px (timm's table of results; xception scaled from 299 px). They only
# weigh backbones of which there is no finished run against those of which there is one.
GIGA_MACS = {
    "mobilenet_v2": 0.31,
    "resnet50_v2": 4.11,
    "xception": 4.71,
    "efficientnet_lite0": 0.40,
    "resnet18": 1.82,
    "resnet50": 4.11,
    "vit_base_16": 16.87,
    "vit_small_16": 4.25,
}
# Passes over a picture in each epoch, roughly: a backward pass counts two, what is cached counts little.
PASSES = {"linear_probe": 0.5, "partial": 1.0, "progressive": 2.0, "full": 3.0}


class Durations:
    """How long cells take, judged by those that are finished."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._all_seconds = self._all_costs = 0.0

    def learn(self, cell: Cell, record: RunRecord) -> None:
        """Take a finished cell into account."""
        if record.timing is not None and record.timing.total_seconds is not None:
            self._seconds[cell.backbone, cell.recipe].append(record.timing.total_seconds)
            self._all_seconds += record.timing.total_seconds
            self._all_costs += cost(cell)

    def expected(self, cell: Cell) -> float | None:
        """Seconds that a cell will take: as others of its backbone and recipe did, else in proportion to its cost."""
        same = self._seconds.get((cell.backbone, cell.recipe))
        if same:
            return sum(same) / len(same)
        return cost(cell) * self._all_seconds / self._all_costs if self._all_costs else None

    def total(self, cells: Iterable[Cell]) -> float | None:
        """Seconds that cells will take one after the other; None while no run of any kind is finished."""
        expected = [self.expected(cell) for cell in cells]
        known = [seconds for seconds in expected if seconds is not None]
        return sum(known) if len(known) == len(expected) else None


def cost(cell: Cell) -> float:
    """Work of training a cell for all its epochs, in multiply-adds up to a factor that all cells have in common."""
    recipe = at_scale(recipe_named(cell.recipe), cell.scale)
    return GIGA_MACS[cell.backbone] * (recipe.image_size / 224) ** 2 * recipe.epochs * PASSES[recipe.strategy]


class Display:
    """A bar on a terminal, and anywhere a line for each cell."""

    def __init__(self, cells: Iterable[Cell], num_finished: int, durations: Durations) -> None:
        self.open = list(cells)
        self.durations = durations
        self._finished, self._total = num_finished, num_finished + len(self.open)
        self._started: dict[Cell, float] = {}
        self._side_by_side = 1
        layout = "{n_fmt}/{total_fmt} |{bar}| {elapsed}, {desc}"
        self._bar = tqdm(total=self._total, initial=num_finished, bar_format=layout, disable=None, leave=False)

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bar.close()

    def refresh(self) -> None:
        """Bring the bar up to date."""
        self._bar.n = self._finished
        self._bar.set_description_str(f"{self.left()}  {', '.join(map(str, self._started))}")

    def show(self, outcome: Outcome, record: RunRecord | None) -> None:
        """Show what became of a cell; the record of a finished one."""
        cell = outcome.cell
        if outcome.status == "started":
            self._started[cell] = time.monotonic()
            self._side_by_side = max(self._side_by_side, len(self._started))
        else:
            self._started.pop(cell, None)
            self.open.remove(cell)
            if record is not None:
                self.durations.learn(cell, record)
                self._finished += 1
            line = f"{self._finished}/{self._total} {cell}: {_told(outcome, record)}; {self.left()}"
            tqdm.write(line)
        self.refresh()

    def left(self) -> str:
        """The time left, in words."""
        if not self.open:
            return "nothing left"
        total = self.durations.total(self.open)
        if total is None:
            return "time left not known yet"
        now = time.monotonic()
        spent = sum(min(now - start, self.durations.expected(cell) or 0) for cell, start in self._started.items())
        return f"about {spoken((total - spent) / self._side_by_side)} left"


def spoken(seconds: float) -> str:
    """A duration as ``h:mm:ss``."""
    return str(timedelta(seconds=round(seconds)))


def _told(outcome: Outcome, record: RunRecord | None) -> str:
    if record is None:
        return f"{outcome.status}, {outcome.note}"
    accuracy = record.value("accuracy")
    return "finished" if accuracy is None else f"finished, test accuracy {accuracy:.3f}"
