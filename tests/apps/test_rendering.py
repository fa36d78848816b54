import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from anime_models.faces import Face
from anime_models.reader import FaceReading, Reading
from apps.demo.boxes import MAX_SIDE, draw_boxes
from apps.demo.rendering import data_uri, render_error, render_reading, render_status
from tests.apps.fakes import make_prediction


def make_reading(*boxes: tuple[float, float, float, float], size: tuple[int, int] = (200, 100)) -> Reading:
    picture = Image.new("RGB", size, "teal")
    found: list[Face | None] = [Face(box, 0.9) for box in boxes] or [None]
    faces = tuple(
        FaceReading(n + 1, face, picture, make_prediction("character", n), make_prediction("emotion", n))
        for n, face in enumerate(found)
    )
    return Reading(picture, faces, whole_picture=not boxes)


class Tags(HTMLParser):
    """Collects every start tag with its attributes and checks that tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_face_has_a_card_with_both_answers() -> None:
    html = render_reading(make_reading((0, 0, 50, 50), (60, 0, 110, 50), (120, 0, 170, 50)), top_k=3)
    tags = Tags(html).tags
    assert [attrs["aria-label"] for tag, attrs in tags if tag == "article"] == ["Face 1", "Face 2", "Face 3"]
    verdicts = [(attrs["data-task"], attrs["data-verdict"]) for tag, attrs in tags if tag == "section"]
    assert verdicts == [
        (task, verdict) for verdict in ("label", "not_sure", "stranger") for task in ("character", "emotion")
    ]
    for text in ("Aoi Hoshino", "Not sure", "Not one of the characters I know", "No clear emotion", "Almost surely"):
        assert text in html


def test_bars_are_ranked_meters() -> None:
    tags = Tags(render_reading(make_reading((0, 0, 50, 50)), top_k=4)).tags
    meters = [attrs for _, attrs in tags if attrs.get("role") == "meter"]
    assert len(meters) == 8
    assert [float(meter["aria-valuenow"] or "nan") for meter in meters[:4]] == [95.0, 1.7, 1.7, 1.7]
    assert meters[0]["aria-label"] == "Aoi Hoshino (Harbour Lights): 95%"
    assert all((meter["aria-valuemin"], meter["aria-valuemax"]) == ("0", "100") for meter in meters)


@pytest.mark.parametrize("top_k", [1, 2, 10])
def test_top_k_limits_the_bars(top_k: int) -> None:
    html = render_reading(make_reading((0, 0, 50, 50)), top_k)
    assert html.count('role="meter"') == min(top_k, 4) + min(top_k, 6)


def test_labels_are_text_not_markup() -> None:
    html = render_reading(make_reading((0, 0, 50, 50)), top_k=4)
    assert "<b>" not in html
    assert "Mika &lt;b&gt;Tachibana&lt;/b&gt;" in html
    assert "Tea &amp; &quot;Thunder&quot;" in html


def test_messages_are_text_not_markup() -> None:
    assert "<img" not in render_error("'<img src=x onerror=alert(1)>.png' is text")
    assert 'role="alert"' in render_error("No.")


def test_status_counts_faces_or_says_that_there_is_none() -> None:
    assert "1 face found" in re.sub("<.*?>", "", render_status(make_reading((0, 0, 50, 50))))
    assert "No face found" in render_status(make_reading())
    assert "whole picture" in render_status(make_reading())
    assert "Whole picture" in render_reading(make_reading(), 3)


def test_heat_maps_show_only_when_given() -> None:
    reading = make_reading((0, 0, 50, 50), (60, 0, 110, 50))
    assert "Where the model looked" not in render_reading(reading, 3)
    heat = Image.new("RGB", (32, 32))
    html = render_reading(reading, 3, [{"character": heat, "emotion": heat}])
    assert html.count("<figure") == 2
    assert "for the first 1 faces only" in html


def test_pictures_travel_inside_the_page() -> None:
    assert data_uri(Image.new("RGB", (900, 300))).startswith("data:image/webp;base64,")
    assert 'src="http' not in render_reading(make_reading((0, 0, 50, 50)), 3)


def test_boxes_are_drawn_on_a_copy() -> None:
    reading = make_reading((40, 30, 120, 90))
    boxed = draw_boxes(reading)
    assert boxed.size == reading.image.size
    assert boxed.getpixel((80, 89)) != reading.image.getpixel((80, 89))
    assert boxed.getpixel((80, 60)) == reading.image.getpixel((80, 60))
    assert reading.image.getcolors() == [(200 * 100, (0, 128, 128))]


def test_boxes_are_scaled_with_a_large_picture() -> None:
    boxed = draw_boxes(make_reading((400, 300, 1200, 900), size=(MAX_SIDE * 2, 1000)))
    assert boxed.size == (MAX_SIDE, 500)
    assert boxed.getpixel((400, 449)) != (0, 128, 128)
    assert boxed.getpixel((1000, 480)) == (0, 128, 128)


def test_a_picture_without_faces_gets_no_box() -> None:
    reading = make_reading()
    assert draw_boxes(reading).tobytes() == reading.image.tobytes()


@pytest.mark.parametrize("box", [(0.0, 0.0, 12.0, 12.0), (190.0, 88.0, 200.0, 100.0), (0.0, 0.0, 200.0, 100.0)])
def test_boxes_at_the_edge_are_drawn(box: tuple[float, float, float, float]) -> None:
    assert draw_boxes(make_reading(box)).tobytes() != make_reading(box).image.tobytes()
