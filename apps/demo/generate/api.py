"""The laboratory's endpoints for programs: ``gradio_client`` and MCP. They keep nothing between calls.

The names and docstrings of `GenerateEndpoints`' methods become those of the MCP tools; Gradio reads one line per
argument.
"""

import json
import threading
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from anime_models.animation import LARGEST_FPS
from anime_models.arguments import whole_number
from anime_models.errors import ConfigError
from anime_models.permalinks import FacePoint, check_names
from anime_models.projection import NUM_STEPS
from apps.demo.answers import prediction_as_data
from apps.demo.calls import add_endpoint, sent_source
from apps.demo.generate.animating import AnimationSettings, animate
from apps.demo.generate.laboratory import GeneratorShelf, Laboratory
from apps.demo.generate.points import FIRST_TRUNCATION, as_whole, whole_seed
from apps.demo.generate.projecting import cut_face, point_of_projection
from apps.demo.generate.rendering import png_bytes
from apps.demo.messages import errors_as_messages
from apps.demo.models import BUILT_IN, ModelChoice, ModelShelf
from apps.demo.uploads import Payload, upload_of
from apps.demo.wording import TASKS

FIRST = AnimationSettings()
TOP_K = 5
# As many at a time as there are cores; the others wait.
TURNS = 2
Answer = tuple[str, dict[str, Any]]


class GenerateEndpoints:
    """What programs can call."""

    def __init__(self, shelf: ModelShelf, generators: GeneratorShelf, folder: str) -> None:
        self.shelf = shelf
        self.generators = generators
        self._folder = folder
        self._turns = threading.Semaphore(TURNS)

    def generate_face(
        self,
        seed: float = 0,
        truncation: float = FIRST_TRUNCATION,
        directions: Any = "",
        permalink: str = "",
        generator: str = BUILT_IN,
    ) -> Answer:
        """Draw an anime face from a seed, and tell what the models see in it; the same seed gives the same face.

        Args:
            seed: whole number from 0 to 4294967295.
            truncation: 0 (always one average face) to 1.5; lower is nearer to it, higher more varied.
            directions: JSON with amounts from -1 to 1 by name, such as {"mouth open": 0.5}; empty moves nothing.
            permalink: text of an earlier answer; with one, seed, truncation and directions do not count.
            generator: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            the face as a PNG
            permalink, seed, truncation, clip and directions: what makes it again
            character and emotion: what the models see in it
            discriminator_score: higher looks more real to it; for ranking only
            novelty_distance: to the nearest training face, or null where there is nothing to compare with
            novelty_percentile: per cent of held-out real faces that are nearer to a training face, or null
        """
        with errors_as_messages(), self._turns:
            laboratory = self._laboratory(generator)
            if permalink:
                point = laboratory.generator.from_permalink(_text("permalink", permalink))
            else:
                point = _point(laboratory, seed, truncation, directions)
            return self._answer(laboratory, point)

    def interpolate(
        self,
        seeds: Any,
        truncation: float = FIRST_TRUNCATION,
        frames_per_step: float = FIRST.frames_per_step,
        fps: float = FIRST.fps,
        loop: bool = FIRST.loop,
        ending: str = FIRST.ending,
        generator: str = BUILT_IN,
    ) -> str:
        """Draw an animation in which one anime face becomes the next.

        Args:
            seeds: JSON with 2 to 12 whole numbers from 0 to 4294967295 in order, such as [1, 2, 3].
            truncation: 0 (always one average face) to 1.5; lower is nearer to it, higher more varied.
            frames_per_step: 1 to 120 from one face to the next.
            fps: frames per second, 1 to 50.
            loop: whether it goes on from the last face to the first.
            ending: "gif", "mp4" or "webp".
            generator: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            the animation as a file
        """
        with errors_as_messages():
            laboratory = self._laboratory(generator)
            listed = _from_json("seeds", seeds)
            if not isinstance(listed, list):
                raise ConfigError(f"seeds is {seeds!r}; give a list such as [1, 2, 3].")
            settings = AnimationSettings(
                whole_number("number of frames per step", as_whole(frames_per_step), 1, 120),
                whole_number("frames per second", as_whole(fps), 1, LARGEST_FPS),
                loop is True,
                _text("ending", ending),
            )
            points = [_point(laboratory, seed, truncation, "") for seed in listed]
            return self._file(animate(laboratory, points, settings), f"faces.{settings.ending}")

    def project_face(
        self, image: Payload | None, steps: float = NUM_STEPS, seed: float = 0, generator: str = BUILT_IN
    ) -> Answer:
        """Find the face that a generator can draw and that comes nearest to the one in a picture.

        Args:
            image: the picture; its best face is cut out.
            steps: 1 to 1000; more come nearer and take longer.
            seed: whole number from 0 to 4294967295; another one begins elsewhere.
            generator: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            the face as a PNG
            face_found: whether a face was found in the picture; else all of it was taken
            start_distance and end_distance: of the best random face and of this one from the picture
            and what generate_face tells, the permalink among it
        """
        with errors_as_messages(), self._turns:
            if image is None:
                raise ConfigError("There is no picture. Pass one as image.")
            laboratory = self._laboratory(generator)
            crop = cut_face(self.shelf.detector, Path(upload_of(image).path))
            found = laboratory.generator.project(crop.picture, steps=as_whole(steps), seed=whole_seed(seed))
            picture, told = self._answer(laboratory, point_of_projection(found))
            distances = {
                "start_distance": round(found.start_distance, 4),
                "end_distance": round(found.end_distance, 4),
            }
            return picture, {"face_found": crop.found, **distances, **told}

    def describe_generator(self, generator: str = BUILT_IN) -> dict[str, Any]:
        """Tell what a generator of anime faces offers: the size of its pictures and the names of its directions.

        Args:
            generator: "built-in" or owner/name on the Hugging Face Hub (a page of your own: also a folder).

        Returns:
            generator, fingerprint (of its permalinks), image_size in pixels, latent_size
            directions: name, strength (length of a step of 1) and effects
            trained_on: name of the data, or null
        """
        with errors_as_messages():
            found = self._laboratory(generator).generator
            return {
                "generator": generator,
                "fingerprint": found.fingerprint,
                "image_size": found.image_size,
                "latent_size": found.latent_size,
                "directions": [direction.model_dump(mode="json") for direction in found.directions],
                "trained_on": found.record.dataset.id if found.record else None,
            }

    def _laboratory(self, generator: object) -> Laboratory:
        return self.generators.get(sent_source("generator", generator))

    def _answer(self, laboratory: Laboratory, point: FacePoint) -> Answer:
        generator = laboratory.generator
        picture = generator.image(point)
        novelty = None if laboratory.newness is None else laboratory.newness.of(picture)
        seen = {task: self.shelf.classifier(task, ModelChoice().source(task)).predict([picture])[0] for task in TASKS}
        told: dict[str, Any] = {
            "permalink": generator.permalink(point),
            "seed": point.seed,
            "truncation": point.truncation,
            "clip": point.clip,
            "directions": dict(point.directions),
            "discriminator_score": round(float(generator.scores([picture])[0]), 4),
            "novelty_distance": None if novelty is None else round(novelty.distance, 4),
            "novelty_percentile": None if novelty is None else round(novelty.percentile, 1),
        }
        for task, prediction in seen.items():
            told[task] = prediction_as_data(task, prediction, TOP_K)
        return self._file(png_bytes(picture), "face.png"), told

    def _file(self, content: bytes, name: str) -> str:
        return save_bytes_to_cache(content, name, self._folder)


