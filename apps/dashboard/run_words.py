"""What a run's page says of it in words: how it goes, and the command to repeat it."""

import shlex
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from anime_models.records import RunRecord
from apps.dashboard.charts.curves import Epochs
from apps.dashboard.glossary import written

ALIVE_SECONDS = 15 * 60


def repeat_command(record: RunRecord) -> str | None:
    """The command that made a run, as it is typed; None where the record holds none."""
    if record.code is None or not record.code.command:
        return None
    program, *flags = record.code.command
    return shlex.join(["python", "-m", f"training.{Path(program).stem}", *flags])


def resume_command(record: RunRecord, folder: Path) -> str | None:
    """The command that goes on with a run."""
    command = repeat_command(record)
    if command is None:
        return None
    return command if " --resume " in f"{command} " else f"{command} --resume {shlex.quote(str(folder))}"


def is_alive(record: RunRecord, last_change: float, now: float) -> bool:
    """Whether a run goes on, as far as its files tell."""
    return record.status == "running" and now - last_change < ALIVE_SECONDS


def status_sentence(record: RunRecord, last_change: float, now: float, epochs: Epochs) -> str:
    """How a run stands."""
    if record.kind == "reported":
        return "Reported by a paper; nothing of it was run here."
    if record.status == "finished":
        return _finished(record)
    if record.status == "failed":
        return "It ended with an error, which its own output told."
    ago = written(now - last_change, "seconds")
    if is_alive(record, last_change, now):
        return f"It is running; its last sign of life is {ago} old.{_progress(record, epochs)}"
    return (
        f"It is recorded as running, but its last sign of life is {ago} old: it was probably killed."
        f"{_progress(record, epochs)}"
    )


def _finished(record: RunRecord) -> str:
    timing = record.timing
    took = f" It took {written(timing.total_seconds, 'seconds')}." if timing and timing.total_seconds else ""
    epochs = f" {timing.epochs_run} epochs were run." if timing and timing.epochs_run else ""
    kept = (
        f" Kept is epoch {record.selection.best_epoch + 1}, by {record.selection.metric}." if record.selection else ""
    )
    return f"It is finished.{took}{epochs}{kept}"


def _progress(record: RunRecord, epochs: Epochs) -> str:
    planned = record.recipe.get("epochs")
    if not epochs or not isinstance(planned, int):
        return ""
    own = _own(record, epochs)
    if not own:
        return f" None of at most {planned} epochs is done."
    mean = sum(line.get("seconds", 0.0) for line in own) / len(own)
    left = max(planned - len(own), 0)
    time_left = written(left * mean, "seconds")
    return f" {len(own)} of at most {planned} epochs are done, about {time_left} of training are left."


def share_done(record: RunRecord, epochs: Epochs) -> float | None:
    """How much of the planned epochs is done, in [0, 1]; None where that is not known."""
    planned = record.recipe.get("epochs")
    return min(len(_own(record, epochs)) / planned, 1.0) if isinstance(planned, int) and planned else None


def _own(record: RunRecord, epochs: Epochs) -> Epochs:
    """The epochs without those of the training that a run has started from."""
    before = record.recipe.get("epochs_before", 0)
    return epochs[before:] if isinstance(before, int) else epochs


def sizes(artefacts: Sequence[tuple[str, int]]) -> list[dict[str, object]]:
    """Files with their sizes, as rows of a table."""
    return [
        {"File": name, "Size": f"{size / 1e6:,.2f} MB" if size >= 1e5 else f"{size:,} bytes"}
        for name, size in artefacts
    ]


def changed_at(seconds: float) -> str:
    """A moment, in UTC."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
