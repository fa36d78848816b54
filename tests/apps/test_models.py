import threading
from pathlib import Path

import pytest

from anime_models.backbones import build_model
from anime_models.checkpoints import save_checkpoint
from anime_models.classifier import Classifier
from anime_models.errors import CheckpointError, ConfigError, HubError
from apps.demo.about import describe, render_about
from apps.demo.calls import sent_source
from apps.demo.models import BUILT_IN, ModelChoice, ModelShelf, known_sources
from apps.demo.wording import Task
from tests.apps.fakes import FakeClassifier, FakeDetector, make_config, make_record


@pytest.fixture(scope="module")
def fakes() -> dict[Task, FakeClassifier]:
    return {"character": FakeClassifier("character"), "emotion": FakeClassifier("emotion")}


@pytest.fixture
def loads() -> list[str]:
    return []


@pytest.fixture
def shelf(fakes: dict[Task, FakeClassifier], loads: list[str]) -> ModelShelf:
    """A shelf for two chosen models that notes what it loads."""

    def load(task: Task, source: str) -> Classifier:
        loads.append(source)
        if source == "missing":
            raise HubError("There is no folder.")
        return fakes[task]

    return ModelShelf(FakeDetector(), load, max_models=2)


def test_a_model_is_loaded_once(shelf: ModelShelf, loads: list[str]) -> None:
    assert shelf.classifier("emotion", "one") is shelf.classifier("emotion", " one ")
    assert loads == ["one"]


def test_no_name_is_the_built_in_model(shelf: ModelShelf, loads: list[str]) -> None:
    shelf.classifier("emotion", "  ")
    assert loads == [BUILT_IN]


def test_the_longest_unused_gives_way(shelf: ModelShelf, loads: list[str]) -> None:
    for source in ("one", "two", "one", "three", "one", "two"):
        shelf.classifier("emotion", source)
    assert loads == ["one", "two", "three", "two"]


def test_built_in_models_stay(shelf: ModelShelf, loads: list[str]) -> None:
    for source in (BUILT_IN, "one", "two", "three", BUILT_IN):
        shelf.classifier("character", source)
    assert loads.count(BUILT_IN) == 1


def test_a_failed_load_is_tried_again(shelf: ModelShelf, loads: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(HubError, match="no folder"):
            shelf.classifier("emotion", "missing")
    assert loads == ["missing", "missing"]


def test_a_model_for_the_other_task_is_refused(fakes: dict[Task, FakeClassifier]) -> None:
    shelf = ModelShelf(FakeDetector(), lambda task, source: fakes["emotion"])
    with pytest.raises(CheckpointError, match="answers emotion, not character"):
        shelf.classifier("character", "mine")


def test_waiting_visitors_share_one_load(fakes: dict[Task, FakeClassifier]) -> None:
    started, finish = threading.Event(), threading.Event()
    loads: list[str] = []

    def load(task: Task, source: str) -> Classifier:
        loads.append(source)
        if source == "slow":
            started.set()
            finish.wait()
        return fakes[task]

    shelf = ModelShelf(FakeDetector(), load)
    got: list[Classifier] = []
    visitors = [threading.Thread(target=lambda: got.append(shelf.classifier("emotion", "slow"))) for _ in range(3)]
    for visitor in visitors:
        visitor.start()
    started.wait()
    # Another model is not held up.
    assert shelf.classifier("emotion", "quick") is fakes["emotion"]
    finish.set()
    for visitor in visitors:
        visitor.join()
    assert len(got) == 3
    assert sorted(loads) == ["quick", "slow"]


def test_a_checkpoint_folder_can_be_chosen(tmp_path: Path, fakes: dict[Task, FakeClassifier]) -> None:
    config = make_config("emotion")
    model = build_model(config.backbone, config.head, config.num_outputs, config.preprocessing.image_size)
    save_checkpoint(tmp_path, model, config, make_record("emotion"), "# A card")

    def load(task: Task, source: str) -> Classifier:
        return fakes[task] if source == BUILT_IN else Classifier.load(source)

    shelf = ModelShelf(FakeDetector(), load)
    reader = shelf.reader(ModelChoice(emotion=str(tmp_path)))
    assert reader.emotion.config == config
    assert not isinstance(reader.emotion, FakeClassifier)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        shelf.classifier("emotion", str(tmp_path.parent))


def test_choices_are_values() -> None:
    choice = ModelChoice()
    assert choice.changed("emotion", "mine") == ModelChoice(emotion="mine")
    assert choice == ModelChoice(BUILT_IN, BUILT_IN)
    assert choice.changed("character", "mine").source("character") == "mine"


def test_a_model_is_described_from_its_record(fakes: dict[Task, FakeClassifier]) -> None:
    facts = describe(fakes["emotion"], BUILT_IN)
    assert facts["num_labels"] == 6
    assert facts["metrics"]["accuracy"] == 0.97
    assert facts["trained_on"] == "drawn-emotions"


def test_the_about_page_gives_figures_and_limits(fakes: dict[Task, FakeClassifier]) -> None:
    html = render_about({task: ("<me>", model) for task, model in fakes.items()})
    for text in (
        "97%",
        "96%",
        "92%",
        "0.080 → 0.020",
        "0.011 to 0.052",
        "1.40",
        "drawn-characters",
        "1,200 train, 150 validation, 150 test",
        "&lt;me&gt;",
        "Limits",
    ):
        assert text in html
    assert "<b>" not in html


@pytest.mark.parametrize(("is_public", "folders_are_named"), [("1", False), ("0", True)])
def test_a_public_page_offers_no_folders(
    monkeypatch: pytest.MonkeyPatch, is_public: str, folders_are_named: bool
) -> None:
    monkeypatch.setenv("ANIME_MODELS_PUBLIC", is_public)
    assert ("folder" in known_sources()) == folders_are_named
    with pytest.raises(ConfigError, match="give a text") as caught:
        sent_source("source", 7)
    assert ("folder" in str(caught.value)) == folders_are_named
