"""What models say of single pictures: their most confident mistakes, and where they disagree."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from anime_models.run_files import Predictions


def answers(predictions: Predictions, temperature: float) -> pd.DataFrame:
    """A row for each picture: ``id``, ``truth``, ``answer``, ``confidence``, ``right``."""
    chances = predictions.probabilities(temperature)
    chosen, names = chances.argmax(axis=1), np.array(predictions.names, dtype=object)
    return pd.DataFrame(
        {
            "id": predictions.ids,
            "truth": names[predictions.labels],
            "answer": names[chosen],
            "confidence": chances.max(axis=1),
            "right": chosen == predictions.labels,
        }
    )


def mistakes(table: pd.DataFrame, truth: str | None = None, answer: str | None = None) -> pd.DataFrame:
    """The wrong answers, most confident first; only those of one true class, or that give one answer, if asked for."""
    wrong = table[~table["right"]]
    if truth is not None:
        wrong = wrong[wrong["truth"] == truth]
    if answer is not None:
        wrong = wrong[wrong["answer"] == answer]
    return wrong.sort_values("confidence", ascending=False)


def disagreements(models: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Pictures that not all models give the same answer: a row for each, a column for each model's answer.

    First those that most models get wrong. ``model:confidence`` stands beside each answer, ``wrong`` counts the models
    that err.
    """
    first, *others = models.values()
    table = first[["id", "truth"]].drop_duplicates("id").set_index("id")
    for other in others:
        table = table.loc[table.index.intersection(other["id"])]
    for name, one in models.items():
        by_id = one.drop_duplicates("id").set_index("id")
        table[name] = by_id["answer"]
        table[f"{name}:confidence"] = by_id["confidence"]
    given = table[list(models)]
    table["wrong"] = given.ne(table["truth"], axis=0).sum(axis=1)
    return table[given.nunique(axis=1) > 1].sort_values("wrong", ascending=False, kind="stable").reset_index()
