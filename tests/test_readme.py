"""The README's figures come from the shipped records."""

from pathlib import Path

from training.figures import with_figures

README = Path(__file__).parent.parent / "README.md"


def test_the_table_of_figures_is_that_of_the_shipped_records() -> None:
    text = README.read_text("utf-8")
    assert with_figures(text) == text, "run `python -m training.figures`"
