"""Pictures to try: our own drawn faces, one per emotion, and a scene with several."""

from dataclasses import dataclass
from pathlib import Path

from anime_models.drawn_faces import EMOTIONS, draw_face, draw_scene

FACE_SIZE = 384
SCENE_SIZE = (768, 512)
SCENE_FACES = 4


@dataclass(frozen=True)
class Example:
    """A picture on disk and what to call it."""

    title: str
    path: Path


def draw_examples(folder: Path) -> list[Example]:
    """Draw the examples into a folder, made if need be; always the same ones."""
    folder.mkdir(parents=True, exist_ok=True)
    examples = []
    for identity, emotion in enumerate(EMOTIONS):
        sex = "male" if identity % 3 == 2 else "female"
        picture = draw_face(identity=identity, emotion=emotion, sex=sex, size=FACE_SIZE, seed=identity)
        path = folder / f"{emotion.lower()}.png"
        picture.save(path)
        examples.append(Example(emotion, path))
    scene, _ = draw_scene(seed=4, num_faces=SCENE_FACES, size=SCENE_SIZE)
    path = folder / "several-faces.png"
    scene.save(path)
    return [*examples, Example("Several faces", path)]
