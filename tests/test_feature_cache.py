"""Cached features are those that would be computed, once, whatever happens to the process and to the files."""

import json
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections import namedtuple
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from anime_models.errors import ConfigError
from training.classification.feature_cache import CHUNK_SIZE, CachedViews, cached_views, digest

NUM_IMAGES = 2 * CHUNK_SIZE + 5
NUM_VIEWS = 2
NUM_CHUNKS = 3 * NUM_VIEWS
SIZE = 8
PARTS: dict[str, object] = {"weights": "abc", "seed": 1}


class Pictures:
    """Views of noise pictures; counts the chunks that were asked for, and may end with an error before one of them."""

    def __init__(self, stop_before: int | None = None) -> None:
        self.num_calls, self.stop_before = 0, stop_before

    def __call__(self, view: int, rows: Tensor) -> Tensor:
        if self.num_calls == self.stop_before:
            raise KeyboardInterrupt
        self.num_calls += 1
        return torch.stack([self.picture(view, int(row)) for row in rows])

    @staticmethod
    def picture(view: int, row: int) -> Tensor:
        return torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(1000 * view + row))


@pytest.fixture
def lower() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU()).eval()


def make(folder: Path, lower: Any, view: Any = None, **changes: Any) -> CachedViews:
    arguments: dict[str, Any] = {"num_images": NUM_IMAGES, "num_views": NUM_VIEWS, "key_parts": PARTS}
    return cached_views(folder, lower, view or Pictures(), **{**arguments, **changes})


def entry_of(folder: Path) -> Path:
    (entry,) = folder.iterdir()
    return entry


@torch.no_grad()
def check(cached: CachedViews, lower: nn.Module) -> None:
    """Every row of every view is what the frozen part gives, to the precision of half precision."""
    for view in range(NUM_VIEWS):
        expected = lower(Pictures()(view, torch.arange(NUM_IMAGES)))
        torch.testing.assert_close(cached.batch(view, torch.arange(NUM_IMAGES)), expected, rtol=2**-11, atol=1e-7)


class TestBatches:
    @torch.no_grad()
    def test_rows_come_in_any_order(self, tmp_path: Path, lower: nn.Module) -> None:
        cached = make(tmp_path, lower)
        check(cached, lower)
        rows = torch.tensor([NUM_IMAGES - 1, 3, 70, 3])
        batch = cached.batch(1, rows)
        assert batch.dtype == torch.float32
        assert batch.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(batch, cached.batch(1, torch.arange(NUM_IMAGES))[rows])
        torch.testing.assert_close(batch, lower(Pictures()(1, rows)), rtol=2**-11, atol=1e-7)
        batch.zero_()
        check(cached, lower)

    @pytest.mark.parametrize("shape", [(7,), (4, 7), (7, 2, 3)])
    def test_vectors_tokens_and_maps_keep_their_shape(self, tmp_path: Path, shape: tuple[int, ...]) -> None:
        def lower(images: Tensor) -> Tensor:
            generator = torch.Generator().manual_seed(5)
            return images.mean(dim=(1, 2, 3)).reshape(-1, *[1] * len(shape)) * torch.rand(shape, generator=generator)

        rows = torch.tensor([5, 2])
        batch = make(tmp_path, lower).batch(0, rows)
        assert batch.shape == (2, *shape)
        torch.testing.assert_close(batch, lower(Pictures()(0, rows)), rtol=2**-11, atol=1e-7)

    @torch.no_grad()
    def test_what_bfloat16_computes_is_kept_unchanged(self, tmp_path: Path, lower: nn.Module) -> None:
        in_bfloat16 = torch.autocast("cpu", dtype=torch.bfloat16)(lower.forward)

        rows = torch.arange(CHUNK_SIZE)
        batch = make(tmp_path, in_bfloat16).batch(1, rows)
        assert batch.dtype == torch.bfloat16
        torch.testing.assert_close(batch, in_bfloat16(Pictures()(1, rows)), rtol=0, atol=2**-25)

    def test_no_gradient_is_kept(self, tmp_path: Path, lower: nn.Module) -> None:
        assert not make(tmp_path, lower).batch(0, torch.arange(2)).requires_grad


