"""The page: a header and one tab per job. `build_demo` wires it, `launch_demo` serves it."""

import os
from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from anime_models.images import DEFAULT_LIMITS
from apps.demo.about_tab import AboutTab
from apps.demo.api import add_endpoints
from apps.demo.batch_tab import BatchTab
from apps.demo.examples import Example
from apps.demo.generate.api import add_generate_endpoints
from apps.demo.generate.laboratory import GeneratorShelf
from apps.demo.generate_tab import GENERATE, GenerateTab
from apps.demo.identify_tab import IdentifyTab
from apps.demo.models import ModelShelf
from apps.demo.theme import STYLE_SHEETS, make_theme

TITLE = "Anime Models"
PURPOSE = "Who is drawn here, and what does the face express? Every answer says how far it can be trusted."
HEADER = f'<header class="am-header"><h1>{TITLE}</h1><p>{PURPOSE}</p></header>'
# Gradio keeps our style sheet to the inside of the page; its footer lies outside.
HEAD = "<style>@media (max-width: 768px) { footer > .divider { display: none !important; } }</style>"

PASTE_SCRIPT = Path(__file__).parent / "paste.js"

# Two cores: two readings at a time keep both busy, the rest waits in the queue.
CONCURRENCY = 2
QUEUE_SIZE = 64
MAX_SESSIONS = 1000
SWEEP_SECONDS, KEEP_SECONDS = 600, 3600


def build_demo(
    shelf: ModelShelf, examples: Sequence[Example] = (), generators: GeneratorShelf | None = None
) -> gr.Blocks:
    """The page.

    Args:
        shelf: the models, shared by all visitors.
        examples: pictures to try.
        generators: of faces, shared as well; None begins with the one that is built in.

    Raises:
        AnimeModelsError: the generator to begin with does not load.
    """
    generators = generators or GeneratorShelf()
    # Gradio sums up all calls with pandas after each one, for a monitoring page that is off here.
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")
    # What Gradio copies it also deletes when it sweeps uploads away, even the pictures of buttons.
    gr.set_static_paths([example.path for example in examples])
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(SWEEP_SECONDS, KEEP_SECONDS)) as demo:
        gr.HTML(HEADER, js_on_load=None)
        with gr.Tabs(overflow_behavior="wrap") as tabs:
            with gr.Tab("Identify", id="identify"):
                identify = IdentifyTab(shelf, examples)
            with gr.Tab("Many files", id="batch"):
                BatchTab(shelf, identify.settings)
            with gr.Tab("Generate", id=GENERATE) as tab:
                generate = GenerateTab(shelf, generators, identify.settings.choice, tab)
            with gr.Tab("About", id="about"):
                AboutTab(shelf, identify.settings)
        generate.open_links(demo, tabs)
        add_endpoints(shelf)
        add_generate_endpoints(shelf, generators)
    return demo.queue(max_size=QUEUE_SIZE, default_concurrency_limit=CONCURRENCY)


def launch_demo(demo: gr.Blocks, host: str, port: int, favicon: Path | None = None) -> str:
    """Serve the page and its MCP server in the background; returns the address.

    Args:
        demo: from `build_demo`.
        host: name or address to listen at.
        port: number to listen at.
        favicon: picture for the browser's tab.

    Raises:
        OSError: the port is taken.
    """
    _, url, _ = demo.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        share=False,
        inbrowser=False,
        quiet=True,
        theme=make_theme(),
        css_paths=STYLE_SHEETS,
        head=HEAD,
        js=PASTE_SCRIPT.read_text("utf-8"),
        favicon_path=favicon,
        footer_links=["api", "settings"],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=True,
        max_file_size=DEFAULT_LIMITS.max_bytes,
        state_session_capacity=MAX_SESSIONS,
    )
    return url
