"""Rows of a batch as HTML: pure functions."""

from collections.abc import Sequence
from html import escape

from anime_models.classifier import Verdict
from apps.demo.batch import Row
from apps.demo.rendering import TASK_TITLES
from apps.demo.wording import STRANGER_WORDS, Task, percent

HEADINGS = ("File", "Face", TASK_TITLES["character"], "Confidence", TASK_TITLES["emotion"], "Confidence")


def render_summary(rows: Sequence[Row]) -> str:
    """How many files and faces were read, and how many files were not."""
    read = [row for row in rows if not row["error"]]
    bad, whole = len(rows) - len(read), sum(1 for row in read if row["x0"] is None)
    text = f"{_count(len(read) - whole, 'face')} found in {_count(len({row['file'] for row in read}), 'picture')}."
    if whole:
        text += f" {_count(whole, 'picture')} without a face: read as a whole."
    if bad:
        text += f" {_count(bad, 'file')} could not be read; the table says why."
    return f'<div class="am-note am-{"warning" if bad else "success"}" role="status">{escape(text)}</div>'


def render_rows(rows: Sequence[Row]) -> str:
    """A table with a row per face, or per file that could not be read."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    body = "".join(_error_row(row) if row["error"] else _face_row(row) for row in rows)
    return (
        '<div class="am-scroll" role="region" aria-label="Faces of all files" tabindex="0">'
        f'<table class="am-table am-batch"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _error_row(row: Row) -> str:
    return (
        f'<tr class="am-bad"><th scope="row">{escape(row["file"])}</th>'
        f'<td colspan="{len(HEADINGS) - 1}">{escape(row["error"])}</td></tr>'
    )


def _face_row(row: Row) -> str:
    number = f"{row['face']}" if row["x0"] is not None else "whole picture"
    return (
        f'<tr><th scope="row">{escape(row["file"])}</th><td>{number}</td>'
        f"{_answer_cells('character', row)}{_answer_cells('emotion', row)}</tr>"
    )


def _answer_cells(task: Task, row: Row) -> str:
    label, confidence = escape(row[task]), escape(percent(row[f"{task}_confidence"]))
    verdict = Verdict(row[f"{task}_verdict"])
    if verdict is Verdict.STRANGER:
        # The confidence is that of the closest label, which is not the answer.
        return f'<td class="am-muted">{escape(STRANGER_WORDS[task])}</td><td class="am-muted">&ndash;</td>'
    if verdict is Verdict.NOT_SURE:
        return f'<td class="am-muted">Not sure: {label}?</td><td class="am-muted">{confidence}</td>'
    return f"<td>{label}</td><td>{confidence}</td>"
