"""One fixed noise through training: the checkpoint's pictures of it, epoch by epoch, as HTML."""

import base64
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from anime_models.checkpoints import RECORD
from anime_models.errors import RecordError
from anime_models.generator import FaceGenerator
from anime_models.records import RunRecord
from anime_models.run_files import RunFiles

FID = "held_out/fid"

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
        facts += [f"FID {fid:.1f} ({record.recipe.get('extractor')})" for fid in _distances(generator, record, number)]
        if record.selection is not None and record.selection.best_epoch + 1 == number:
            facts.append("this one was kept")
    return facts


def _distances(generator: FaceGenerator, record: RunRecord, number: int) -> list[float]:
    """The FID after an epoch, none where it was not measured; records count epochs from 0."""
    try:
        epochs = RunFiles(generator.folder / RECORD, record).epochs()
    except RecordError:  # damaged figures do not keep anyone from the pictures
        return []
    return [line[FID] for line in epochs if line.get("epoch") == number - 1 and FID in line]
