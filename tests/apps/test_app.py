from pathlib import Path

import gradio as gr
from gradio.route_utils import delete_files_created_by_app

from apps.demo.app import build_demo
from apps.demo.examples import draw_examples
from tests.apps.fakes import make_shelf


def test_sweeping_uploads_away_spares_the_examples(tmp_path: Path) -> None:
    examples = draw_examples(tmp_path)
    demo = build_demo(make_shelf(), examples)
    delete_files_created_by_app(demo, age=None)
    icons = [Path(block.icon["path"]) for block in demo.blocks.values() if isinstance(block, gr.Button) and block.icon]
    assert len(icons) == len(examples)
    assert all(icon.is_file() for icon in icons)
