from pathlib import Path

from anime_models.drawn_faces import EMOTIONS
from anime_models.images import load_image
from apps.demo.examples import draw_examples


def test_examples_show_each_emotion_and_a_scene(tmp_path: Path) -> None:
    examples = draw_examples(tmp_path)
    assert [example.title for example in examples] == [*EMOTIONS, "Several faces"]
    assert len({load_image(example.path).tobytes() for example in examples}) == len(examples)


def test_examples_are_always_the_same(tmp_path: Path) -> None:
    first, second = (draw_examples(folder) for folder in (tmp_path / "a", tmp_path / "b"))
    assert [e.path.read_bytes() for e in first] == [e.path.read_bytes() for e in second]
