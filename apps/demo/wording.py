"""Predictions in plain words. Everything a visitor reads about an answer, on the page, in the CSV or over the API."""

from collections.abc import Sequence
from typing import Literal, get_args

from anime_models.classifier import Candidate, Prediction, Verdict
from anime_models.records import ReliabilityBin

Task = Literal["character", "emotion"]
TASKS: tuple[Task, ...] = get_args(Task)

# A set of one is called "almost surely" only where the confidence bears the words out.
ALMOST_SURE = 0.9
MOST_NAMED = 6
FEW_FACES = 20

STRANGER_WORDS: dict[Task, str] = {
    "character": "Not one of the characters I know",
    "emotion": "No clear emotion",
}
STRANGER_SET_WORDS: dict[Task, str] = {
    "character": "If it were one of them after all",
    "emotion": "If it shows one of them after all",
}
STRANGER_CAVEAT: dict[Task, str] = {
    "character": (
        "All test faces were of characters that the model knows. This one does not look like any of them, so the "
        "figures say little about it."
    ),
    "emotion": (
        "All test faces showed one of the emotions that the model knows. This one shows none of them clearly, so the "
        "figures say little about it."
    ),
}


def percent(fraction: float) -> str:
    """A fraction in [0, 1] for the screen; what is not quite certain or impossible never reads as 100% or 0%."""
    if fraction >= 1:
        return "100%"
    if fraction > 0.99:
        return ">99%"
    if fraction <= 0:
        return "0%"
    return "<1%" if fraction < 0.01 else f"{fraction:.0%}"


def listing(names: Sequence[str], last_word: str) -> str:
    """``A``, ``A or B``, ``A, B or C``; of many only the first few are named."""
    if len(names) > MOST_NAMED:
        named = ", ".join(names[: MOST_NAMED - 1])
        return f"{named} {last_word} {len(names) - MOST_NAMED + 1} more"
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} {last_word} {names[-1]}"


def headline(task: Task, prediction: Prediction) -> str:
    """The answer itself."""
    if prediction.verdict is Verdict.STRANGER:
        return STRANGER_WORDS[task]
    return "Not sure" if prediction.verdict is Verdict.NOT_SURE else prediction.label


def series_of(candidate: Candidate) -> str:
    """The series a character belongs to, or an empty text where none is known."""
    return candidate.details.get("series", "")


def full_name(candidate: Candidate) -> str:
    """``Character (Series)``, or the label alone."""
    series = series_of(candidate)
    return f"{candidate.label} ({series})" if series else candidate.label


def subline(prediction: Prediction) -> str:
    """What goes with the headline: how sure, or the best guess where the answer is withheld."""
    best = prediction.candidates[0]
    sure = percent(prediction.confidence)
    if prediction.verdict is Verdict.LABEL:
        return " · ".join(part for part in (series_of(best), f"{sure} confident") if part)
    if prediction.verdict is Verdict.NOT_SURE:
        return f"Best guess: {full_name(best)}, {sure}"
    return f"Closest: {full_name(best)}"


def set_in_words(task: Task, prediction: Prediction) -> str:
    """The conformal set as a sentence."""
    names = prediction.conformal_set
    if len(names) == len(prediction.candidates):
        return f"It could be any of the {len(names)}."
    if prediction.verdict is Verdict.STRANGER:
        return f"{STRANGER_SET_WORDS[task]}: {listing(names, 'or')}."
    if len(names) > 1:
        return f"One of: {listing(names, 'or')}."
    sure = prediction.verdict is Verdict.LABEL and prediction.confidence >= ALMOST_SURE
    return f"{'Almost surely' if sure else 'Most likely'} {names[0]}."


def one_line(task: Task, prediction: Prediction) -> str:
    """The whole answer in one line, for lists and callers without a screen."""
    if prediction.verdict is Verdict.LABEL:
        return f"{full_name(prediction.candidates[0])}, {percent(prediction.confidence)} confident"
    return f"{headline(task, prediction)}. {subline(prediction)}"


def bin_of(bins: Sequence[ReliabilityBin], confidence: float) -> ReliabilityBin | None:
    """The bar of a reliability diagram that a confidence falls into: above ``lower``, at most ``upper``."""
    inside = (bar for bar in bins if bar.lower < confidence <= bar.upper)
    return next(inside, bins[0] if bins and confidence <= bins[0].upper else None)


def reliability_sentence(bins: Sequence[ReliabilityBin], confidence: float) -> str:
    """What the reliability diagram says about one confidence."""
    bar = bin_of(bins, confidence)
    if bar is None:
        return "This model came without a record of how well its confidences hold."
    reach = f"{bar.lower * 100:.0f}-{bar.upper * 100:.0f}%"
    if bar.count == 0 or bar.accuracy is None:
        return f"No test face was answered with {reach} confidence, so nothing shows how far this number holds."
    if bar.count < FEW_FACES:
        right = f"{round(bar.accuracy * bar.count)} of {bar.count} test faces"
        return f"{right} answered with {reach} confidence were right; so few faces say little."
    return f"Of {bar.count:,} test faces answered with {reach} confidence, {percent(bar.accuracy)} were right."
