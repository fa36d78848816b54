"""The page that Streamlit runs: navigation, and what stands on every page."""

import streamlit as st
from PIL import Image, ImageDraw

from apps.dashboard.library import library
from apps.dashboard.palette import COLOURS
from apps.dashboard.show import problem_panel

# Section -> file of the page, title, symbol, and what it answers.
SECTIONS = {
    "Which one?": [
        ("overview", "Overview", "home", "Which model to use, and why."),
        ("compare", "Compare", "table_rows", "All runs: filter, sort, and put some side by side."),
        ("efficiency", "Efficiency", "speed", "What accuracy costs in time and size."),
        ("calibration", "Calibration", "straighten", "How far confidences can be trusted."),
    ],
    "Studies": [
        ("strategies", "Strategies", "grid_on", "Four backbones under four ways to train them."),
        ("characters", "Characters", "face", "Two heads, two tests, and who is hard to tell."),
        ("augmentation", "Augmentation", "auto_awesome_motion", "What more or altered pictures bring."),
        ("generation", "Generation", "brush", "How generators of faces learn."),
    ],
    "Look closer": [
        ("mistakes", "Mistakes", "error_outline", "The most confident mistakes, and where models disagree."),
        ("run", "Run", "science", "Everything of one run."),
    ],
}


@st.cache_resource
def favicon() -> Image.Image:
    """Three bars; a symbol of Streamlit's own would be fetched from another server."""
    drawn = Image.new("RGBA", (64, 64))
    brush = ImageDraw.Draw(drawn)
    for number, (height, shade) in enumerate(zip((26, 44, 60), COLOURS, strict=False)):
        brush.rounded_rectangle((4 + 20 * number, 62 - height, 18 + 20 * number, 62), radius=3, fill=shade)
    return drawn


def main() -> None:
    """Draw the chosen page."""
    st.set_page_config(page_title="Anime Models", page_icon=favicon(), layout="wide")
    pages = {
        section: [
            st.Page(
                f"views/{name}.py", title=title, icon=f":material/{symbol}:", help=answers, default=name == "overview"
            )
            for name, title, symbol, answers in entries
        ]
        for section, entries in SECTIONS.items()
    }
    chosen = st.navigation(pages)
    problem_panel(library())
    chosen.run()


main()
