"""Drawn (anime, manga) faces: find them, name the character, read the emotion, with confidences that hold.

The work is done by the submodules, which are imported by name; this package itself imports nothing heavy.

    images -> faces -> classifier -> reader      an upload to boxes, crops and calibrated predictions
    checkpoints, hub, records                    folders of plain files, here or on the Hugging Face Hub
    drawn_faces                                  procedural faces, free of any licence, for examples and tests
"""

__version__ = "0.1.0"
