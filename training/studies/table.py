"""The table of a study: mean and standard deviation over seeds, from the records of its finished runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from anime_models.errors import ConfigError
from anime_models.records import RunRecord
from training.common.flags import check_folder
from training.studies.cells import STUDIES, Cell

FURTHER_TESTS = ("internet", "other_source")  # of the study of characters, where its data has them


def table(cells: Sequence[Cell], records: Mapping[Cell, RunRecord]) -> str:
    """A Markdown table with a line for each backbone and head or strategy.

    Args:
        cells: all of one study.
        records: of those cells that are finished.
    """
    groups: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for cell in cells:
        groups[cell.backbone, cell.variant].append(cell)
    figures = {cell: _figures(record) for cell, record in records.items()}
    titles = list(dict.fromkeys(title for values in figures.values() for title in values))
    lines = [line("backbone", STUDIES[cells[0].study].compared, "seeds", *titles)]
    lines.append(line("---", "---", "---:", *["---:"] * len(titles)))
    for (backbone, variant), group in groups.items():
        finished = [figures[cell] for cell in group if cell in figures]
        seeds = f"{len(finished)}" if len(finished) == len(group) else f"{len(finished)} of {len(group)}"
        columns = ([values[title] for values in finished if title in values] for title in titles)
        lines.append(line(backbone, variant, seeds, *map(mean_and_deviation, columns)))
    return "".join(lines)


def mean_and_deviation(values: Sequence[float]) -> str:
    """``mean ± sd`` with the sample standard deviation; of a single value that alone, of none a dash."""
    if not values:
        return "—"
    return f"{np.mean(values):.3f}" + (f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else "")


def check_table(path: Path) -> None:
    """Refuse a path that no table can be written to, before the runs take their time.

    Raises:
        ConfigError: when it is a folder, or below a file.
    """
    if path.is_dir():
        raise ConfigError(f"--table: {path} is a folder; name a file, such as {path / 'table.md'}.")
    check_folder(path.parent, "--table")


def write_table(text: str, path: Path, cells: Sequence[Cell], data: Path) -> None:
    """Write the table as a Markdown file, under a line that says what was run."""
    starts = ", ".join(sorted({cell.start_name for cell in cells}))
    title = (
        f"# Study {cells[0].study}\n\nTest split of `{data.name}`, scale {cells[0].scale}, start weights {starts}; "
        "mean ± standard deviation over seeds.\n\n"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(title + text, "utf-8")
    temporary.replace(path)


def _figures(record: RunRecord) -> dict[str, float]:
    """What the table shows of a run."""
    figures = {
        "accuracy": record.value("accuracy"),
        "macro F1": record.value("macro_f1"),
        "ECE": record.calibration.after.ece if record.calibration else None,
        **{f"accuracy, {split}": record.value("accuracy", split) for split in FURTHER_TESTS},
    }
    return {title: value for title, value in figures.items() if value is not None}


def line(*cells: str) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(cells)} |\n"
