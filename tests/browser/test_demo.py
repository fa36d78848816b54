"""The demo as a visitor sees it, in a real browser, with the models that ship with the package."""

import base64
import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, JSHandle, Page, expect

from anime_models.drawn_faces import EMOTIONS
from tests.browser import driver
from tests.browser.pages import contrast, scrolls_sideways, tab_to

Visit = Callable[..., Page]
UPLOAD = "#am-picture input[type=file]"
CARD = ".am-card"


def upload(page: Page, *files: Path) -> None:
    page.set_input_files(UPLOAD, [str(file) for file in files])


def open_settings(page: Page) -> None:
    """Unfold the settings. Their fields are made only now; what is typed before they are drawn would be lost."""
    page.get_by_role("button", name="Settings").first.click()
    page.get_by_label("number input for Candidates shown").wait_for()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_drawn_face_gets_a_character_an_emotion_bars_and_sets(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "face.png")
    expect(page.locator("#am-status")).to_contain_text("1 face found")
    expect(page.locator(CARD)).to_have_count(1)
    for task in ("character", "emotion"):
        answer = page.locator(f'{CARD} [data-task="{task}"]')
        expect(answer.locator(".am-headline")).not_to_be_empty()
        expect(answer.locator('[role="meter"]')).to_have_count(5)
        expect(answer.locator(".am-set")).to_contain_text(".")
        values = [
            float(meter.get_attribute("aria-valuenow") or "nan") for meter in answer.locator('[role="meter"]').all()
        ]
        assert values == sorted(values, reverse=True)
        assert 0 <= sum(values) <= 100.5


def test_a_text_file_named_png_gets_a_message_and_a_good_picture_still_works(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "text.png")
    alert = page.locator("#am-status [role=alert]")
    expect(alert).to_contain_text("'text.png' is text, not a picture")
    expect(page.locator(CARD)).to_have_count(0)
    upload(page, pictures / "face.png")
    expect(page.locator(CARD)).to_have_count(1)
    expect(alert).to_have_count(0)


def test_every_face_of_a_scene_is_numbered(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "scene.png")
    expect(page.locator("#am-status")).to_contain_text("3 faces found")
    expect(page.locator(f"{CARD} h3")).to_have_text(["Face 1", "Face 2", "Face 3"])


def test_without_a_face_the_whole_picture_is_read(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "empty.png")
    expect(page.locator("#am-status")).to_contain_text("No face found")
    expect(page.locator(f"{CARD} h3")).to_have_text(["Whole picture"])


def test_clearing_the_picture_clears_the_answers(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "face.png")
    expect(page.locator(CARD)).to_have_count(1)
    page.get_by_label("Remove Image").click()
    expect(page.locator(CARD)).to_have_count(0)
    expect(page.locator("#am-results")).to_contain_text("No picture yet")


# Python's side of a file held by the page: a DataTransfer with one PNG of these base64 bytes.
HOLD_PICTURE = """(data) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], "held.png", { type: "image/png" }));
    return transfer;
}"""

PASTE = """(held) => {
    const options = { clipboardData: held, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new ClipboardEvent("paste", options));
}"""


def hold(page: Page, file: Path) -> JSHandle:
    return page.evaluate_handle(HOLD_PICTURE, base64.b64encode(file.read_bytes()).decode())


