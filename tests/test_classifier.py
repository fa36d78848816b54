"""What a classifier says of face crops, from a small real checkpoint."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from anime_models.calibration import Conformal, label_sets
from anime_models.checkpoints import CheckpointConfig, load_checkpoint
from anime_models.classifier import BATCH_SIZE, Classifier, Prediction, Verdict
from anime_models.errors import CheckpointError, ConfigError, HubError
from anime_models.metrics import softmax
from anime_models.strangers import StrangerRule
from tests.hub_server import HubServer
from tests.small_models import CALIBRATION, ENERGY_RULE, LABELS, noise, write_checkpoint

CROPS = [noise(seed, (50 + seed, 60)) for seed in range(6)]
DETAILS: tuple[dict[str, str], ...] = ({"series": "A"}, {"series": "B"}, {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("models") / "emotions", label_details=DETAILS)


@pytest.fixture(scope="module")
def classifier(folder: Path) -> Classifier:
    return Classifier.load(folder)


def with_rule(tmp_path: Path, threshold: float, method: str = "energy") -> Classifier:
    rule = StrangerRule.model_validate({**ENERGY_RULE.model_dump(), "method": method, "threshold": threshold})
    means = np.eye(3, 1280) if method == "distance" else None
    stranger_output = method == "extra_class"
    return Classifier.load(
        write_checkpoint(tmp_path / f"rule{threshold}", means, strangers=rule, stranger_output=stranger_output)
    )


def assert_close(some: list[Prediction], others: list[Prediction]) -> None:
    """Equal but for the last digits, in which arithmetic in another order may differ."""
    for one, other in zip(some, others, strict=True):
        ours, theirs = ({c.label: c.confidence for c in each.candidates} for each in (one, other))
        assert ours == pytest.approx(theirs, abs=1e-4)
        assert one.stranger_score == pytest.approx(other.stranger_score, rel=1e-3)
        assert one.verdict == other.verdict


class TestPredict:
    def test_candidates_are_all_classes_by_calibrated_confidence(self, classifier: Classifier) -> None:
        logits = classifier.outputs(CROPS).logits
        expected = softmax(logits / CALIBRATION.temperature)
        predictions = classifier.predict(CROPS)
        assert len(predictions) == len(CROPS)
        for prediction, row in zip(predictions, expected, strict=True):
            confidences = [candidate.confidence for candidate in prediction.candidates]
            assert confidences == sorted(row, reverse=True)
            assert sum(confidences) == pytest.approx(1)
            assert {candidate.label for candidate in prediction.candidates} == set(LABELS)
            assert prediction.label == LABELS[row.argmax()]
            assert prediction.confidence == row.max()
        assert len({prediction.label for prediction in predictions}) > 1

    def test_candidates_know_their_details(self, classifier: Classifier) -> None:
        (prediction,) = classifier.predict(CROPS[:1])
        known = {candidate.label: candidate.details for candidate in prediction.candidates}
        assert known == dict(zip(LABELS, DETAILS, strict=True))

    def test_without_details_they_are_empty(self, tmp_path: Path) -> None:
        (prediction,) = Classifier.load(write_checkpoint(tmp_path / "plain")).predict(CROPS[:1])
        assert [candidate.details for candidate in prediction.candidates] == [{}, {}, {}]

    def test_the_set_is_the_conformal_one(self, classifier: Classifier) -> None:
        predictions = classifier.predict(CROPS)
        probabilities = softmax(classifier.outputs(CROPS).logits / CALIBRATION.temperature)
        for prediction, chosen in zip(predictions, label_sets(probabilities, CALIBRATION.conformal), strict=True):
            assert prediction.conformal_set == tuple(LABELS[index] for index in chosen)
            assert prediction.conformal_set[0] == prediction.label

    def test_the_set_is_never_empty(self, tmp_path: Path) -> None:
        calibration = CALIBRATION.model_copy(update={"conformal": Conformal(alpha=0.1, threshold=0)})
        strict = Classifier.load(write_checkpoint(tmp_path / "strict", calibration=calibration))
        assert [len(prediction.conformal_set) for prediction in strict.predict(CROPS)] == [1] * len(CROPS)

    def test_no_crops_no_predictions(self, classifier: Classifier) -> None:
        assert classifier.predict([]) == []

    def test_pictures_do_not_change(self, classifier: Classifier) -> None:
        before = [crop.tobytes() for crop in CROPS]
        classifier.predict(CROPS)
        assert [crop.tobytes() for crop in CROPS] == before


class TestVerdict:
    def test_confidence_below_the_threshold_is_not_sure(self, classifier: Classifier) -> None:
        for prediction in classifier.predict(CROPS, abstain_below=0.6):
            expected = Verdict.NOT_SURE if prediction.confidence < 0.6 else Verdict.LABEL
            assert prediction.verdict is expected

    def test_the_checkpoint_s_own_threshold_by_default(self, classifier: Classifier) -> None:
        own = CALIBRATION.abstention.threshold
        assert classifier.predict(CROPS) == classifier.predict(CROPS, abstain_below=own)
        assert {prediction.verdict for prediction in classifier.predict(CROPS)} == {Verdict.LABEL}

    def test_zero_is_a_threshold_and_not_the_default(self, tmp_path: Path) -> None:
        abstention = CALIBRATION.abstention.model_copy(update={"threshold": 1.0})
        calibration = CALIBRATION.model_copy(update={"abstention": abstention})
        shy = Classifier.load(write_checkpoint(tmp_path / "shy", calibration=calibration))
        assert {prediction.verdict for prediction in shy.predict(CROPS)} == {Verdict.NOT_SURE}
        assert {prediction.verdict for prediction in shy.predict(CROPS, abstain_below=0)} == {Verdict.LABEL}

    @pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
    def test_what_is_no_confidence_is_refused(self, classifier: Classifier, threshold: float) -> None:
        with pytest.raises(ConfigError, match="from 0 to 1"):
            classifier.predict(CROPS, abstain_below=threshold)

    def test_strangers_are_told_by_their_score(self, tmp_path: Path) -> None:
        scores = sorted(p.stranger_score for p in with_rule(tmp_path, 1e6).predict(CROPS))
        middle = (scores[2] + scores[3]) / 2
        predictions = with_rule(tmp_path, middle).predict(CROPS)
        assert [p.verdict is Verdict.STRANGER for p in predictions] == [p.stranger_score > middle for p in predictions]
        assert sum(p.verdict is Verdict.STRANGER for p in predictions) == 3

    def test_a_stranger_is_one_however_sure_the_model_is(self, tmp_path: Path) -> None:
        predictions = with_rule(tmp_path, -1e6).predict(CROPS, abstain_below=1.0)
        assert {prediction.verdict for prediction in predictions} == {Verdict.STRANGER}
        assert all(len(prediction.candidates) == 3 for prediction in predictions)

    @pytest.mark.parametrize("method", ["energy", "distance", "extra_class"])
    def test_scores_are_those_of_the_rule_s_method(self, tmp_path: Path, method: str) -> None:
        classifier = with_rule(tmp_path, 0.0, method)
        outputs = classifier.outputs(CROPS)
        energy = -np.log(np.exp(outputs.logits[:, :3]).sum(axis=1))
        unit = outputs.features / np.linalg.norm(outputs.features, axis=1, keepdims=True)
        expected = {
            "energy": energy,
            "distance": 1 - unit[:, :3].max(axis=1),
            "extra_class": outputs.logits[:, -1] + energy,
        }
        scores = [prediction.stranger_score for prediction in classifier.predict(CROPS)]
        np.testing.assert_allclose(scores, expected[method], rtol=1e-9)

    def test_without_a_rule_nobody_is_a_stranger(self, tmp_path: Path) -> None:
        trusting = Classifier.load(write_checkpoint(tmp_path / "trusting", strangers=None))
        predictions = trusting.predict(CROPS)
        assert all(np.isnan(prediction.stranger_score) for prediction in predictions)
        assert Verdict.STRANGER not in {prediction.verdict for prediction in predictions}

    def test_the_output_for_strangers_is_no_candidate(self, tmp_path: Path) -> None:
        """Its logit takes nothing from the classes' confidences either."""
        classifier = with_rule(tmp_path, 1e6, "extra_class")
        logits = classifier.outputs(CROPS).logits
        assert logits.shape == (len(CROPS), 4)
        for prediction, row in zip(classifier.predict(CROPS), logits, strict=True):
            assert {candidate.label for candidate in prediction.candidates} == set(LABELS)
            assert prediction.confidence == pytest.approx(softmax(row[None, :3] / CALIBRATION.temperature).max())

    def test_verdicts_are_strings(self) -> None:
        assert [verdict.value for verdict in Verdict] == ["label", "not_sure", "stranger"]
        assert Verdict("stranger") == "stranger"


