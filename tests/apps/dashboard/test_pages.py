"""Every page, with the shipped records, with many, with none, with broken ones: it says something and never crashes."""

import time
from pathlib import Path

import pytest

from anime_models.records import read_record, write_record
from apps.dashboard.__main__ import PAGE
from apps.dashboard.settings import VARIABLE, Settings
from tests.apps.dashboard.frames import REPORTED
from tests.apps.dashboard.page_parts import OTHER, RUN, Open, texts
from tests.hub_server import HubServer
from tests.small_records import classifier_record, generator_record, write_epochs, write_generator_run, write_run

PAGES = sorted(path.stem for path in (PAGE.parent / "views").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_with_the_shipped_records(opened: Open, name: str) -> None:
    page = opened(name, shipped=True)
    assert page.title[0].value.endswith("?")
    assert len(texts(page)) > 100


@pytest.mark.parametrize("name", PAGES)
def test_every_page_stands_with_many_records(opened: Open, runs: Path, name: str) -> None:
    assert opened(name, runs).title[0].value.endswith("?")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_says_what_is_missing_where_there_is_no_record(opened: Open, name: str) -> None:
    page = opened(name)
    assert page.title[0].value.endswith("?")
    assert page.info or "Nothing measured yet" in texts(page)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A half-written record, one of a newer version, one that is none, and a run whose files are damaged."""
    for name, text in (("half", '{"schema_v'), ("newer", '{"schema_version": 9}'), ("none", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text(text)
    run = write_run(tmp_path, classifier_record())
    (run / "predictions.parquet").write_text("nonsense")
    (run / "metrics.jsonl").write_text("nonsense\n{}\n")
    return tmp_path


@pytest.mark.parametrize("name", PAGES)
def test_every_page_names_broken_files_and_stands(opened: Open, broken: Path, name: str) -> None:
    page = opened(name, broken)
    assert page.expander[0].label == "3 files could not be read"
    named = page.expander[0].dataframe[0].value
    assert set(named["What"]) == {"half-written", "newer version", "damaged"}
    assert all(str(broken) in place for place in named["Where"])


def test_damaged_files_of_a_run_are_named_on_its_page(opened: Open, broken: Path) -> None:
    page = opened("run", broken, id=classifier_record().run_id)
    warnings = " ".join(warning.value for warning in page.warning)
    assert "metrics.jsonl: line 1 is no JSON object" in warnings
    assert "predictions.parquet cannot be read" in warnings


def test_a_source_that_cannot_be_reached_is_named(opened: Open, tmp_path: Path) -> None:
    page = opened("overview", tmp_path / "nowhere")
    assert "There is no folder" in page.expander[0].dataframe[0].value["Why, and what to do"][0]


def test_the_overview_says_in_sentences_what_to_use(opened: Open, runs: Path) -> None:
    said = texts(opened("overview", runs))
    assert "To name the character" in said
    assert "It is right on" in said
    assert "Its confidence is off by" in said
    assert "that papers report (Hu, Kanata et al., Santoro et al.)" in said


def test_reported_and_measured_are_told_apart_in_tables(opened: Open, runs: Path) -> None:
    page = opened("overview", runs)
    kinds = {kind for table in page.dataframe for kind in table.value.get("Kind", ())}
    assert kinds == {"● measured", "○ reported"}


def test_a_choice_of_one_page_does_not_disturb_another(opened: Open, runs: Path) -> None:
    page = opened("compare", runs, runs=[RUN, OTHER], task=["emotion"])
    for name in ("generation", "mistakes", "calibration"):
        page.switch_page(f"views/{name}.py").run()
        assert not page.exception


def test_the_epoch_of_the_address_is_shown(opened: Open, runs: Path) -> None:
    page = opened("generation", runs, epoch="3")
    assert page.slider(key="epoch").value == 3
    assert "epoch 003" in page.image[0].captions[0]


def test_runs_on_the_most_faces_are_shown_first(opened: Open, tmp_path: Path) -> None:
    whole, *trials = [generator_record(learning_rate=rate) for rate in (5e-4, 1e-3, 5e-3)]
    whole.dataset.num_images["train"] = 37_000
    for number, record in enumerate((whole, *trials)):
        record.run_id = f"20260102T00000{number}Z-generation-dcgan-ning-s42"
        write_generator_run(tmp_path, record)
    chosen = opened("generation", tmp_path).multiselect(key="runs").value
    assert chosen == [whole.run_id, trials[-1].run_id], "and then the newest"


def test_one_run_of_each_recipe_is_shown_first(opened: Open, tmp_path: Path) -> None:
    records = [generator_record(recipe) for recipe in ("ning", "ours", "ours")]
    for number, record in enumerate(records):
        record.run_id = f"20260102T00000{number}Z-generation-dcgan-{record.strategy}-s42"
        write_generator_run(tmp_path, record)
    chosen = opened("generation", tmp_path).multiselect(key="runs").value
    assert chosen == [records[2].run_id, records[0].run_id]


def test_distances_of_two_extractors_share_no_axis(opened: Open, tmp_path: Path) -> None:
    records = [generator_record("ours"), generator_record("ning")]
    records[1].recipe["extractor"] = "inception-v3-fid"
    for record in records:
        write_generator_run(tmp_path, record)
    said = texts(opened("generation", tmp_path, runs=[record.run_id for record in records]))
    assert said.count("FID (held out) [lite0]") == said.count("FID (held out) [inception-v3-fid]") == 1
    assert said.count("##### Generator loss") == 1, "losses need no extractor"


def test_mistakes_are_filtered_by_truth_and_answer(opened: Open, runs: Path) -> None:
    page = opened("mistakes", runs, task="Emotions", runs=[RUN, OTHER])
    every = len([text for text in page.markdown if "taken for" in text.value])
    page.selectbox(key="truth").set_value("Happy").run()
    some = [text.value for text in page.markdown if "taken for" in text.value]
    assert 0 < len(some) < every
    assert all(text.startswith("**Happy**") for text in some)
    assert "Where do models disagree?" in texts(page)


def test_pictures_of_mistakes_are_shown_where_the_data_is_at_hand(
    opened: Open, finished_run: Path, drawn_characters: Path
) -> None:
    record = read_record(finished_run / "record.json")
    page = opened("mistakes", finished_run.parent, data=drawn_characters.parent, runs=[record.run_id])
    wrong = len([text for text in page.markdown if "taken for" in text.value])
    assert wrong
    assert len(page.image) == wrong


def test_a_run_tells_how_to_repeat_it(opened: Open, runs: Path) -> None:
    page = opened("run", runs, id=RUN)
    assert page.selectbox(key="id").value == RUN
    assert "python -m training.train_classifier --seed 42" in [code.value for code in page.code]
    assert "It is finished." in texts(page)
    files = page.dataframe[-1].value
    assert "predictions.parquet" in set(files["File"])


def test_a_reported_run_names_its_table(opened: Open) -> None:
    said = texts(opened("run", REPORTED, id="santoro-resnet18-full"))
    assert "Source: Santoro" in said
    assert "https://doi.org/10.20944" in said


def test_a_running_run_shows_its_progress_and_its_end(opened: Open, tmp_path: Path) -> None:
    running = classifier_record(status="running")
    folder = write_run(tmp_path, running)
    page = opened("run", tmp_path, id=running.run_id)
    assert "8 of at most 20 epochs are done" in texts(page)
    assert page.get("progress")[0].proto.value == 40
    write_epochs(folder, 9)
    page.run()
    assert "9 of at most 20 epochs are done" in texts(page)
    write_record(classifier_record(), folder / "record.json")
    page.run()
    assert "It is finished." in texts(page)


def test_a_killed_run_says_how_to_go_on(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = classifier_record(status="running")
    write_run(tmp_path, running)
    later = time.time() + 7200
    monkeypatch.setattr(time, "time", lambda: later)
    page = opened("run", tmp_path, id=running.run_id)
    assert "probably killed" in texts(page)
    assert any(f"--resume {tmp_path / running.run_id}" in code.value for code in page.code)


def test_records_of_a_data_set_on_the_hub_are_read(opened: Open, hub: HubServer, tmp_path: Path) -> None:
    write_record(classifier_record(), tmp_path / "published" / "records" / "one.json")
    hub.add("datasets/rin/records", tmp_path / "published")
    page = opened("compare", Path("hf-hub:rin/records"))
    assert list(page.dataframe[0].value["Model"]) == ["ResNet-18, full, scale cpu"]


def test_a_broken_record_on_the_hub_is_named_as_it_is_there(opened: Open, hub: HubServer, tmp_path: Path) -> None:
    records = tmp_path / "published" / "records"
    records.mkdir(parents=True)
    (records / "broken.json").write_text("{}", "utf-8")
    hub.add("datasets/rin/records", records.parent)
    listed = opened("overview", Path("hf-hub:rin/records")).expander[0].dataframe[0].value
    assert list(listed["Where"]) == ["hf-hub:rin/records/records/broken.json"]
    assert listed["Why, and what to do"][0].startswith("hf-hub:rin/records/records/broken.json")


def test_a_data_set_that_the_hub_lacks_is_named(opened: Open, hub: HubServer) -> None:
    page = opened("overview", Path("hf-hub:nobody/nothing"))
    assert "nobody/nothing" in page.expander[0].dataframe[0].value["Where"][0]
    assert page.expander[0].dataframe[0].value["What"][0] == "unreachable"


def test_settings_survive_the_way_through_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert Settings.current() == Settings()
    settings = Settings(sources=("runs", "hf-hub:a/b"), data=Path("data"), shipped=False)
    settings.store()
    assert Settings.current() == settings
