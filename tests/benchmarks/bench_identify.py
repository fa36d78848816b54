"""What the main job costs beyond the networks: image bytes to both answers, against the bare forward passes.

    python -m tests.benchmarks.bench_identify [--rounds 30] [--threads 2]

Exits with 1 when a limit is exceeded. Busy cores make every figure worse but the ratio.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from anime_models.drawn_faces import draw_scene
from anime_models.faces import FaceDetector
from anime_models.images import load_image
from anime_models.reader import FaceReader
from anime_models.records import peak_rss_mb

REPOSITORY = Path(__file__).parents[2]
# Faces, width and height, file format: what people upload, from a forum avatar to a whole illustration.
SCENES = (
    (1, (512, 512), "PNG"),
    (1, (640, 480), "JPEG"),
    (2, (640, 640), "WEBP"),
    (0, (800, 600), "JPEG"),
    (1, (768, 1024), "JPEG"),
    (3, (1280, 960), "JPEG"),
)
MAX_RATIO = 1.3
MAX_DETECTOR_MS = 25.0
MAX_COLD_START_SECONDS = 10.0
FIRST_ANSWER = """
import sys
from anime_models.images import load_image
from anime_models.reader import FaceReader
from anime_models.records import peak_rss_mb
reading = FaceReader.embedded().read(load_image(sys.stdin.buffer.read()))
print(f"{peak_rss_mb():.0f}", flush=True)
"""


@dataclass(frozen=True)
class Timed:
    """Durations in milliseconds of one scene, ``[rounds]`` each: the whole job, and the bare forward passes."""

    name: str
    whole: np.ndarray
    bare: np.ndarray


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_identify")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    reader = FaceReader.embedded()
    timed = time_scenes(reader, options.rounds)
    for scene in timed:
        whole, bare = np.median(scene.whole), np.median(scene.bare)
        print(f"{scene.name:34s} {whole:7.1f} ms, networks alone {bare:7.1f} ms, {whole / bare:.2f}x")
    everything = np.concatenate([scene.whole for scene in timed])
    print(
        f"bytes to both answers: p50 {np.percentile(everything, 50):.1f} ms, p95 {np.percentile(everything, 95):.1f} ms"
    )
    cold_seconds, cold_mb = cold_start()
    print(f"peak memory: {cold_mb:.0f} MB for one answer in a fresh process, {peak_rss_mb():.0f} MB here")
    ratio = sum(np.median(scene.whole) for scene in timed) / sum(np.median(scene.bare) for scene in timed)
    return check(
        ("time of the whole job over that of its networks", float(ratio), MAX_RATIO, "x"),
        ("detector, 640 x 640 pixels", time_detector(reader.detector, options.rounds), MAX_DETECTOR_MS, "ms"),
        ("cold start to the first answer", cold_seconds, MAX_COLD_START_SECONDS, "s"),
    )


def check(*figures: tuple[str, float, float, str]) -> int:
    """Print figures beside their limits; 1 when one is above."""
    for name, value, limit, unit in figures:
        print(f"{name}: {value:.2f} {unit} (at most {limit:g}){'   TOO MUCH' if value > limit else ''}")
    return int(any(value > limit for _, value, limit, _ in figures))


def time_scenes(reader: FaceReader, rounds: int) -> list[Timed]:
    """Time every scene, whole job and bare passes in turn, so that a disturbance meets both."""
    jobs = []
    for seed, (num_faces, size, kind) in enumerate(SCENES):
        content = encode(draw_scene(seed=seed, num_faces=num_faces, size=size)[0], kind)
        name = f"{num_faces} faces, {size[0]} x {size[1]}, {kind}"
        whole = partial(identify, reader, content)
        jobs.append((name, whole, bare_passes(reader, whole)))
    durations: list[tuple[list[float], list[float]]] = [([], []) for _ in jobs]
    for number in range(rounds + 2):
        for (_, whole, bare), (whole_ms, bare_ms) in zip(jobs, durations, strict=True):
            measured = milliseconds(whole), milliseconds(bare)
            if number >= 2:  # the first rounds warm up
                whole_ms.append(measured[0])
                bare_ms.append(measured[1])
    return [Timed(name, *map(np.array, each)) for (name, _, _), each in zip(jobs, durations, strict=True)]


def identify(reader: FaceReader, content: bytes) -> None:
    reader.read(load_image(content))


def bare_passes(reader: FaceReader, whole: Callable[[], None]) -> Callable[[], None]:
    """The forward passes that the job makes, as one function on ready-made tensors."""
    passes: list[tuple[nn.Module, Tensor]] = []

    def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        passes.append((module, inputs[0].clone(memory_format=torch.preserve_format)))

    classifiers = [reader.character.model, reader.emotion.model]
    networks = [reader.detector.network, *(part for model in classifiers for part in (model.backbone, model.head))]
    hooks = [network.register_forward_pre_hook(record) for network in networks]
    whole()
    for hook in hooks:
        hook.remove()

    def run() -> None:
        with torch.inference_mode():
            for network, inputs in passes:
                network(inputs)

    return run


def time_detector(detector: FaceDetector, rounds: int) -> float:
    """Median duration in milliseconds of a detection, of a picture that is decoded already."""
    image = draw_scene(seed=1, num_faces=2, size=(640, 640))[0]
    durations = [milliseconds(lambda: detector.detect(image)) for _ in range(rounds + 2)]
    return float(np.median(durations[2:]))


def cold_start() -> tuple[float, float]:
    """Seconds from starting a process to its first answer, and its peak memory in MB; imports are cached before."""
    content = encode(draw_scene(seed=1, num_faces=1, size=(640, 480))[0], "JPEG")
    command = [sys.executable, "-c", FIRST_ANSWER]
    subprocess.run(command, input=content, cwd=REPOSITORY, stdout=subprocess.DEVNULL, check=True)
    started = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(content)
        process.stdin.close()
        answer = process.stdout.readline()
        return time.perf_counter() - started, float(answer)


def encode(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def milliseconds(job: Callable[[], object]) -> float:
    started = time.perf_counter()
    job()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