class TestInvariance:
    def test_neither_company_nor_order_matters(self, classifier: Classifier) -> None:
        together = classifier.predict(CROPS)
        assert_close([classifier.predict([crop])[0] for crop in CROPS], together)
        assert_close(classifier.predict(CROPS[::-1])[::-1], together)

    def test_more_than_one_batch(self, classifier: Classifier) -> None:
        many = [CROPS[i % len(CROPS)] for i in range(BATCH_SIZE + 3)]
        predictions = classifier.predict(many)
        assert len(predictions) == BATCH_SIZE + 3
        assert_close(predictions[BATCH_SIZE:], classifier.predict(many[BATCH_SIZE:]))

    def test_test_time_flip_makes_mirror_images_equal(self, tmp_path: Path, classifier: Classifier) -> None:
        flipping = Classifier.load(write_checkpoint(tmp_path / "flipping", test_time_flip=True))
        crops = [crop.resize((64, 64)) for crop in CROPS]
        mirrored = [ImageOps.mirror(crop) for crop in crops]
        assert_close(flipping.predict(mirrored), flipping.predict(crops))
        np.testing.assert_allclose(
            flipping.outputs(crops).logits,
            (classifier.outputs(crops).logits + classifier.outputs(mirrored).logits) / 2,
            atol=1e-4,
        )
        assert not np.allclose(classifier.outputs(crops).logits, classifier.outputs(mirrored).logits, atol=1e-2)

    def test_threads_may_share_it(self, classifier: Classifier) -> None:
        expected = [classifier.predict([crop]) for crop in CROPS]
        with ThreadPoolExecutor(4) as pool:
            for _ in range(3):
                assert list(pool.map(classifier.predict, [[crop] for crop in CROPS])) == expected

    def test_predicting_changes_nothing(self, classifier: Classifier) -> None:
        before = {key: value.clone() for key, value in classifier.model.state_dict().items()}
        classifier.predict(CROPS)
        assert not classifier.model.training
        assert all(torch.equal(value, before[key]) for key, value in classifier.model.state_dict().items())
        assert all(parameter.grad is None for parameter in classifier.model.parameters())

    @pytest.mark.parametrize("size", [(1, 1), (3, 200), (700, 500)])
    def test_crops_of_any_size(self, classifier: Classifier, size: tuple[int, int]) -> None:
        (prediction,) = classifier.predict([Image.new("RGB", size, "pink")])
        assert 1 / 3 <= prediction.confidence <= 1


