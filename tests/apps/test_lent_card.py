"""On a Space with a lent card the same answers come from the card, or from the CPU when there is none."""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
import pytest
from PIL import Image

from anime_models.classifier import Classifier
from anime_models.drawn_faces import draw_scene
from anime_models.errors import ConfigError
from anime_models.faces import FaceDetector
from anime_models.reader import FaceReader, Reading
from apps.demo import lent_card
from apps.demo.lent_card import AcceleratedReader, hosted_shelf, reading_seconds
from apps.demo.models import ModelChoice
from tests.apps.fakes import FakeClassifier, FakeDetector


@pytest.fixture(autouse=True)
def fake_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaceDetector, "load", lambda folder=None: FakeDetector())
    monkeypatch.setattr(FakeDetector, "to", lambda self, device: self, raising=False)
    fakes = {"characters": FakeClassifier("character"), "emotions": FakeClassifier("emotion")}
    monkeypatch.setattr(Classifier, "embedded", lambda name: fakes[name])


class Card:
    """Lends itself as ZeroGPU does: arguments and answers are pickled on the way."""

    def __init__(self) -> None:
        self.seconds: list[int] = []
        self.is_free = True

    def __call__(self, duration: Callable[..., int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def decorate(task: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                self.seconds.append(duration(*arguments))
                if not self.is_free:
                    raise gr.Error("You have used up your quota")
                try:
                    return pickle.loads(pickle.dumps(task(*pickle.loads(pickle.dumps(arguments)))))
                except ConfigError as error:
                    raise gr.Error(type(error).__name__) from error

            return call

        return decorate


def picture() -> Image.Image:
    return draw_scene(seed=4, num_faces=2, size=(400, 300))[0]


def words(reading: Reading) -> list[tuple[str, str]]:
    return [(face.character.label, face.emotion.label) for face in reading.faces]


def test_the_card_reads_as_the_cpu_does() -> None:
    card = Card()
    reader = hosted_shelf(card, device="cpu").reader(ModelChoice())
    assert isinstance(reader, AcceleratedReader)
    expected = hosted_shelf(None).reader(ModelChoice()).read(picture())
    answer = reader.read(picture())
    assert words(answer) == words(expected)
    assert answer.image.tobytes() == expected.image.tobytes()
    assert len(card.seconds) == 1


def test_without_the_card_the_cpu_reads(caplog: pytest.LogCaptureFixture) -> None:
    card = Card()
    reader = hosted_shelf(card, device="cpu").reader(ModelChoice())
    card.is_free = False
    assert words(reader.read(picture())) == words(hosted_shelf(None).reader(ModelChoice()).read(picture()))
    assert "Reading on the CPU" in caplog.text


def test_errors_on_the_card_are_told_as_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Reading:
        raise ConfigError("The detection threshold is 7")

    monkeypatch.setattr(FaceReader, "read", refuse)
    with pytest.raises(ConfigError, match="threshold is 7"):
        hosted_shelf(Card(), device="cpu").reader(ModelChoice()).read(picture(), 7)


@pytest.mark.parametrize("gpu", [None, Card()])
def test_a_space_without_a_card_reads_on_the_cpu(monkeypatch: pytest.MonkeyPatch, gpu: Card | None) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert type(hosted_shelf(gpu).reader(ModelChoice())) is FaceReader


def test_models_of_visitors_read_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Classifier, "load", lambda source: FakeClassifier("emotion"))
    card = Card()
    reader = hosted_shelf(card, device="cpu").reader(ModelChoice(emotion="rin/emotions"))
    assert type(reader) is FaceReader
    assert not card.seconds


def test_models_can_lie_on_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load(source: str) -> Classifier:
        asked.append(source)
        return FakeClassifier("character" if "char" in source else "emotion")

    @contextmanager
    def loading_from(source: str) -> Iterator[None]:
        asked.append(source)
        yield

    monkeypatch.setattr(Classifier, "load", load)
    monkeypatch.setattr(lent_card, "loading_from", loading_from)
    for name in ("DETECTOR", "CHARACTERS", "EMOTIONS"):
        monkeypatch.setenv(f"ANIME_MODELS_{name}", f"rin/{name.lower()}")
    hosted_shelf(None).reader(ModelChoice())
    assert asked == ["rin/detector", "rin/characters", "rin/emotions"]


@pytest.mark.parametrize(
    ("size", "seconds"), [((10, 10), 4), ((1000, 1000), 4), ((4000, 3000), 15), ((9000, 9000), 20)]
)
def test_a_reading_asks_for_few_seconds(size: tuple[int, int], seconds: int) -> None:
    assert reading_seconds(Image.new("1", size), None, 0.5) == seconds
