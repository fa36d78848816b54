"""Colours, fonts and style sheet. Fonts are the system's: the page asks no other server for anything."""

from pathlib import Path

import gradio as gr
from gradio.themes import Base, colors, sizes

STYLE_SHEETS = [Path(__file__).parent / name for name in ("style.css", "generate.css")]
SANS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "Liberation Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Consolas", "Liberation Mono", "monospace")


def make_theme() -> Base:
    """A quiet theme with violet accents, light and dark."""
    return gr.themes.Base(
        primary_hue=colors.violet,
        secondary_hue=colors.violet,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_md,
        font=SANS,
        font_mono=MONO,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_shadow="none",
        block_border_width="1px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        slider_color="*primary_500",
        checkbox_background_color_selected="*primary_600",
        checkbox_border_color_selected="*primary_600",
    )