class TestOnce:
    def test_a_second_call_computes_nothing(self, tmp_path: Path, lower: nn.Module) -> None:
        first, second = Pictures(), Pictures()
        make(tmp_path, lower, first)
        check(make(tmp_path, lower, second), lower)
        assert (first.num_calls, second.num_calls) == (NUM_CHUNKS, 0)

    @pytest.mark.parametrize(
        "changes",
        [
            {"key_parts": {**PARTS, "weights": "abd"}},
            {"key_parts": {**PARTS, "seed": 2}},
            {"key_parts": {**PARTS, "transform": {"flip": 0.5}}},
            {"num_images": NUM_IMAGES + 1},
            {"num_views": NUM_VIEWS + 1},
        ],
    )
    def test_other_features_have_another_key(self, tmp_path: Path, lower: nn.Module, changes: dict[str, Any]) -> None:
        make(tmp_path, lower)
        pictures = Pictures()
        make(tmp_path, lower, pictures, **changes)
        assert pictures.num_calls >= NUM_CHUNKS
        assert len(list(tmp_path.iterdir())) == 2

    def test_the_order_of_the_key_s_parts_does_not_matter(self, tmp_path: Path, lower: nn.Module) -> None:
        make(tmp_path, lower)
        make(tmp_path, lower, key_parts=dict(reversed(PARTS.items())))
        entry_of(tmp_path)

    def test_the_manifest_says_what_the_features_depend_on(self, tmp_path: Path, lower: nn.Module) -> None:
        make(tmp_path, lower)
        key = json.loads((entry_of(tmp_path) / "manifest.json").read_bytes())["key"]
        assert key["parts"] == PARTS
        assert key["libraries"]["torch"] == version("torch")

    def test_progress_is_reported(self, tmp_path: Path, lower: nn.Module, capsys: pytest.CaptureFixture[str]) -> None:
        make(tmp_path, lower)
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith("cached features: view 1 of 2 in ")
        assert second.startswith("cached features: view 2 of 2 in ")
        make(tmp_path, lower)
        assert capsys.readouterr().out == ""

    def test_nothing_to_compute_is_an_error(self, tmp_path: Path, lower: nn.Module) -> None:
        for changes in ({"num_images": 0}, {"num_views": 0}):
            with pytest.raises(ConfigError, match="one at least"):
                make(tmp_path, lower, **changes)


class TestKilled:
    @pytest.mark.parametrize("num_done", [0, 1, 4])
    def test_it_goes_on_after_the_last_chunk(self, tmp_path: Path, lower: nn.Module, num_done: int) -> None:
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, lower, Pictures(stop_before=num_done))
        assert not (entry_of(tmp_path) / "manifest.json").exists()
        pictures = Pictures()
        check(make(tmp_path, lower, pictures), lower)
        assert pictures.num_calls == NUM_CHUNKS - num_done
        assert {path.name for path in entry_of(tmp_path).iterdir()} == {"features.npy", "manifest.json", "lock"}

    def test_a_process_that_is_killed_outright(self, tmp_path: Path) -> None:
        """It leaves no lock behind, and what it had computed is used."""
        program = f"""
import os, signal, sys, torch
from importlib.metadata import version
from pathlib import Path
from training.classification.feature_cache import cached_views
def view(number, rows):
    if number:
        os.kill(os.getpid(), signal.SIGKILL)
    return torch.full((len(rows), 3, 2, 2), float(number))
cached_views(Path(sys.argv[1]), torch.nn.Flatten(), view, num_images={NUM_IMAGES}, num_views=2, key_parts={PARTS})
"""
        root = Path(__file__).parent.parent
        killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, check=False)
        assert killed.returncode == -signal.SIGKILL
        asked = []

        def view(number: int, rows: Tensor) -> Tensor:
            asked.append(number)
            return torch.full((len(rows), 3, 2, 2), float(number))

        cached = make(tmp_path, nn.Flatten(), view)
        assert asked == [1, 1, 1]
        for number in range(2):
            assert (cached.batch(number, torch.arange(NUM_IMAGES)) == number).all()


