"""What a new face costs beyond a plain script and a plain page: from a slider to the page, and to the screen.

    python -m tests.benchmarks.bench_generate [--generator SOURCE] [--rounds 60] [--threads 2]

Without a generator, and where none is built in, one of the size that ships, with random weights, is measured. Exits
with 1 when a limit is exceeded. Busy cores make every figure worse but the ratios.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from anime_models.dcgan import Generator
from anime_models.generator import EMBEDDED
from anime_models.permalinks import FacePoint
from apps.demo.generate.laboratory import GeneratorShelf, Laboratory
from apps.demo.generate.points import Link, controls_of, link_query, point_of
from apps.demo.generate.rendering import SCALE, render_face
from apps.demo.models import BUILT_IN
from tests.apps.serving import served
from tests.benchmarks.bench_identify import check, milliseconds
from tests.browser.driver import Visit, launch_browser
from tests.small_generators import small_generator

MAX_RATIO = 3.0
MAX_PLAIN_RATIO = 1.5
MAX_SLIDER_MS = 150.0
LOADING_MS = 120_000
WARM_UP = 3
WIDTH = 64
# Drags the seed slider step by step; how long after each step the new face is on the screen, in milliseconds.
DRAG = """async (rounds) => {
    const slider = document.querySelector("#am-seed-slider input[type=range]");
    const face = document.querySelector("#am-face");
    const shown = () => face.querySelector("img")?.src;
    const took = [];
    for (let seed = 100; seed < 100 + rounds; seed++) {
        const before = shown();
        const changed = new Promise((done) => {
            const watcher = new MutationObserver(() => {
                if (!shown() || shown() === before) return;
                watcher.disconnect();
                done();
            });
            watcher.observe(face, { childList: true, attributes: true, subtree: true });
        });
        const started = performance.now();
        slider.value = seed;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        await changed;
        await face.querySelector("img").decode();
        took.push(performance.now() - started);
    }
    return took;
}"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_generate")
    parser.add_argument("--generator", help="checkpoint folder or Hub id instead of the built-in generator")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        source = options.generator
        if source is None:
            source = str(EMBEDDED if EMBEDDED.is_dir() else small_generator(Path(folder), width=WIDTH))
        whole, bare = time_faces(GeneratorShelf(source).get(BUILT_IN), options.rounds)
        slider = time_slider("apps.demo", source, options.rounds)
        plain = time_slider("tests.benchmarks.plain_generate", source, options.rounds)
    tell("controls to a face on the page, without the browser", whole)
    tell("network, enlargement and JPEG in a plain script", bare)
    tell("slider to the new face on the screen", slider)
    tell("the same on a plain page", plain)
    ratio = float(np.median(whole) / np.median(bare))
    plain_ratio = float(np.median(slider) / np.median(plain))
    return check(
        ("time of a face over that in a plain script", ratio, MAX_RATIO, "x"),
        ("time to the screen over that of a plain page", plain_ratio, MAX_PLAIN_RATIO, "x"),
        ("slider to the new face on the screen, p95", float(np.percentile(slider, 95)), MAX_SLIDER_MS, "ms"),
    )


def tell(name: str, durations: np.ndarray) -> None:
    """Print the percentiles of durations in milliseconds."""
    print(f"{name:52s} p50 {np.percentile(durations, 50):6.1f} ms, p95 {np.percentile(durations, 95):6.1f} ms")


def time_faces(laboratory: Laboratory, rounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Durations in milliseconds, ``[rounds]`` each, of all that the server does for a face and of a plain script."""
    generator = laboratory.generator
    names = laboratory.direction_names[:2]
    whole, bare = [], []
    for seed in range(rounds + WARM_UP):
        point = FacePoint(seed=seed, truncation=0.7, directions=dict.fromkeys(names, 0.5))
        latent = torch.from_numpy(generator.latent_at(point))[None]
        whole.append(milliseconds(partial(draw, laboratory, point)))
        bare.append(milliseconds(partial(draw_plainly, generator.generator, latent)))
    return np.array(whole[WARM_UP:]), np.array(bare[WARM_UP:])


@torch.inference_mode()
def draw_plainly(network: Generator, latent: torch.Tensor) -> bytes:
    """What anybody would write: the network, an enlargement by Pillow, a JPEG."""
    pixels = network(latent)[0].add(1).mul(127.5).clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()
    picture = Image.fromarray(pixels)
    buffer = io.BytesIO()
    size = (SCALE * picture.width, SCALE * picture.height)
    picture.resize(size, Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def draw(laboratory: Laboratory, point: FacePoint) -> None:
    """What the page does when a slider has moved."""
    found = point_of(laboratory, *controls_of(laboratory, point))
    render_face(laboratory.generator.image(found), found)
    link_query(Link(laboratory.generator.permalink(found)))


def time_slider(module: str, source: str, rounds: int) -> np.ndarray:
    """Durations in milliseconds ``[rounds]`` from a step of a page's slider to the face in a browser."""
    with (
        served(module, "--generator", source) as address,
        sync_playwright() as playwright,
        launch_browser(playwright) as browser,
    ):
        page = Visit(browser, address, "?tab=generate").page
        if module == "apps.demo":
            expect(page.locator("#am-neighbours button")).to_have_count(9, timeout=LOADING_MS)
        page.locator("#am-seed-slider input[type=range]").wait_for(timeout=LOADING_MS)
        page.evaluate(DRAG, WARM_UP)
        return np.array(page.evaluate(DRAG, rounds))


if __name__ == "__main__":
    sys.exit(main())