def add_generate_endpoints(shelf: ModelShelf, generators: GeneratorShelf) -> None:
    """Add the endpoints to the page that is being built; nothing of them shows on it."""
    picture = gr.Image(type="filepath", label="image", visible=False)
    endpoints = GenerateEndpoints(shelf, generators, picture.GRADIO_CACHE)
    seed = gr.Number(0, precision=0, label="seed", visible=False)
    truncation = gr.Number(FIRST_TRUNCATION, label="truncation", visible=False)
    # Texts, since what Gradio tells of its JSON fields is no valid schema of a tool.
    directions = gr.Textbox("", label="directions", visible=False)
    seeds = gr.Textbox(label="seeds", visible=False)
    permalink = gr.Textbox("", label="permalink", visible=False)
    generator = gr.Textbox(BUILT_IN, label="generator", visible=False)
    frames = gr.Number(FIRST.frames_per_step, precision=0, label="frames_per_step", visible=False)
    fps = gr.Number(FIRST.fps, precision=0, label="fps", visible=False)
    loop = gr.Checkbox(FIRST.loop, label="loop", visible=False)
    ending = gr.Textbox(FIRST.ending, label="ending", visible=False)
    steps = gr.Number(NUM_STEPS, precision=0, label="steps", visible=False)
    face, told, film = gr.Image(visible=False), gr.JSON(visible=False), gr.File(visible=False)
    what = [seed, truncation, directions, permalink, generator]
    add_endpoint(endpoints.generate_face, what, [face, told], concurrency_id=None)
    add_endpoint(endpoints.interpolate, [seeds, truncation, frames, fps, loop, ending, generator], film, "explore")
    add_endpoint(endpoints.project_face, [picture, steps, seed, generator], [face, told], concurrency_id=None)
    add_endpoint(endpoints.describe_generator, [generator], told, "load")


def _point(laboratory: Laboratory, seed: object, truncation: Any, directions: object) -> FacePoint:
    amounts = _from_json("directions", directions) or {}
    if not isinstance(amounts, dict):
        raise ConfigError(f"directions is {directions!r}; give amounts by name, or nothing.")
    check_names(amounts, [direction.name for direction in laboratory.generator.directions])
    return FacePoint(seed=whole_seed(seed), truncation=truncation, directions=amounts)


def _from_json(name: str, value: object) -> Any:
    """What a text of JSON says; whatever is no text has come as JSON already."""
    if not isinstance(value, str) or not value.strip():
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigError(f"{name} is {value!r}, which is no JSON.") from error


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{name} is {value!r}; give a text.")
    return value
