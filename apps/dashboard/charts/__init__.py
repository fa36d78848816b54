"""Figures from records: pure functions that return plotly figures, and what all of them have in common."""
