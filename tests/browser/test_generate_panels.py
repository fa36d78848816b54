"""What can be done with a face in the tabs beside it, in a real browser; the generator draws coloured noise."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from anime_models.enlargement import enlarge
from anime_models.generator import FaceGenerator
from anime_models.permalinks import FacePoint
from anime_models.picture_archive import MANIFEST, write_archive
from tests.browser.generate_page import CAPTION, FACES, face, open_panel, query_of, saved, slide, to_first_face, to_seed

Generate = Callable[..., Page]
UPLOAD = "#am-project-picture input[type=file]"
ARCHIVE, REBUILD = (f"input[accept*='.zip']:has(+ #{button})" for button in ("am-open-seeds", "am-rebuild-seeds"))


@pytest.fixture
def page(generate_page: Page) -> Page:
    """The page that all tests here share, on its first face."""
    to_first_face(generate_page)
    return generate_page


@pytest.fixture
def animation(page: Page) -> Page:
    """The page with its animation open and without keyframes."""
    open_panel(page, "Animation")
    page.locator("#am-clear-keyframes").click()
    expect(page.locator("#am-keyframes")).to_contain_text("No face yet")
    return page


def add_keyframes(page: Page, *seeds: int) -> None:
    for number, seed in enumerate(seeds, start=1):
        to_seed(page, seed)
        page.locator("#am-add-keyframe").click()
        expect(page.locator(f"#am-keyframes {FACES}")).to_have_count(number)


def test_a_neighbour_can_be_visited_and_linked_to(page: Page, generate: Generate) -> None:
    open_panel(page, "Neighbours")
    neighbours = page.locator(f"#am-neighbours {FACES}")
    expect(neighbours).to_have_count(9)
    neighbours.nth(0).click()
    expect(page.locator(CAPTION)).to_have_text("A face without a seed, truncation 1.00")
    expect(page).to_have_url(re.compile(r"\.z[\w-]+\.t1000$"))
    again = generate(query_of(page))
    expect(again.locator(CAPTION)).to_contain_text("without a seed")
    assert face(again) == face(page)
    name, content = saved(page, "#am-save-neighbours-grid")
    assert name == "neighbours.png"
    assert Image.open(io.BytesIO(content)).size == (384, 384)
    page.locator("#am-next").click()
    expect(page.locator(CAPTION)).to_have_text("Seed 2, truncation 1.00")


def test_other_neighbours_can_be_asked_for(page: Page) -> None:
    open_panel(page, "Neighbours")
    neighbours = page.locator(f"#am-neighbours {FACES}")
    expect(neighbours.nth(4)).to_have_attribute("data-go", re.compile(r"\.s1\."))
    before = neighbours.nth(0).get_attribute("data-go") or ""
    page.locator("#am-other-neighbours").click()
    expect(neighbours.nth(0)).not_to_have_attribute("data-go", before)
    expect(neighbours.nth(4)).to_have_attribute("data-go", re.compile(r"\.s1\."))


def test_random_faces_are_ranked_visited_and_saved(page: Page) -> None:
    open_panel(page, "Best of many")
    page.locator("#am-save-ranking-grid").click()
    expect(page.get_by_test_id("toast-body")).to_contain_text("There are no faces yet")
    slide(page, "How many", 6)
    page.locator("#am-draw-batch").click()
    ranked = page.locator(f"#am-ranking {FACES}")
    expect(ranked).to_have_count(6)
    notes = [one.locator(".am-tile-note").all_inner_texts() for one in ranked.all()]
    scores = [float(score) for _, score in notes]
    assert scores == sorted(scores, reverse=True)
    ranked.nth(2).click()
    expect(page.locator(CAPTION)).to_contain_text(f"{notes[2][0].capitalize()},")
    name, content = saved(page, "#am-save-ranking-zip")
    assert name == "ranking.zip"
    assert [f"seed {entry['seed']}" for entry in seeds_of(content)] == [seed for seed, _ in notes]


def test_an_interpolation_is_exported_with_the_right_number_of_frames(animation: Page) -> None:
    page = animation
    add_keyframes(page, 3, 4, 5)
    page.get_by_role("button", name="Remove keyframe 1").click()
    expect(page.locator(f"#am-keyframes {FACES}")).to_have_count(2)
    slide(page, "Frames from face to face", 6)
    for kind in ("GIF", "WebP", "MP4"):
        page.locator("#am-format").get_by_text(kind, exact=True).click()
        page.locator("#am-animate").click()
        expect(page.locator("#am-animation-file")).to_contain_text(f"faces.{kind.lower()}")
        expect(page.locator("#am-animation-status")).to_contain_text("12 frames")
        _, content = saved(page, "#am-animation-file")
        assert num_frames(kind, content) == 12
    expect(page.locator("#am-animation-video video")).to_be_visible()
    page.get_by_label("Back to the first face at the end").uncheck()
    page.locator("#am-animate").click()
    expect(page.locator("#am-animation-status")).to_contain_text("7 frames")


def num_frames(kind: str, content: bytes) -> int:
    if kind != "MP4":
        with Image.open(io.BytesIO(content)) as picture:
            return int(getattr(picture, "n_frames", 1))
    with av.open(io.BytesIO(content), "r") as film:
        return len(list(film.decode(video=0)))


def test_an_animation_of_one_face_gets_a_message(animation: Page) -> None:
    add_keyframes(animation, 3)
    animation.locator("#am-animate").click()
    expect(animation.locator("#am-animation-status [role=alert]")).to_contain_text("2 to 12 faces")


def test_a_face_is_saved_and_an_archive_makes_it_again(animation: Page, generator_folder: Path, tmp_path: Path) -> None:
    page = animation
    add_keyframes(page, 3, 4)
    to_seed(page, 5)
    first = face(page)
    open_panel(page, "Save")
    name, content = saved(page, "#am-save-face")
    assert name == "face-seed-5.png"
    expected = enlarge(FaceGenerator.load(generator_folder).image(FacePoint(seed=5)), 4)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), np.asarray(expected))
    name, content = saved(page, "#am-save-archive")
    assert [entry["seed"] for entry in seeds_of(content)] == [5, 3, 4]
    (tmp_path / name).write_bytes(content)
    (tmp_path / "broken.zip").write_bytes(content[: len(content) // 2])
    to_seed(page, 6)
    page.set_input_files(ARCHIVE, str(tmp_path / "broken.zip"))
    expect(page.locator("#am-save-status [role=alert]")).to_contain_text("no archive of faces")
    page.set_input_files(ARCHIVE, str(tmp_path / name))
    expect(page.locator("#am-save-status")).to_contain_text("3 faces opened")
    expect(page.locator(CAPTION)).to_have_text("Seed 5, truncation 1.00")
    assert face(page) == first
    open_panel(page, "Animation")
    expect(page.locator(f"#am-keyframes {FACES}")).to_have_count(3)


def test_seeds_alone_make_an_archive_again(page: Page, generator_folder: Path, tmp_path: Path) -> None:
    """More faces than there can be keyframes; those of another generator get a message."""
    generator = FaceGenerator.load(generator_folder)
    content = write_archive(generator, [FacePoint(seed=seed) for seed in range(15)], enlargement=2)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        seeds = opened.read(MANIFEST)
    (tmp_path / "seeds.json").write_bytes(seeds)
    (tmp_path / "others.json").write_bytes(seeds.replace(generator.fingerprint.encode(), b"00000000"))
    open_panel(page, "Save")
    with page.expect_download() as download:
        page.set_input_files(REBUILD, str(tmp_path / "seeds.json"))
    assert Path(download.value.path()).read_bytes() == content
    expect(page.locator("#am-save-status")).to_contain_text("Made again")
    page.set_input_files(REBUILD, str(tmp_path / "others.json"))
    expect(page.locator("#am-save-status [role=alert]")).to_contain_text("was made with another generator")


def seeds_of(archive: bytes) -> list[dict[str, object]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        faces: list[dict[str, object]] = json.loads(opened.read("seeds.json"))["faces"]
    return faces


def test_the_epoch_slider_goes_through_the_training(page: Page) -> None:
    open_panel(page, "Training")
    shown = page.locator("#am-epoch-faces")
    expect(shown).to_contain_text("Epoch 3 of 3")
    last = shown.locator("img").get_attribute("src") or ""
    slide(page, "Epoch", 1)
    expect(shown).to_contain_text("Epoch 1 of 3")
    expect(shown.locator("img")).not_to_have_attribute("src", last)


def test_a_projection_of_no_picture_gets_a_message(page: Page, pictures: Path) -> None:
    open_panel(page, "Your picture")
    page.locator("#am-project").click()
    expect(page.locator("#am-project-status [role=alert]")).to_contain_text("There is no picture yet")
    page.set_input_files(UPLOAD, str(pictures / "text.png"))
    remove = page.locator("#am-project-picture").get_by_label("Remove Image")
    expect(remove).to_be_visible()
    page.locator("#am-project").click()
    expect(page.locator("#am-project-status [role=alert]")).to_contain_text("is text, not a picture")
    remove.click()


def test_a_projection_is_cancelled_begun_again_and_gone_on_from(page: Page, pictures: Path) -> None:
    open_panel(page, "Your picture")
    page.set_input_files(UPLOAD, str(pictures / "face.png"))
    expect(page.locator("#am-project-picture img")).to_be_visible()
    slide(page, "Steps", 400)
    page.locator("#am-project").click()
    page.locator("#am-comparison progress").wait_for()
    page.locator("#am-project-cancel").click()
    expect(page.locator("#am-project-status")).to_contain_text("Cancelled after")
    expect(page.locator(CAPTION)).to_contain_text("A face without a seed, truncation 1.00")
    to_seed(page, 9)
    slide(page, "Steps", 25)
    page.locator("#am-project").click()
    expect(page.locator("#am-project-status")).to_contain_text("Done after 25 steps")
    expect(page.locator("#am-comparison img")).to_have_count(2)
    expect(page.locator(CAPTION)).to_have_text("A face without a seed, truncation 1.00")
    found = face(page)
    slide(page, "mouth open", 1)
    expect(page.locator(CAPTION)).to_contain_text("mouth open +1.00")
    assert face(page) != found
