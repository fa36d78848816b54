"""The plainest page that shows a face for a seed: ``python -m tests.benchmarks.plain_generate --generator SOURCE``.

What `bench_generate` compares the tab Generate with; it has the ids that are looked for there.
"""

import argparse
import threading

import gradio as gr
from PIL import Image

from anime_models.generator import FaceGenerator


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.plain_generate")
    parser.add_argument("--generator")
    parser.add_argument("--port", type=int, default=7860)
    options = parser.parse_args()
    generator = FaceGenerator.load(options.generator)

    def draw(seed: float) -> Image.Image:
        return generator.images(generator.latent(int(seed), 0.7)[None])[0]

    with gr.Blocks(analytics_enabled=False) as demo:
        seed = gr.Slider(0, 9999, 1, step=1, label="Seed", elem_id="am-seed-slider")
        face = gr.Image(draw(1), label="Face", elem_id="am-face")
        seed.change(draw, seed, face)
    _, url, _ = demo.launch(server_port=options.port, prevent_thread_lock=True, share=False, quiet=True)
    print(f"The plain page is at {url} and ends with Ctrl+C.", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