class TestDamaged:
    @staticmethod
    def flip_byte(path: Path, position: int) -> None:
        content = bytearray(path.read_bytes())
        content[position] ^= 0xFF
        path.write_bytes(content)

    def test_a_chunk_that_has_changed_is_computed_again(
        self, tmp_path: Path, lower: nn.Module, capsys: pytest.CaptureFixture[str]
    ) -> None:
        make(tmp_path, lower)
        self.flip_byte(entry_of(tmp_path) / "features.npy", -1)
        pictures = Pictures()
        check(make(tmp_path, lower, pictures), lower)
        assert pictures.num_calls == 1
        assert "1 chunks of the features" in capsys.readouterr().out
        assert (entry_of(tmp_path) / "manifest.json").exists()

    def test_a_chunk_of_a_killed_computation_as_well(self, tmp_path: Path, lower: nn.Module) -> None:
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, lower, Pictures(stop_before=2))
        self.flip_byte(entry_of(tmp_path) / "features.npy", 1000)
        pictures = Pictures()
        check(make(tmp_path, lower, pictures), lower)
        assert pictures.num_calls == NUM_CHUNKS - 1

    @pytest.mark.parametrize("name", ["features.npy", "manifest.json"])
    @pytest.mark.parametrize("content", [b"", b"{}", None, "half", "zeros"])
    def test_a_file_that_is_none_any_more(
        self,
        tmp_path: Path,
        lower: nn.Module,
        name: str,
        content: bytes | str | None,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        make(tmp_path, lower)
        capsys.readouterr()
        path = entry_of(tmp_path) / name
        size = path.stat().st_size
        if content is None:
            path.unlink()
        else:
            damaged = {"half": path.read_bytes()[: size // 2], "zeros": bytes(size)}
            path.write_bytes(content if isinstance(content, bytes) else damaged[content])
        pictures = Pictures()
        check(make(tmp_path, lower, pictures), lower)
        assert pictures.num_calls == NUM_CHUNKS
        # Without a manifest there is nothing that could be damaged.
        missing = name == "manifest.json" and content is None
        assert ("are damaged" in capsys.readouterr().out) != missing

    def test_features_that_are_read_stay_as_they_are(self, tmp_path: Path, lower: nn.Module) -> None:
        """A second process that finds the manifest damaged makes a new file beside the one that the first reads."""
        cached = make(tmp_path, lower)
        (entry_of(tmp_path) / "manifest.json").write_bytes(b"")
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, lower, Pictures(stop_before=1))
        check(cached, lower)

    def test_a_key_that_says_too_little_is_noticed(self, tmp_path: Path, lower: nn.Module) -> None:
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, lower, Pictures(stop_before=1))
        with pytest.raises(ConfigError, match=r"64 pictures became features \[64, 192\].*delete that folder"):
            make(tmp_path, nn.Flatten())


class TestTwoAtOnce:
    def test_the_second_waits_and_computes_nothing(self, tmp_path: Path, lower: nn.Module) -> None:
        begun, waits = threading.Event(), threading.Event()
        first, second = Pictures(), Pictures()

        def held(view: int, rows: Tensor) -> Tensor:
            begun.set()
            assert waits.wait(60)
            return first(view, rows)

        def report(line: str) -> None:
            if "waiting for it" in line:
                waits.set()

        thread = threading.Thread(target=make, args=(tmp_path, lower, held))
        thread.start()
        assert begun.wait(60)
        check(make(tmp_path, lower, second, report=report), lower)
        thread.join()
        assert (first.num_calls, second.num_calls) == (NUM_CHUNKS, 0)


class TestDisk:
    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, lower: nn.Module) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(ConfigError, match=r"cannot be cached in .*Not a directory.*name another --cache"):
            make(tmp_path / "file", lower)

    def test_too_little_space_is_noticed_at_once(
        self, tmp_path: Path, lower: nn.Module, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
        with pytest.raises(
            ConfigError, match=r"features take 0\.0 GB.*delete what other runs have cached, or name another --cache\.$"
        ):
            make(tmp_path, lower)

    def test_a_disk_that_fills_up_meanwhile(self, tmp_path: Path, lower: nn.Module) -> None:
        """The chunks that were written before are used once there is space again."""
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)

        def view(number: int, rows: Tensor) -> Tensor:
            if number == 1:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
            return Pictures()(number, rows)

        try:
            with pytest.raises(
                ConfigError, match=r"cannot be cached in .*File too large.*another --cache, .* has space left\.$"
            ):
                make(tmp_path, lower, view)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        pictures = Pictures()
        check(make(tmp_path, lower, pictures), lower)
        assert pictures.num_calls == NUM_CHUNKS // 2


class TestPrecision:
    @pytest.mark.parametrize("value", [1e5, float("inf"), float("nan"), 1e-9])
    def test_values_that_half_precision_loses_are_refused(self, tmp_path: Path, value: float) -> None:
        def lower(images: Tensor) -> Tensor:
            return torch.full((len(images), 4), value)

        with pytest.raises(ConfigError, match=r"do not fit half precision.*views = \(\)"):
            make(tmp_path, lower)

    def test_a_frozen_part_that_gives_zeros_is_fine(self, tmp_path: Path) -> None:
        cached = make(tmp_path, lambda images: torch.zeros(len(images), 4))
        assert not cached.batch(0, torch.arange(3)).any()


class TestDigest:
    def test_it_tells_names_values_shapes_and_types_apart(self) -> None:
        base = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3)}
        others = [
            {"a": torch.tensor([1.0, 2.5]), "b": torch.tensor(3)},
            {"a": torch.tensor([[1.0, 2.0]]), "b": torch.tensor(3)},
            {"a": torch.tensor([1.0, 2.0]), "c": torch.tensor(3)},
            {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3, dtype=torch.int32)},
            {"a": torch.tensor([1.0, 2.0])},
        ]
        assert len({digest(tensors) for tensors in (base, *others)}) == 1 + len(others)

    def test_order_and_layout_do_not_matter(self) -> None:
        maps = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
        one = {"maps": maps, "flag": torch.tensor(True)}
        other = {"flag": torch.tensor(True), "maps": maps.to(memory_format=torch.channels_last).requires_grad_()}
        assert digest(one) == digest(other)
