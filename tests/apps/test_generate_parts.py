"""What stands behind the tab Generate, without a page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from anime_models.classifier import Prediction
from anime_models.drawn_faces import draw_face
from anime_models.errors import AnimeModelsError, CheckpointError, ConfigError
from anime_models.generator import FaceGenerator
from anime_models.generator_checkpoint import NOVELTY, load_generator
from anime_models.hub import PUBLIC
from anime_models.novelty import Novelty
from anime_models.permalinks import FacePoint
from anime_models.projection import Projection
from anime_models.records import SelectionPart, read_record, write_record
from apps.demo.generate import laboratory as laboratories
from apps.demo.generate.animating import AnimationSettings, animate, num_frames
from apps.demo.generate.epochs import render_epoch
from apps.demo.generate.exploring import (
    NUM_NEIGHBOURS,
    faces_around,
    neighbour_tiles,
    ranked_faces,
    ranking_tiles,
)
from apps.demo.generate.keeping import grid_picture, without_repeats
from apps.demo.generate.laboratory import MAX_DIRECTIONS, GeneratorShelf, Laboratory
from apps.demo.generate.newness import load_newness, newness_in_words
from apps.demo.generate.points import (
    Link,
    controls_of,
    in_words,
    link_query,
    picture_name,
    point_of,
    read_query,
)
from apps.demo.generate.projecting import Flag, Step, cut_face, point_of_projection, projected
from apps.demo.generate.rendering import render_face, render_keyframes, render_readings, render_tiles
from apps.demo.models import BUILT_IN
from apps.demo.wording import TASKS, Task
from tests.apps.fakes import FakeDetector, make_prediction
from tests.small_generators import NAMES, small_generator

POINT = FacePoint(seed=42, truncation=0.7, directions={"mouth open": 0.5})


@pytest.fixture(scope="module")
def laboratory(generator_folder: Path) -> Laboratory:
    return GeneratorShelf(str(generator_folder)).get(BUILT_IN)


@pytest.fixture
def no_built_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(laboratories, "EMBEDDED", tmp_path / "nowhere")


def test_without_a_built_in_generator_others_still_load(no_built_in: None, generator_folder: Path) -> None:
    shelf = GeneratorShelf()
    assert shelf.first() is None
    with pytest.raises(CheckpointError, match=r'Train one with "python -m training\.train_gan'):
        shelf.get(" ")
    assert shelf.get(str(generator_folder)).generator.image_size == 64


def test_a_generator_that_was_named_has_to_load(tmp_path: Path) -> None:
    with pytest.raises(AnimeModelsError, match="no folder"):
        GeneratorShelf(str(tmp_path / "nowhere")).first()


def test_a_generator_is_loaded_once(generator_folder: Path) -> None:
    shelf = GeneratorShelf(str(generator_folder))
    assert shelf.get("") is shelf.get(BUILT_IN) is shelf.first()


def test_no_more_directions_than_there_are_sliders(tmp_path: Path) -> None:
    names = [f"direction {number}" for number in range(MAX_DIRECTIONS + 2)]
    folder = small_generator(tmp_path, directions=names, epochs=0, novelty=False)
    laboratory = GeneratorShelf().get(str(folder))
    assert laboratory.direction_names == names[:MAX_DIRECTIONS]
    assert laboratory.newness is None


@pytest.mark.parametrize(
    "point",
    [POINT, FacePoint(seed=2**32 - 1, clip=2), FacePoint(latent=tuple(np.linspace(-2, 2, 128)), truncation=1.5)],
)
def test_controls_tell_a_point_exactly(laboratory: Laboratory, point: FacePoint) -> None:
    controls = controls_of(laboratory, point)
    assert len(controls) == 4 + MAX_DIRECTIONS
    assert point_of(laboratory, *controls) == point


@pytest.mark.parametrize("seed", [None, "", "x", -1, 2**32, 0.5, True])
def test_a_seed_that_is_none_is_refused(laboratory: Laboratory, seed: object) -> None:
    with pytest.raises(ConfigError, match="whole number from 0 to 4294967295"):
        point_of(laboratory, seed, "", 0.7, 4.0)


def test_a_whole_float_is_a_seed(laboratory: Laboratory) -> None:
    assert point_of(laboratory, 42.0, "", 0.7, 4.0).seed == 42


def test_a_slider_without_a_value_is_named(laboratory: Laboratory) -> None:
    controls: list[Any] = [42, "", 0.7, None]
    with pytest.raises(ConfigError, match="The clip is empty"):
        point_of(laboratory, *controls)


def test_a_point_along_directions_without_a_slider_is_refused(laboratory: Laboratory) -> None:
    with pytest.raises(ConfigError, match="no direction 'longer ears'"):
        controls_of(laboratory, FacePoint(seed=1, directions={"longer ears": 0.5}))


def test_links_survive_the_address(laboratory: Laboratory) -> None:
    face = laboratory.generator.permalink(POINT)
    for link in (Link(face), Link(face, "owner/name & more")):
        assert read_query(f"?{link_query(link)}") == ("generate", link)
    assert read_query("") == (None, None)
    assert read_query("?__theme=dark&tab=about") == ("about", None)


def test_points_are_told_in_words() -> None:
    assert in_words(POINT) == "Seed 42, truncation 0.70, mouth open +0.50"
    found = FacePoint(latent=(0.0, 1.0), clip=2)
    assert in_words(found) == "A face without a seed, truncation 1.00, clip 2.00"
    assert (picture_name(POINT), picture_name(found)) == ("face-seed-42.png", "face.png")


def test_neighbours_surround_the_face(laboratory: Laboratory) -> None:
    found = faces_around(laboratory, POINT, 5.0, 0)
    assert len(found) == NUM_NEIGHBOURS + 1
    assert found[NUM_NEIGHBOURS // 2].point == POINT
    assert all(one.point.directions == POINT.directions for one in found)
    again = faces_around(laboratory, POINT, 5.0, 0)
    assert [one.point for one in again] == [one.point for one in found]
    assert faces_around(laboratory, POINT, 5.0, 1)[0].point != found[0].point
    html = render_tiles(neighbour_tiles(laboratory, found), "Around", 3)
    assert html.count("<button") == NUM_NEIGHBOURS + 1
    assert 'aria-label="The face itself"' in html


def test_random_faces_are_ranked(laboratory: Laboratory) -> None:
    found = ranked_faces(laboratory, POINT, [1, 2, 3, 4])
    scores = [one.score for one in found if one.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert {one.point.seed for one in found} == {1, 2, 3, 4}
    assert {one.point.truncation for one in found} == {0.7}
    assert "Place 1, seed" in render_tiles(ranking_tiles(laboratory, found), "Ranked", 6)


def test_names_in_a_checkpoint_are_escaped(tmp_path: Path) -> None:
    name = '<b>"bold"</b>'
    laboratory = GeneratorShelf().get(str(small_generator(tmp_path, directions=[name], epochs=0, novelty=False)))
    point = FacePoint(seed=1, directions={name: 1})
    html = render_face(laboratory.generator.image(point), point)
    assert "<b>" not in html
    assert "&lt;b&gt;&quot;bold&quot;" in html


def test_the_big_face_is_enlarged_and_described(laboratory: Laboratory) -> None:
    html = render_face(laboratory.generator.image(POINT), POINT)
    assert 'alt="Generated face. Seed 42, truncation 0.70, mouth open +0.50"' in html
    assert 'width="256"' in html


def test_readings_hold_answers_and_facts() -> None:
    answers: dict[Task, Prediction] = {task: make_prediction(task) for task in TASKS}
    html = render_readings(answers, 2, Novelty(2.5, 63.0), -1.25)
    assert html.count('role="meter"') == 4
    assert "63% of real faces that training never saw" in html
    assert "-1.25" in html
    assert "training never saw" not in render_readings(answers, 2, None, 0.0)


def test_newness_in_words() -> None:
    assert newness_in_words(Novelty(2.5, 50)).startswith("Not a copy: 50%")
    assert newness_in_words(Novelty(2.5, 50)).endswith("Its distance to the nearest one is 2.50.")
    assert newness_in_words(Novelty(0.1, 2)).startswith("Close to a training face: 98%")
    assert newness_in_words(Novelty(0, 0)).startswith("Close to a training face: 100%")


def test_newness_is_a_distance_and_a_percentile(laboratory: Laboratory) -> None:
    assert laboratory.newness is not None
    novelty = laboratory.newness.of(laboratory.generator.image(POINT))
    assert novelty.distance > 0
    assert 0 <= novelty.percentile <= 100


def test_a_broken_comparison_is_the_generator_s_and_tells_no_folder(tmp_path: Path) -> None:
    folder = small_generator(tmp_path, epochs=0, novelty=False)
    (folder / NOVELTY).write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=r"^rin/faces/novelty\.safetensors is damaged") as raised:
        load_newness(FaceGenerator(load_generator(folder), "rin/faces"))
    assert str(folder) not in str(raised.value)


def test_a_public_page_sends_nobody_to_its_folders(no_built_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUBLIC, "1")
    with pytest.raises(CheckpointError, match=r"Name one on the Hugging Face Hub as owner/name\.$"):
        GeneratorShelf().get(BUILT_IN)


@pytest.mark.parametrize(("loop", "frames"), [(True, 12), (False, 9)])
def test_an_animation_goes_from_face_to_face(laboratory: Laboratory, loop: bool, frames: int) -> None:
    points = [FacePoint(seed=seed) for seed in (1, 2, 3)]
    settings = AnimationSettings(frames_per_step=4, fps=10, loop=loop, ending="webp")
    told: list[tuple[int, int]] = []
    content = animate(laboratory, points, settings, lambda *progress: told.append(progress))
    assert content[:4] == b"RIFF"
    assert num_frames(3, settings) == frames
    assert told == [(done, frames) for done in range(frames)]


@pytest.mark.parametrize(("faces", "steps"), [(1, 4), (13, 4), (12, 120), (3, 0), (3, 121)])
def test_an_animation_out_of_range_is_refused(faces: int, steps: int) -> None:
    with pytest.raises(ConfigError):
        num_frames(faces, AnimationSettings(frames_per_step=steps))


def test_keyframes_can_be_visited_and_removed(laboratory: Laboratory) -> None:
    assert "No face yet" in render_keyframes([])
    tiles = neighbour_tiles(laboratory, faces_around(laboratory, POINT, 5.0, 0))
    html = render_keyframes(tiles[:2])
    assert 'data-remove="1"' in html
    assert 'aria-label="Remove keyframe 2"' in html


def test_a_grid_is_one_picture() -> None:
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    grid = grid_picture(pictures, 2)
    assert grid.size == (32, 32)
    assert grid.getpixel((24, 24)) == (255, 255, 255)


def test_repeated_points_are_kept_once(laboratory: Laboratory) -> None:
    other = FacePoint(seed=2)
    assert without_repeats(laboratory, [POINT, other, POINT, FacePoint(seed=2)]) == [POINT, other]


def test_epochs_tell_their_figures(tmp_path: Path) -> None:
    folder = small_generator(tmp_path, epochs=3, novelty=False)
    record = read_record(folder / "record.json")
    record.recipe["extractor"] = "efficientnet_lite0-imagenet"
    record.selection = SelectionPart(metric="held_out/fid", best_epoch=1)
    write_record(record, folder / "record.json")
    lines = [{"epoch": 0.0, "held_out/fid": 90.5}, {"epoch": 1.0, "held_out/fid": 41.26}, {"epoch": 2.0}]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    generator = GeneratorShelf().get(str(folder)).generator
    assert "Epoch 2 of 3 · FID 41.3 (efficientnet_lite0-imagenet) · this one was kept" in render_epoch(generator, 2)
    plain = render_epoch(generator, 3)
    assert "Epoch 3 of 3<" in plain
    assert "data:image/webp;base64," in plain


def test_without_epochs_there_is_a_sentence(tmp_path: Path) -> None:
    folder = small_generator(tmp_path, epochs=0, novelty=False)
    assert "came without pictures of its training" in render_epoch(GeneratorShelf().get(str(folder)).generator, 1)


@pytest.mark.parametrize(("size", "found"), [((200, 200), True), ((80, 90), False)])
def test_the_best_face_is_cut_out(tmp_path: Path, size: tuple[int, int], found: bool) -> None:
    draw_face(identity=1, size=200).resize(size).save(tmp_path / "picture.png")
    crop = cut_face(FakeDetector(), tmp_path / "picture.png")
    assert crop.found is found
    assert crop.picture.width == crop.picture.height


def test_a_projection_ends_with_a_point(laboratory: Laboratory) -> None:
    *steps, last = projected(laboratory, draw_face(identity=1, size=64), 5, Flag())
    assert all(isinstance(step, Step) for step in steps)
    assert isinstance(last, Projection)
    assert last.complete
    point = point_of_projection(last)
    assert np.array_equal(np.asarray(laboratory.generator.image(point)), np.asarray(last.picture))


def test_a_projection_that_is_cancelled_keeps_what_it_has(laboratory: Laboratory) -> None:
    flag = Flag()
    walk = projected(laboratory, draw_face(identity=1, size=64), 1000, flag)
    assert isinstance(next(walk), Step)
    flag.raised = True
    *_, last = walk
    assert isinstance(last, Projection)
    assert not last.complete
    assert 1 <= len(last.losses) < 1000


def test_a_visitor_who_leaves_ends_the_projection(laboratory: Laboratory) -> None:
    flag = Flag()
    walk = projected(laboratory, draw_face(identity=1, size=64), 1000, flag)
    next(walk)
    walk.close()
    assert flag.raised


def test_a_projection_out_of_range_is_refused(laboratory: Laboratory) -> None:
    with pytest.raises(ConfigError, match="number of steps"):
        list(projected(laboratory, draw_face(identity=1, size=64), 0, Flag()))


def test_whatever_ends_a_projection_ends_the_waiting(laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    def out_of_memory(*arguments: object, **settings: object) -> None:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr(laboratory.generator, "project", out_of_memory)
    with pytest.raises(RuntimeError, match="not enough memory"):
        list(projected(laboratory, draw_face(identity=1, size=64), 5, Flag()))


def test_all_named_directions_get_a_slider(laboratory: Laboratory) -> None:
    assert laboratory.direction_names == list(NAMES)
