import subprocess
import sys
from pathlib import Path

# In a process of its own: building a page leaves event loops behind that Python complains of.
SWEEP = """
import sys
from pathlib import Path

import gradio as gr
from gradio.route_utils import delete_files_created_by_app

from apps.demo.app import build_demo
from apps.demo.examples import draw_examples
from tests.apps.fakes import make_shelf

demo = build_demo(make_shelf(), draw_examples(Path(sys.argv[1])))
delete_files_created_by_app(demo, age=None)
icons = [Path(block.icon["path"]) for block in demo.blocks.values() if isinstance(block, gr.Button) and block.icon]
print([icon.is_file() for icon in icons])
"""


def test_sweeping_uploads_away_spares_the_examples(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SWEEP, str(tmp_path)]
    root = Path(__file__).parents[2]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == str([True] * 7), ran.stderr
