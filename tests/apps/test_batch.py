import csv
import io
from pathlib import Path

import pytest
from PIL import Image

from anime_models.errors import ConfigError
from apps.demo.answers import reading_as_data
from apps.demo.batch import COLUMNS, MAX_FILES, Row, read_files, to_csv
from apps.demo.batch_table import render_rows, render_summary
from apps.demo.identify import Settings
from apps.demo.models import ModelChoice
from apps.demo.uploads import Upload, upload_of
from tests.apps.fakes import make_shelf


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> list[Upload]:
    """Two faces, a text file, no face."""
    folder = tmp_path_factory.mktemp("uploads")
    Image.new("RGB", (200, 300)).save(folder / "two.png")
    (folder / "bad.png").write_text("hello")
    Image.new("RGB", (90, 90)).save(folder / "none.png")
    names = {"two.png": "two.png", "bad.png": "=HYPERLINK(1).png", "none.png": "<b>none</b>.png"}
    return [Upload(folder / file, name) for file, name in names.items()]


@pytest.fixture(scope="module")
def rows(uploads: list[Upload]) -> list[Row]:
    return read_files(make_shelf().reader(ModelChoice()), uploads, Settings())


def test_every_face_and_every_bad_file_has_a_row(rows: list[Row]) -> None:
    assert [(row["file"], row.get("face"), bool(row["error"])) for row in rows] == [
        ("two.png", 1, False),
        ("two.png", 2, False),
        ("=HYPERLINK(1).png", None, True),
        ("<b>none</b>.png", 1, False),
    ]
    assert set().union(*rows) == set(COLUMNS)


def test_a_row_holds_box_answers_and_sets(rows: list[Row]) -> None:
    second = rows[1]
    assert (second["x0"], second["y1"], second["face_score"]) == (100.0, 90.0, 0.8)
    assert second["character"] == "Ren Kuroda"
    assert second["series"] == "Harbour Lights"
    assert second["character_confidence"] == 0.52
    assert second["character_verdict"] == second["emotion_verdict"] == "not_sure"
    assert second["emotion_set"] == "Embarrassed; Happy; Psycho-Crazy"


def test_a_picture_without_a_face_has_no_box(rows: list[Row]) -> None:
    assert rows[3]["x0"] is None
    assert rows[3]["character_verdict"] == "label"


def test_progress_is_told_before_each_file(uploads: list[Upload]) -> None:
    told: list[tuple[int, str]] = []
    reader = make_shelf().reader(ModelChoice())
    read_files(reader, uploads, Settings(), lambda done, name: told.append((done, name)))
    assert told == [(number, upload.name) for number, upload in enumerate(uploads)]


def test_thresholds_are_used(uploads: list[Upload]) -> None:
    reader = make_shelf().reader(ModelChoice())
    (row,) = read_files(reader, uploads[:1], Settings(detection_threshold=0.85, abstain_below=0.99))
    assert (row["face"], row["character_verdict"]) == (1, "not_sure")


def test_no_files_and_too_many_are_refused(uploads: list[Upload]) -> None:
    reader = make_shelf().reader(ModelChoice())
    with pytest.raises(ConfigError, match="no files"):
        read_files(reader, [], Settings())
    with pytest.raises(ConfigError, match=f"at most {MAX_FILES}"):
        read_files(reader, uploads[:1] * (MAX_FILES + 1), Settings())


def test_csv_can_be_read_back(rows: list[Row]) -> None:
    read = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert list(read[0]) == list(COLUMNS)
    assert [row["file"] for row in read] == ["two.png", "two.png", "'=HYPERLINK(1).png", "<b>none</b>.png"]
    assert float(read[0]["character_confidence"]) == 0.95
    assert read[2]["error"].startswith("'")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_disarms_formulas(start: str) -> None:
    (row,) = csv.DictReader(io.StringIO(to_csv([{"file": f"{start}cmd|'/C calc'!A0", "character": start, "x0": -1.0}])))
    assert row["file"].startswith("'")
    assert row["character"].startswith("'")
    assert row["x0"] == "-1.0"


def test_the_table_shows_rows_as_text(rows: list[Row]) -> None:
    html = render_rows(rows)
    assert html.count("<tr") == 1 + len(rows)
    assert "<b>" not in html
    assert "Not sure: Ren Kuroda?" in html
    assert "is text, not a picture" in html


def test_the_summary_counts(rows: list[Row]) -> None:
    summary = render_summary(rows)
    assert "2 faces found in 2 pictures." in summary
    assert "1 picture without a face" in summary
    assert "1 file could not be read" in summary


def test_data_for_programs_is_plain(uploads: list[Upload]) -> None:
    reading = make_shelf().reader(ModelChoice()).read(Image.new("RGB", (200, 300)))
    data = reading_as_data(reading, top_k=2)
    assert (data["width"], data["height"], data["whole_picture"]) == (200, 300, False)
    first = data["faces"][0]
    assert first["box"] == [0.0, 10.0, 90.0, 90.0]
    assert first["character"]["candidates"] == [
        {"label": "Aoi Hoshino", "confidence": 0.95, "series": "Harbour Lights"},
        {"label": "Ren Kuroda", "confidence": 0.0167, "series": "Harbour Lights"},
    ]
    assert first["emotion"]["conformal_set"] == ["Angry"]


def test_file_names_keep_no_folder() -> None:
    assert upload_of({"path": "/x/y.png", "orig_name": "../../etc/passwd"}) == Upload(Path("/x/y.png"), "passwd")
