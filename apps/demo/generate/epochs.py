"""One fixed noise through training: the checkpoint's pictures of it, epoch by epoch, as HTML."""

import base64
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from anime_models.generator import FaceGenerator

NO_EPOCHS = (
    '<p class="am-muted">This generator came without pictures of its training. Checkpoints of '
    "<code>python -m training.train_gan</code> have them in their folder <code>epochs</code>.</p>"
)


def epoch_files(generator: FaceGenerator) -> dict[int, Path]:
    """The pictures by the number of their epoch, counted from 1, in order."""
    numbered = ((re.fullmatch(r"epoch-(\d+)", path.stem), path) for path in generator.epochs)
    return dict(sorted((int(match[1]), path) for match, path in numbered if match))


def nearest_epoch(files: Mapping[int, Path], wanted: float) -> int:
    """The epoch with a picture that is nearest to a number."""
    return min(files, key=lambda number: abs(number - wanted))


def render_epoch(generator: FaceGenerator, wanted: float) -> str:
    """The same faces-to-be after an epoch, and what is known of it.

    Args:
        generator: whose training it was.
        wanted: number of the epoch; the nearest one with a picture is shown.
    """
    files = epoch_files(generator)
    if not files:
        return NO_EPOCHS
    number = nearest_epoch(files, wanted)
    words = escape(" · ".join(_facts(generator, number, last=max(files))))
    uri = f"data:image/webp;base64,{base64.b64encode(files[number].read_bytes()).decode('ascii')}"
    return (
        f'<figure class="am-epoch"><img src="{uri}" alt="Faces of one fixed noise. {words}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _facts(generator: FaceGenerator, number: int, last: int) -> list[str]:
    facts = [f"Epoch {number} of {last}"]
    record = generator.record
    if record is not None:
        # The record's results of an epoch stand under its file's name; the metric names the extractor after a slash.
        measured = (result for result in record.results if result.split == f"epoch-{number:03}")
        facts += [f"FID {r.value:.1f}{_by(r.metric)}" for r in measured if r.metric.startswith("fid")]
        # Epochs are counted from 0 in records.
        if record.selection is not None and record.selection.best_epoch + 1 == number:
            facts.append("this one was kept")
    return facts


def _by(metric: str) -> str:
    _, _, extractor = metric.partition("/")
    return f" ({extractor})" if extractor else ""
