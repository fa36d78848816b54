"""What is published comes back as it was; what must not be published stays here; and first everything is shown."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import load_dataset
from huggingface_hub import EvalResultEntry, ModelCard, ModelCardData, parse_eval_result_entries

from anime_models.classifier import Classifier
from anime_models.drawn_faces import draw_face, make_dataset
from anime_models.face_datasets import load_split
from anime_models.generator import FaceGenerator
from anime_models.hub import local_folder
from anime_models.record_store import RecordStore
from anime_models.records import read_record, write_record
from tests.hub_server import Fault, HubServer
from tests.parquet_files import write_split
from tests.small_generators import small_generator
from tests.small_models import noise, write_checkpoint
from tests.small_records import classifier_record, generator_record, write_run
from training.publish import main
from training.publishing.model_stage import card_of
from training.publishing.shipped_cards import shipped_models

EMBEDDED = Path(__file__).parent.parent / "anime_models" / "embedded"
LOADING = """
import json
from datasets import load_dataset
drawn, pictures = load_dataset("rin/drawn"), load_dataset("rin/pictures")
print(json.dumps({
    "names": drawn["train"].features["label"].names,
    "rows": {split: len(rows) for split, rows in drawn.items()},
    "size": drawn["test"][0]["image"].size,
    "annotations": load_dataset("rin/drawn", "annotations")["train"].to_list(),
    "pictures": {split: list(rows["character"]) for split, rows in pictures.items()},
    "records": len(load_dataset("rin/records")["train"]),
}))
"""


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a finished classifier. Not to be written to."""
    folder = tmp_path_factory.mktemp("classifier") / "run"
    write_checkpoint(folder / "checkpoint", start_weights="imagenet")
    write_record(classifier_record("mobilenet_v2"), folder / "checkpoint" / "record.json")
    return folder


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoint folder of a finished generator. Not to be written to."""
    folder = small_generator(tmp_path_factory.mktemp("generator") / "checkpoint", novelty=False)
    write_record(generator_record(), folder / "record.json")
    return folder


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of procedural faces. Not to be written to."""
    return make_dataset(tmp_path_factory.mktemp("data") / "drawn", num_identities=3, images_per_identity=6, size=32)


@pytest.fixture
def own_drawn(drawn: Path, tmp_path: Path) -> Path:
    """The same, to change."""
    return Path(shutil.copytree(drawn, tmp_path / "own"))


