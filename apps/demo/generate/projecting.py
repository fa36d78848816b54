"""From a picture that somebody uploaded to the nearest face that a generator can draw: no page in here."""

import queue
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from anime_models.faces import FaceDetector, crop_face
from anime_models.images import load_image
from anime_models.permalinks import FacePoint
from anime_models.projection import Projection
from apps.demo.generate.laboratory import Laboratory

REPORT_SECONDS = 0.25


@dataclass
class Flag:
    """One visitor's wish to stop."""

    raised: bool = False


@dataclass(frozen=True)
class Crop:
    """The face that is projected, and whether the detector found it (else it is the whole picture)."""

    picture: Image.Image
    found: bool


@dataclass(frozen=True)
class Step:
    """How far a projection has come: a share in [0, 1] and the face so far."""

    share: float
    picture: Image.Image


@dataclass
class _Run:
    messages: "queue.Queue[Step | Projection | Exception]" = field(default_factory=queue.Queue)
    reported: float = 0.0


def cut_face(detector: FaceDetector, path: Path) -> Crop:
    """The best face of a picture, as a square; the whole picture where none is found.

    Raises:
        ImageError: the file is not a usable picture.
    """
    image = load_image(path)
    faces = detector.detect(image)
    if not faces:
        return Crop(crop_face(image, (0.0, 0.0, float(image.width), float(image.height)), margin=0.0), found=False)
    return Crop(crop_face(image, faces[0].box), found=True)


def projected(
    laboratory: Laboratory, crop: Image.Image, steps: int, flag: Flag
) -> Generator[Step | Projection, None, None]:
    """Steps on the way, a few a second, and at last the projection; it ends early once the flag is raised.

    Raises:
        AnimeModelsError: the steps are out of range.
    """
    run = _Run()

    def report(share: float, picture: Image.Image) -> None:
        now = time.monotonic()
        if now - run.reported >= REPORT_SECONDS:
            run.reported = now
            run.messages.put(Step(share, picture))

    def work() -> None:
        try:
            found = laboratory.generator.project(crop, steps=steps, progress=report, should_stop=lambda: flag.raised)
            run.messages.put(found)
        except Exception as error:  # whatever it is, it is raised below; else the visitor would wait for ever
            run.messages.put(error)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    try:
        while True:
            message = run.messages.get()
            if isinstance(message, Exception):
                raise message
            yield message
            if isinstance(message, Projection):
                return
    finally:
        # The visitor may have left the page.
        flag.raised = True
        worker.join()


def point_of_projection(projection: Projection) -> FacePoint:
    """Where the page goes: the face itself, neither truncated nor moved."""
    return FacePoint(latent=tuple(projection.latent.tolist()))
