"""The demo with stand-ins for the models, without a generator: ``python -m tests.apps.serve_fakes --port PORT``."""

import sys
from pathlib import Path
from unittest import mock

from anime_models.classifier import Classifier
from anime_models.faces import FaceDetector
from apps.demo.__main__ import main
from apps.demo.generate import laboratory
from tests.apps.fakes import FakeClassifier, FakeDetector


def embedded(name: str) -> Classifier:
    return FakeClassifier("character" if name == "characters" else "emotion")


if __name__ == "__main__":
    with (
        mock.patch.object(FaceDetector, "load", FakeDetector),
        mock.patch.object(Classifier, "embedded", embedded),
        mock.patch.object(laboratory, "EMBEDDED", Path("nowhere")),
    ):
        sys.exit(main())