def write_pictures(folder: Path) -> Path:
    """An image folder of two splits, with a card."""
    for split, count in {"train": 3, "test": 1}.items():
        (folder / split).mkdir(parents=True)
        rows = [{"file_name": f"{i}.png", "character": f"Character {i}"} for i in range(count)]
        (folder / split / "metadata.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        for i in range(count):
            draw_face(identity=i, size=32).save(folder / split / f"{i}.png")
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n# Pictures\n")
    return folder


def publish(kind: str, *arguments: str | Path) -> int:
    return main([kind, *map(str, arguments), "--yes"])


def front_matter(card: Path) -> dict[str, Any]:
    fields = yaml.safe_load(card.read_text("utf-8").split("---\n")[1])
    assert isinstance(fields, dict)
    return fields


class TestDryRun:
    def test_it_shows_everything_and_sends_nothing(
        self, signed_in: HubServer, classifier: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["model", str(classifier), "--repo", "rin/faces"]) == 0
        shown = capsys.readouterr().out
        assert "4.69 MB  model.safetensors" in shown
        assert "pipeline_tag: image-classification" in shown
        assert "in a new repository: add 5" in shown
        assert "this was a dry run. Add --yes" in shown
        assert {request.split()[0] for request in signed_in.requests} == {"GET"}

    def test_it_needs_no_network(
        self, hub_cache: Path, generator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["model", str(generator), "--repo", "rin/faces", "--stage", str(tmp_path / "staged")]) == 0
        said = capsys.readouterr()
        assert "HF_HUB_OFFLINE is set" in said.err
        assert "the Hub was not asked what is there" in said.out
        assert (tmp_path / "staged" / "uncurated.webp").is_file()

    @pytest.mark.parametrize("name", ["characters", "emotions", "detector", "generator"])
    def test_the_shipped_models_are_ready(self, hub_cache: Path, tmp_path: Path, name: str) -> None:
        assert main(["model", str(EMBEDDED / name), "--repo", "rin/faces", "--stage", str(tmp_path)]) == 0
        fields = front_matter(tmp_path / "README.md")
        assert {"license", "library_name", "pipeline_tag", "metrics", "tags", "model-index"} <= set(fields)
        card = (tmp_path / "README.md").read_text("utf-8")
        for title in ("Load it", "Intended use", "Results", "Calibration", "Data and its limits", "Limits"):
            assert f"## {title}\n" in card

    @pytest.mark.parametrize("folder", shipped_models(), ids=lambda folder: folder.name)
    def test_the_shipped_cards_are_those_of_the_records(self, folder: Path) -> None:
        card = (folder / "README.md").read_text("utf-8")
        assert card_of(folder) == card, "run `python -m training.publishing.shipped_cards`"

    def test_what_would_change_is_told(
        self, signed_in: HubServer, own_drawn: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 0
        (own_drawn / "validation.parquet").unlink()
        capsys.readouterr()
        assert main(["dataset", str(own_drawn), "--repo", "rin/drawn"]) == 0
        shown = capsys.readouterr().out
        assert "change 1, remove 1, keep 2" in shown
        assert "  remove  validation.parquet" in shown

    def test_a_stage_with_files_is_left_alone(
        self, hub_cache: Path, drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "mine").touch()
        assert main(["dataset", str(drawn), "--repo", "rin/drawn", "--stage", str(tmp_path)]) == 1
        assert "holds files already" in capsys.readouterr().err


class TestModels:
    def test_a_classifier_comes_back(self, signed_in: HubServer, classifier: Path) -> None:
        assert publish("model", classifier, "--repo", "rin/faces", "--dataset", "rin/drawn") == 0
        faces = [noise(seed) for seed in range(3)]
        assert Classifier.load("rin/faces").predict(faces) == Classifier.load(classifier / "checkpoint").predict(faces)

    def test_its_page_is_complete(self, signed_in: HubServer, classifier: Path) -> None:
        assert publish("model", classifier, "--repo", "rin/faces", "--dataset", "rin/drawn") == 0
        repository = signed_in.repository("rin/faces")
        card = ModelCard(repository.content("README.md").decode())
        assert isinstance(card.data, ModelCardData)
        assert card.data.license == "apache-2.0"
        assert card.data.base_model == "timm/mobilenetv2_100.ra_in1k"
        assert card.data.datasets == ["rin/drawn"]
        assert card.data.metrics == ["accuracy", "f1"]
        results = {(r.dataset_split, r.metric_type): r for r in card.data.eval_results or []}
        record = classifier_record("mobilenet_v2")
        accuracy = results["test", "accuracy"]
        assert accuracy.metric_value == round(record.value("accuracy") or 0, 4)
        assert accuracy.dataset_type == "rin/drawn"
        assert 'Classifier.load("rin/faces")' in card.text
        assert "| ece |" in card.text

    def test_its_results_stand_in_both_forms(self, signed_in: HubServer, classifier: Path) -> None:
        assert publish("model", classifier, "--repo", "rin/faces") == 0
        rows = yaml.safe_load(signed_in.repository("rin/faces").content(".eval_results/emotion.yaml"))
        entries: list[EvalResultEntry] = parse_eval_result_entries(rows)
        accuracy = next(entry for entry in entries if entry.task_id == "emotion-test-accuracy")
        assert accuracy.dataset_id == "emotions"
        assert accuracy.date == "2026-01-01T00:00:00Z"
        assert accuracy.source_url == f"{signed_in.url}/rin/faces/blob/main/record.json"
        assert "95% interval" in (accuracy.notes or "")
        assert "the data is not on the Hub" in (accuracy.notes or "")

    def test_a_generator_comes_back_with_its_samples(self, signed_in: HubServer, generator: Path) -> None:
        assert publish("model", generator, "--repo", "rin/dcgan") == 0
        card = signed_in.repository("rin/dcgan").content("README.md").decode()
        assert "(uncurated.webp)" in card
        fetched, mine = FaceGenerator.load("rin/dcgan"), FaceGenerator.load(generator)
        latent = mine.latent(seed=7)[None]
        assert fetched.images(latent)[0].tobytes() == mine.images(latent)[0].tobytes()
        assert len(fetched.epochs) == len(mine.epochs) == 3
        assert [direction.name for direction in fetched.directions] == [d.name for d in mine.directions]

    def test_the_record_of_a_published_model_reads(self, signed_in: HubServer, generator: Path) -> None:
        assert publish("model", generator, "--repo", "rin/dcgan") == 0
        assert read_record(local_folder("rin/dcgan") / "record.json") == generator_record()

    def test_what_is_no_part_of_a_checkpoint_stays_here(
        self, signed_in: HubServer, classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = Path(shutil.copytree(classifier / "checkpoint", tmp_path / "checkpoint"))
        (folder / "face-of-somebody.png").write_bytes(b"")
        assert publish("model", folder, "--repo", "rin/faces") == 0
        assert "face-of-somebody.png is no part of a checkpoint" in capsys.readouterr().out
        assert "face-of-somebody.png" not in signed_in.repository("rin/faces").files()

    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("optimizer.pt", b"", r"optimizer.pt is a pickle"),
            ("config.json", b"{}", "holds no config.json that names a task"),
            ("model.safetensors", b"cos", "model.safetensors is damaged"),
            ("record.json", b"{}", "record.json: run_id"),
        ],
    )
    def test_a_checkpoint_that_does_not_load_stays_here(
        self,
        signed_in: HubServer,
        classifier: Path,
        tmp_path: Path,
        capsys: pytest.CaptureFixture[str],
        name: str,
        content: bytes,
        message: str,
    ) -> None:
        folder = Path(shutil.copytree(classifier / "checkpoint", tmp_path / "checkpoint"))
        (folder / name).write_bytes(content)
        assert publish("model", folder, "--repo", "rin/faces") == 1
        assert message in capsys.readouterr().err
        assert signed_in.store.find("models", "rin/faces") is None

    def test_an_unfinished_run_stays_here(
        self, signed_in: HubServer, classifier: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        folder = Path(shutil.copytree(classifier / "checkpoint", tmp_path / "checkpoint"))
        write_record(classifier_record(status="running"), folder / "record.json")
        assert publish("model", folder, "--repo", "rin/faces") == 1
        assert "is running, not finished" in capsys.readouterr().err


class TestDatasets:
    def test_parquet_comes_back(self, signed_in: HubServer, drawn: Path) -> None:
        assert publish("dataset", drawn, "--repo", "rin/drawn") == 0
        fetched, mine = load_split(local_folder("rin/drawn", repo_type="dataset"), "test"), load_split(drawn, "test")
        assert fetched.label_names == mine.label_names
        assert [image.tobytes() for image in fetched.images] == [image.tobytes() for image in mine.images]

    def test_its_card_says_what_is_in_it(self, signed_in: HubServer, own_drawn: Path) -> None:
        faces = [draw_face(identity=900 + i, emotion=None, size=32) for i in range(2)]
        write_split(own_drawn / "neutral_test.parquet", faces, group=["a", "b"])
        write_split(own_drawn / "annotations.parquet", faces, annotator=["anna", "ben"], label_name=["x", "y"])
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 0
        fields = yaml.safe_load(
            signed_in.repository("datasets/rin/drawn").content("README.md").decode().split("---\n")[1]
        )
        configs = {config["config_name"]: config["data_files"] for config in fields["configs"]}
        assert set(configs) == {"default", "neutral", "annotations"}
        assert configs["annotations"] == [{"split": "train", "path": "annotations.parquet"}]
        infos = {info["config_name"]: info for info in fields["dataset_info"]}
        sizes = {split["name"]: split["num_examples"] for split in infos["default"]["splits"]}
        assert sizes == {"test": 3, "train": 12, "validation": 3}
        assert {feature["name"] for feature in infos["default"]["features"]} >= {"image", "label", "group"}
        assert fields["size_categories"] == ["n<1K"]
        assert fields["annotations_creators"] == ["crowdsourced"]
        assert fields["license"] == "apache-2.0"

    def test_a_folder_of_pictures_comes_back(self, signed_in: HubServer, tmp_path: Path) -> None:
        assert publish("dataset", write_pictures(tmp_path / "pictures"), "--repo", "rin/pictures") == 0
        fetched = local_folder("rin/pictures", repo_type="dataset")
        fields = front_matter(fetched / "README.md")
        assert fields["configs"][0]["data_files"] == [
            {"split": "train", "path": "train/**"},
            {"split": "test", "path": "test/**"},
        ]
        assert [split["num_examples"] for split in fields["dataset_info"]["splits"]] == [3, 1]
        loaded = load_dataset("imagefolder", data_dir=str(fetched / "train"), cache_dir=str(tmp_path / "cache"))
        assert sorted(loaded["train"]["character"]) == ["Character 0", "Character 1", "Character 2"]

    def test_load_dataset_reads_what_is_published(self, signed_in: HubServer, own_drawn: Path, tmp_path: Path) -> None:
        labels = [("faces/0", "anna", "Happy"), ("faces/0", "ben", "Sad"), ("faces/1", "anna", "Sad")]
        rows = [dict(zip(("image_id", "annotator", "label_name"), label, strict=True)) for label in labels]
        pq.write_table(pa.Table.from_pylist(rows), own_drawn / "annotations.parquet")
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 0
        assert publish("dataset", write_pictures(tmp_path / "pictures"), "--repo", "rin/pictures") == 0
        assert publish("records", EMBEDDED / "records" / "reported", "--repo", "rin/records") == 0
        environment = {**os.environ, "HF_DATASETS_CACHE": str(tmp_path / "cache")}
        done = subprocess.run(
            [sys.executable, "-c", LOADING], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        loaded = json.loads(done.stdout)
        assert loaded.pop("records") > 0
        assert loaded == {
            "names": ["Character 000", "Character 001", "Character 002"],
            "rows": {"train": 12, "validation": 3, "test": 3},
            "size": [32, 32],
            "annotations": rows,
            "pictures": {"train": ["Character 0", "Character 1", "Character 2"], "test": ["Character 0"]},
        }

    def test_pictures_that_do_not_fit_their_list_are_refused(
        self, signed_in: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "train").mkdir()
        draw_face(identity=0, size=32).save(tmp_path / "train" / "0.png")
        (tmp_path / "train" / "metadata.jsonl").write_text("no JSON")
        (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n")
        assert publish("dataset", tmp_path, "--repo", "rin/pictures") == 1
        assert "Correct metadata.jsonl" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("card", "message"),
        [
            (None, "README.md does not exist"),
            ("# A set\n", "names no licence"),
            ("---\nlicense: other\n---\n", "names the licence 'other'"),
            ("---\nlicense: [\n---\n", "is no YAML"),
            ("---\nlicense: mit\n---\n**Use: inside\nthis project only.**\n", "inside this project only"),
            ("---\nlicense: mit\n---\n**For training only; not for\nredistribution.**\n", "not for redistribution"),
            ("---\nlicense: mit\nnote: Not redistributable\n---\n", "not redistributable"),
        ],
    )
    def test_data_that_is_not_to_be_given_away_stays_here(
        self,
        signed_in: HubServer,
        own_drawn: Path,
        capsys: pytest.CaptureFixture[str],
        card: str | None,
        message: str,
    ) -> None:
        (own_drawn / "README.md").unlink()
        if card is not None:
            (own_drawn / "README.md").write_text(card)
        for update in ((), ("--update",)):
            assert publish("dataset", own_drawn, "--repo", "rin/drawn", *update) == 1
            assert message in capsys.readouterr().err
        assert signed_in.store.find("datasets", "rin/drawn") is None

    def test_a_group_in_two_splits_is_refused(
        self, signed_in: HubServer, own_drawn: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shutil.copy(own_drawn / "train.parquet", own_drawn / "test.parquet")
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 1
        assert "is in the splits" in capsys.readouterr().err

    def test_rows_without_pictures_are_refused(
        self, signed_in: HubServer, own_drawn: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        write_split(own_drawn / "test.parquet", [None])
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 1
        assert "holds no image bytes" in capsys.readouterr().err

    @pytest.mark.parametrize("name", ["faces.parquet", "train.parquet"])
    def test_files_that_are_no_splits_are_refused(
        self, signed_in: HubServer, own_drawn: Path, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        (own_drawn / name).write_bytes(b"no Parquet")
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 1
        assert name in capsys.readouterr().err


class TestRecords:
    def test_the_dashboard_reads_them(self, signed_in: HubServer, tmp_path: Path) -> None:
        for seed in (1, 2):
            write_run(tmp_path / "runs", classifier_record(seed=seed))
        alone = tmp_path / "alone"
        alone.mkdir()
        write_record(generator_record(), alone / "dcgan.json")
        assert publish("records", tmp_path / "runs", alone, "--repo", "rin/records") == 0
        fetched = local_folder("rin/records", repo_type="dataset")
        snapshot = RecordStore([fetched]).snapshot()
        assert len(snapshot.rows) == 3
        assert not snapshot.problems
        run = fetched / "runs" / classifier_record(seed=1).run_id
        assert (run / "metrics.jsonl").is_file()
        assert (run / "predictions.parquet").is_file()

    def test_results_are_a_table(self, signed_in: HubServer, tmp_path: Path) -> None:
        record = classifier_record()
        write_run(tmp_path / "runs", record)
        assert publish("records", tmp_path / "runs", "--repo", "rin/records") == 0
        table = local_folder("rin/records", repo_type="dataset") / "results.parquet"
        rows = load_dataset("parquet", data_files=str(table), cache_dir=str(tmp_path / "cache"))["train"]
        assert len(rows) == len(record.results)
        assert rows[0]["run_id"] == record.run_id
        fields = front_matter(table.parent / "README.md")
        assert fields["configs"][0]["data_files"] == [{"split": "train", "path": "results.parquet"}]
        assert fields["dataset_info"]["splits"][0]["num_examples"] == len(record.results)

    def test_later_ones_join_earlier_ones(self, signed_in: HubServer, tmp_path: Path) -> None:
        write_run(tmp_path / "first", classifier_record(seed=1))
        write_run(tmp_path / "second", classifier_record(seed=2))
        assert publish("records", tmp_path / "first", "--repo", "rin/records") == 0
        assert publish("records", tmp_path / "second", "--repo", "rin/records") == 1
        assert publish("records", tmp_path / "second", "--repo", "rin/records", "--update") == 0
        fetched = local_folder("rin/records", repo_type="dataset")
        assert {path.name for path in (fetched / "runs").iterdir()} == {
            classifier_record(seed=s).run_id for s in (1, 2)
        }

    def test_weights_and_running_ones_stay_here(
        self, signed_in: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = write_run(tmp_path / "runs", classifier_record(seed=1))
        (run / "last_epoch.pt").write_bytes(b"state")
        (run / "checkpoint").mkdir(exist_ok=True)
        (run / "checkpoint" / "model.safetensors").write_bytes(b"weights")
        write_run(tmp_path / "runs", classifier_record(seed=2, status="running"))
        assert publish("records", tmp_path / "runs", "--repo", "rin/records") == 0
        assert "is still running" in capsys.readouterr().out
        files = signed_in.repository("datasets/rin/records").files()
        assert not [path for path in files if path.endswith((".pt", ".safetensors")) or "-s2" in path]

    @pytest.mark.parametrize("content", [None, "{"])
    def test_folders_without_readable_records_are_refused(
        self, signed_in: HubServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
    ) -> None:
        if content is not None:
            (tmp_path / "record.json").write_text(content)
        assert publish("records", tmp_path, "--repo", "rin/records") == 1
        assert "record" in capsys.readouterr().err


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            (Fault(status=401), "does not accept the token"),
            (Fault(status=403, path="*/commit/*"), "may not write"),
            (Fault(status=404, code="RepoNotFound", path="*/preupload/*"), "does not exist"),
            (Fault(status=409, path="/api/repos/create"), "is taken"),
            (Fault(status=412, path="*/commit/*"), "has changed since"),
            (Fault(status=429, path="*/preupload/*"), "asks to wait"),
            (Fault(status=503), "is ill"),
            (Fault(cut=True, path="*/objects/batch"), "could not be reached"),
        ],
    )
    @pytest.mark.parametrize("kind", ["model", "dataset", "records"])
    def test_each_says_what_to_do_and_nothing_is_published(
        self,
        signed_in: HubServer,
        generator: Path,
        drawn: Path,
        capsys: pytest.CaptureFixture[str],
        kind: str,
        fault: Fault,
        message: str,
    ) -> None:
        folder = {"model": generator, "dataset": drawn, "records": EMBEDDED / "records"}[kind]
        signed_in.fail(fault)
        assert publish(kind, folder, "--repo", "rin/thing") == 1
        said = capsys.readouterr().err
        assert message in said
        assert "Nothing was published." in said
        repository = signed_in.store.find("models" if kind == "model" else "datasets", "rin/thing")
        assert repository is None or len(repository.commits) == 1

    def test_a_stale_parent_is_an_error(
        self, signed_in: HubServer, own_drawn: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert publish("dataset", own_drawn, "--repo", "rin/drawn") == 0
        parent = signed_in.repository("datasets/rin/drawn").refs["main"]
        signed_in.repository("datasets/rin/drawn").commit({"theirs.json": b"{}"})
        assert publish("dataset", own_drawn, "--repo", "rin/drawn", "--update", "--parent", parent) == 1
        assert "somebody changed it meanwhile" in capsys.readouterr().err
