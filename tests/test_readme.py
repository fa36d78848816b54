"""The READMEs' figures come from the shipped records."""

from pathlib import Path

import pytest

from training.figures import DOCUMENTS, MARKED, TABLES, with_figures


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.parent.name)
def test_the_tables_of_figures_are_those_of_the_shipped_records(document: Path) -> None:
    text = document.read_text("utf-8")
    assert with_figures(text) == text, "run `python -m training.figures`"


def test_every_table_stands_in_one_readme() -> None:
    named = [found[2] for document in DOCUMENTS for found in MARKED.finditer(document.read_text("utf-8"))]
    assert sorted(named) == sorted(TABLES)


def test_a_figure_that_somebody_changed_is_mended() -> None:
    text = DOCUMENTS[0].read_text("utf-8")
    table = MARKED.search(text)
    assert table is not None
    figure = next(word for word in table[0].split() if word.startswith("0."))
    assert with_figures(text.replace(table[0], table[0].replace(figure, "0.999", 1))) == text
