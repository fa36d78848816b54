"""Axes and long names, as all figures have them."""

import pandas as pd

from apps.dashboard.charts.style import log_axis, wrapped


def test_marks_of_a_logarithmic_axis_are_whole_steps() -> None:
    axis = log_axis(pd.Series([3.0, 40.0]), "milliseconds")
    assert axis["ticktext"] == ["2", "5", "10", "20", "50"]
    assert log_axis(pd.Series([2e6, 2e6]), "count")["ticktext"] == ["1 M", "2 M", "5 M"]
    narrow = log_axis(pd.Series([26.5, 27.0]), "milliseconds")
    assert narrow["ticktext"] == ["20", "50"]
    assert 10 ** narrow["range"][0] < 20 < 50 < 10 ** narrow["range"][1]


def test_long_names_break_in_two() -> None:
    assert wrapped("ResNet-18") == "ResNet-18"
    assert wrapped("EfficientNet-Lite0, full [11-22 07:01]").count("<br>") == 1
    assert wrapped("a" * 40) == "a" * 40