class TestLoad:
    def test_it_knows_what_it_is(self, classifier: Classifier, folder: Path) -> None:
        assert classifier.task == "emotion"
        assert classifier.label_names == LABELS
        assert classifier.name == str(folder)
        assert classifier.record is not None
        assert classifier.record.status == "finished"
        assert isinstance(classifier.config, CheckpointConfig)
        assert Classifier(load_checkpoint(folder)).name == "emotions"

    def test_folders_under_every_name(self, classifier: Classifier, folder: Path) -> None:
        expected = classifier.predict(CROPS)
        assert Classifier.load(str(folder)).predict(CROPS) == expected
        assert Classifier.load(f"local-dir:{folder}").predict(CROPS) == expected

    def test_from_the_hub(self, classifier: Classifier, folder: Path, hub: HubServer) -> None:
        hub.add("someone/emotions", folder)
        fetched = Classifier.load("someone/emotions")
        assert fetched.predict(CROPS) == classifier.predict(CROPS)
        assert fetched.name == "someone/emotions"
        assert {"config.json", "README.md", "record.json"} <= hub.downloads()

    def test_a_revision_of_the_hub(self, folder: Path, hub: HubServer, tmp_path: Path) -> None:
        repository = hub.add("someone/emotions", folder)
        other = write_checkpoint(tmp_path / "other", seed=5)
        repository.commit({path.name: path.read_bytes() for path in other.iterdir()}, ref="v2")
        newer = Classifier.load("someone/emotions@v2")
        assert newer.predict(CROPS) == Classifier.load(other).predict(CROPS)
        assert newer.predict(CROPS) != Classifier.load("someone/emotions").predict(CROPS)

    def test_a_name_that_is_nothing(self, hub: HubServer) -> None:
        with pytest.raises(HubError, match="no model repository someone/nothing"):
            Classifier.load("someone/nothing")

    def test_a_checkpoint_must_be_calibrated(self, tmp_path: Path) -> None:
        folder = write_checkpoint(tmp_path / "raw", calibration=None, strangers=None)
        with pytest.raises(CheckpointError, match=r"raw/config\.json: calibration is null.*finish its training"):
            Classifier.load(folder)
