"""Which pictures make up an epoch of training."""

import torch

from training.classification.pixels import Pool, TrainingPixels, balanced, batches


def pixels(*pools: Pool) -> TrainingPixels:
    total = sum(len(pool.rows) for pool in pools)
    return TrainingPixels(torch.zeros(total, 3, 4, 4, dtype=torch.uint8), torch.zeros(total, dtype=torch.long), pools)


def epoch(data: TrainingPixels, batch_size: int = 8, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.cat(list(batches(data, data.num_steps(batch_size), batch_size, generator)))


def test_an_even_pool_shows_every_picture_before_any_twice() -> None:
    rows = epoch(pixels(Pool(torch.arange(64), torch.ones(64), 1.0)))
    assert sorted(rows.tolist()) == list(range(64))


def test_every_pool_gets_its_share_and_the_first_is_seen_about_once() -> None:
    known = Pool(torch.arange(80), torch.ones(80), 0.8)
    strangers = Pool(torch.arange(80, 480), torch.ones(400), 0.2)
    rows = epoch(pixels(known, strangers), batch_size=10)
    assert len(rows) == 100
    assert int((rows < 80).sum()) == 80
    assert int((rows >= 80).sum()) == 20


def test_a_pool_smaller_than_its_share_is_drawn_from_more_than_once() -> None:
    rows = epoch(pixels(Pool(torch.arange(40), torch.ones(40), 0.5), Pool(torch.arange(40, 50), torch.ones(10), 0.5)))
    assert int((rows >= 40).sum()) == 40
    assert set(rows[rows >= 40].tolist()) == set(range(40, 50))


def test_balancing_draws_classes_evenly_at_one_and_pictures_evenly_at_zero() -> None:
    labels = torch.tensor([0] * 90 + [1] * 10)
    assert torch.equal(balanced(labels, 0.0), torch.ones(100, dtype=torch.double))
    weights = balanced(labels, 1.0)
    assert torch.isclose(weights[:90].sum(), weights[90:].sum())
    halfway = balanced(labels, 0.5)
    assert torch.isclose(halfway[90] / halfway[0], torch.tensor(3.0, dtype=torch.double))


def test_rare_classes_are_drawn_more_often_when_balanced() -> None:
    labels = torch.tensor([0] * 190 + [1] * 10)
    data = pixels(Pool(torch.arange(200), balanced(labels, 1.0), 1.0))
    drawn = labels[epoch(data)]
    assert 70 < int((drawn == 1).sum()) < 130


def test_the_same_seed_draws_the_same_epoch() -> None:
    data = pixels(Pool(torch.arange(50), balanced(torch.arange(50) % 3, 0.5), 1.0))
    assert torch.equal(epoch(data, seed=3), epoch(data, seed=3))
    assert not torch.equal(epoch(data, seed=3), epoch(data, seed=4))
