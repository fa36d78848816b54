from apps.demo.figures import MARKED_COLOUR, reliability_figure
from tests.apps.fakes import reliability_bins


def test_only_filled_bars_are_drawn() -> None:
    bars = reliability_figure(reliability_bins()).data[0]
    assert len(bars.x) == len(bars.y) == 10
    assert bars.y[-1] == 0.95
    assert bars.hovertext[-1] == "93% to 100%: 200 faces, 95% right"


def test_the_bar_of_the_answer_is_marked() -> None:
    figure = reliability_figure(reliability_bins(), 0.95)
    assert [colour == MARKED_COLOUR for colour in figure.data[0].marker.color] == [False] * 9 + [True]
    assert list(figure.data[2].x) == [0.95, 0.95]
    assert figure.layout.shapes[0].x1 == 1.0


def test_a_column_without_faces_is_marked_too() -> None:
    (column,) = reliability_figure(reliability_bins(), 0.1).layout.shapes
    assert column.x0 < 0.1 < column.x1


def test_without_an_answer_nothing_is_marked() -> None:
    figure = reliability_figure(reliability_bins())
    assert MARKED_COLOUR not in figure.data[0].marker.color
    assert len(figure.data) == 2


def test_the_page_shows_through() -> None:
    layout = reliability_figure(reliability_bins()).layout
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