def test_a_picture_can_be_pasted_with_the_button(visit: Visit, pictures: Path) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async (data) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const item = new ClipboardItem({ "image/png": new Blob([bytes], { type: "image/png" }) });
            await navigator.clipboard.write([item]);
        }""",
        base64.b64encode((pictures / "face.png").read_bytes()).decode(),
    )
    page.get_by_label("Paste from clipboard").click()
    expect(page.locator(CARD)).to_have_count(1)


def test_a_picture_can_be_dropped(visit: Visit, pictures: Path) -> None:
    page = visit()
    transfer = {"dataTransfer": hold(page, pictures / "scene.png")}
    page.dispatch_event('#am-picture button[aria-dropeffect="copy"]', "drop", transfer)
    expect(page.locator(CARD)).to_have_count(3)
    page.dispatch_event("#am-picture img", "drop", {"dataTransfer": hold(page, pictures / "face.png")})
    expect(page.locator(CARD)).to_have_count(1)


def test_a_picture_can_be_taken_with_the_webcam(browser: Browser, demo: str) -> None:
    # Gradio then asks for the progress of an upload without a name, which is an error in the console of no consequence.
    camera = driver.Visit(browser, demo, permissions=["camera"])
    page = camera.page
    page.get_by_label("Capture from camera").click()
    page.get_by_text("Click to Access Webcam").click()
    # A photo taken before the first frame is no photo: as a visitor does, wait until there is something to see.
    page.wait_for_function(
        "() => { const video = document.querySelector('video'); return video?.videoWidth > 0 && video.currentTime > 0 }"
    )
    page.get_by_label("capture photo").click()
    expect(page.locator(CARD)).to_have_count(1)
    camera.close()


def test_a_picture_can_be_pasted_with_the_keyboard_even_over_another(visit: Visit, pictures: Path) -> None:
    page = visit()
    for file, faces in (("scene.png", 3), ("face.png", 1)):
        page.evaluate(PASTE, hold(page, pictures / file))
        expect(page.locator(CARD)).to_have_count(faces)


@pytest.mark.parametrize("example", [*EMOTIONS, "Several faces"])
def test_examples_can_be_chosen(visit: Visit, example: str) -> None:
    page = visit()
    page.get_by_role("button", name=example).click()
    expect(page.locator(CARD).first).to_be_visible()
    expect(page.locator("#am-status")).to_contain_text("found")


def test_heat_maps_can_be_switched_on_and_off(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "face.png")
    toggle = page.get_by_label("Show where the model looked")
    toggle.check()
    expect(page.locator(".am-heat img")).to_have_count(2)
    toggle.uncheck()
    expect(page.locator(".am-heat")).to_have_count(0)


def test_the_confidence_is_explained(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "face.png")
    page.get_by_role("button", name="How far can these confidences be trusted?").click()
    sentence = page.locator("#am-reliability .am-sentence")
    expect(sentence).to_contain_text("confidence")
    diagram = page.locator("#am-diagram .main-svg").first
    expect(diagram).to_be_visible()
    page.wait_for_function(DIAGRAM_FITS)
    of_the_first = sentence.inner_text()
    page.locator("#am-which-answer input").click()
    page.get_by_role("option", selected=False).first.click()
    expect(sentence).not_to_have_text(of_the_first)
    expect(diagram).to_be_visible()


def test_the_number_of_candidates_can_be_set(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "face.png")
    open_settings(page)
    number = page.get_by_label("number input for Candidates shown")
    number.fill("2")
    number.press("Enter")
    expect(page.locator(f'{CARD} [role="meter"]')).to_have_count(4)


def test_the_thresholds_can_be_set(visit: Visit, pictures: Path) -> None:
    page = visit()
    upload(page, pictures / "scene.png")
    expect(page.locator(CARD)).to_have_count(3)
    open_settings(page)
    page.get_by_label("Use the thresholds that the models came with").uncheck()
    number = page.get_by_label("number input for Find faces")
    number.fill("1")
    number.press("Enter")
    expect(page.locator("#am-status")).to_contain_text("No face found")


def test_a_wrong_model_name_gets_a_message_and_the_old_model_stays(visit: Visit, pictures: Path) -> None:
    page = visit()
    open_settings(page)
    field = page.locator("#am-emotion-model input")
    field.fill("no/such/folder")
    field.press("Enter")
    page.get_by_role("button", name="Use these models").click()
    message = page.locator("#am-model-status [role=alert]")
    expect(message).to_contain_text("There is no folder")
    expect(message).to_contain_text("Still in use: built-in")
    upload(page, pictures / "face.png")
    expect(page.locator(CARD)).to_have_count(1)


def test_choices_of_one_visitor_are_not_those_of_another(visit: Visit, pictures: Path) -> None:
    first, second = visit(), visit()
    open_settings(first)
    number = first.get_by_label("number input for Candidates shown")
    number.fill("1")
    number.press("Enter")
    for page, meters in ((first, 2), (second, 10)):
        upload(page, pictures / "face.png")
        expect(page.locator(f'{CARD} [role="meter"]')).to_have_count(meters)


def test_many_files_give_a_table_and_a_csv(visit: Visit, pictures: Path, tmp_path: Path) -> None:
    page = visit()
    formula = tmp_path / "=1+1.png"
    formula.write_bytes((pictures / "face.png").read_bytes())
    page.get_by_role("tab", name="Many files").click()
    files = [pictures / "scene.png", pictures / "text.png", formula]
    page.set_input_files("#am-files input[type=file]", [str(file) for file in files])
    expect(page.locator("#am-files")).to_contain_text("scene")
    page.get_by_role("button", name="Identify all").click()
    expect(page.locator("#am-batch-status")).to_contain_text("4 faces found in 2 pictures. 1 file could not be read")
    expect(page.locator(".am-batch tbody tr")).to_have_count(5)
    with page.expect_download() as download:
        page.locator("#am-csv").click()
    saved = tmp_path / "answers.csv"
    download.value.save_as(saved)
    with saved.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["scene.png"] * 3 + ["text.png", "'=1+1.png"]
    assert "is text" in rows[3]["error"]
    assert all(0 <= float(row["emotion_confidence"]) <= 1 for row in rows if not row["error"])


def test_identifying_nothing_gets_a_message(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Many files").click()
    page.get_by_role("button", name="Identify all").click()
    expect(page.locator("#am-batch-status [role=alert]")).to_contain_text("There are no files yet")


def test_the_models_are_described(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="About").click()
    about = page.locator("#am-about")
    expect(about).to_contain_text("Accuracy")
    expect(about).to_contain_text("Expected calibration error")
    expect(about).to_contain_text("Limits")


def test_the_keyboard_is_enough(visit: Visit, pictures: Path) -> None:
    page = visit()
    page.on("filechooser", lambda chooser: chooser.set_files(str(pictures / "face.png")))
    tab_to(page, "Drop an image file here to upload")
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_have_count(1)
    tab_to(page, "Show where the model looked (heat map)")
    page.keyboard.press("Space")
    expect(page.locator(".am-heat img")).to_have_count(2)
    tab_to(page, "Several faces")
    page.keyboard.press("Enter")
    expect(page.locator(CARD)).to_have_count(4)
    page.get_by_role("tab", name="Many files").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Identify all")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_scrolls_sideways(visit: Visit, pictures: Path, scheme: str, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert not scrolls_sideways(page)
    upload(page, pictures / "scene.png")
    page.get_by_label("Show where the model looked").check()
    expect(page.locator(".am-heat").first).to_be_visible()
    open_settings(page)
    page.get_by_role("button", name="How far can these confidences be trusted?").click()
    expect(page.locator("#am-diagram .main-svg").first).to_be_visible()
    assert not scrolls_sideways(page)
    for tab in ("Many files", "About"):
        page.get_by_role("tab", name=tab).click()
        assert not scrolls_sideways(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_background(visit: Visit, pictures: Path, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    upload(page, pictures / "face.png")
    expect(page.locator(CARD)).to_have_count(1)
    page.get_by_role("button", name="How far can these confidences be trusted?").click()
    expect(page.locator("#am-diagram .xtick text").first).to_be_visible()
    places = [".am-headline", ".am-subline", ".am-set", ".am-task", ".am-header p", "#am-diagram .xtick text"]
    for place in places:
        assert contrast(page, place) >= 4.5, place


DIAGRAM_FITS = """() => {
    const edge = (place) => document.querySelector(place).getBoundingClientRect().right;
    return edge("#am-diagram .main-svg") <= edge("#am-explainer");
}"""
