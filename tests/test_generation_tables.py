"""Tables of trained generators, made of records."""

import json
from pathlib import Path

import pytest

from anime_models.errors import ConfigError
from anime_models.records import EnvironmentPart, read_record, write_record
from tests.markdown import cells
from tests.small_records import generator_record
from training.generation.tables import equal_time_table, generators_table


class TestGenerators:
    def test_seeds_are_one_line_with_mean_and_deviation(self) -> None:
        records = [generator_record("ours", seed=seed) for seed in (42, 43)]  # FID 40 and 41
        titles, _, row = generators_table(records).splitlines()
        figures = dict(zip(cells(titles), cells(row), strict=True))
        assert (figures["recipe"], figures["pictures"], figures["epochs"], figures["seeds"]) == (
            "ours",
            "2,000",
            "6",
            "2",
        )
        assert figures["FID"] == "40 ± 1", "mean and sample standard deviation, rounded"
        assert figures["of real faces"] == "6 ± 0"
        assert figures["minutes"] == "2 ± 0"
        assert figures["precision"] == "—", "which these records lack"

    def test_learning_rates_are_lines_of_their_own(self) -> None:
        titles, _, *rows = generators_table([generator_record("ning", rate) for rate in (1e-3, 1e-4)]).splitlines()
        column = cells(titles).index("learning rate")
        assert [cells(row)[column] for row in rows] == ["0.0001", "0.001"]

    def test_starts_and_shares_of_the_pictures_are_lines_of_their_own(self) -> None:
        gone_on, fewer = generator_record("ours", seed=43), generator_record("ours", seed=44)
        gone_on.model.start_weights, gone_on.model.start_digest = "another-run", "sha256:0"
        fewer.recipe |= {"typical_share": 0.3, "augmentation": ["color", "translation"]}
        titles, _, *rows = generators_table([generator_record("ours"), gone_on, fewer]).splitlines()
        told = [dict(zip(cells(titles), cells(row), strict=True)) for row in rows]
        assert sorted((each["start"], each["most typical"], each["augmentation"]) for each in told) == [
            ("random", "100%", "—"),
            ("random", "30%", "color, translation"),
            ("trained", "100%", "—"),
        ]

    def test_other_settings_and_data_are_lines_of_their_own(self) -> None:
        larger, fewer = generator_record("ours", seed=43), generator_record("ours", seed=44)
        larger.recipe["image_size"] = 128
        fewer.dataset.num_images["train"] = 500
        assert len(generators_table([generator_record("ours"), larger, fewer]).splitlines()) == 2 + 3

    def test_figures_of_two_extractors_stand_in_no_column_together(self) -> None:
        other = generator_record("ours", seed=43)
        other.recipe["extractor"] = "inception-v3-fid"
        with pytest.raises(ConfigError, match="inception-v3-fid and lite0 stand in no column together"):
            generators_table([generator_record("ours"), other])


class TestEqualTime:
    @pytest.fixture
    def runs(self, tmp_path: Path) -> dict[str, Path]:
        """The papers' recipe, 4 epochs of 100 s; and ours, 2 of 400 s."""
        curves = {"ning": [(100, 90), (100, 80), (100, 85), (100, 70)], "ours": [(400, 42), (400, 30)]}
        paths = {}
        for name, epochs in curves.items():
            folder = tmp_path / name
            write_record(generator_record(name), folder / "record.json")
            lines = [{"epoch": n, "seconds": seconds, "held_out/fid": fid} for n, (seconds, fid) in enumerate(epochs)]
            (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
            paths[name] = folder / "record.json"
        return paths

    def test_each_mark_has_the_lowest_fid_until_then(self, runs: dict[str, Path]) -> None:
        titles, _, *rows = equal_time_table(runs).splitlines()
        assert cells(titles) == ["FID after", "ning", "ours", "change"]
        assert cells(rows[1]) == ["2 minutes", "90", "—", "—"], "a quarter of 400 s, before our first epoch ended"
        assert cells(rows[2]) == ["3 minutes", "80", "—", "—"]
        assert cells(rows[3]) == ["7 minutes", "70", "42", "-40%"], "as long as the faster of the two took"

    def test_seconds_of_other_threads_are_not_compared(self, runs: dict[str, Path]) -> None:
        for name, threads in (("ning", 1), ("ours", 2)):
            record = read_record(runs[name])
            record.environment = EnvironmentPart(
                python="3.11", torch="2.14", device="cpu", precision="fp32", threads=threads
            )
            write_record(record, runs[name])
        with pytest.raises(ConfigError, match=r"cpu, 1 threads and cpu, 2 threads do not compare after the same time"):
            equal_time_table(runs)

    def test_one_run_alone_is_compared_with_nothing(self, runs: dict[str, Path]) -> None:
        assert "—" in equal_time_table({"ours": runs["ours"]})
