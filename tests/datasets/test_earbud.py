"""The generated gestures: what the model of the signals says, measured on the signals."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.datasets.earbud import NAMES, RATE_HZ, SHAPE, generate


def test_the_set() -> None:
    data = datasets.load("earbud")
    assert (data.name, data.classes, data.shape) == ("earbud", 4, SHAPE)
    assert data.x_train.shape == (4000, 3, 1, 96) and data.x_test.shape == (1000, 3, 1, 96)
    assert data.x_train.dtype == np.float32 and data.y_train.dtype == np.int64
    assert np.bincount(data.y_test).tolist() == [250] * 4
    x, y = datasets.load_split("earbud", "test")
    assert np.array_equal(x, data.x_test) and np.array_equal(y, data.y_test)
    found = datasets.available("earbud")
    assert (found.available, found.path, found.shape, found.classes) == (True, None, SHAPE, 4)
    # Accuracies are stated for these very samples.
    assert hashlib.sha256(data.x_test.tobytes()).hexdigest()[:16] == "45f36b619e7a615d"


def test_a_seed_decides() -> None:
    first, again, other = (generate(40, seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_samples_are_those_of_a_12_bit_sensor() -> None:
    x, _ = generate(400, 0)
    assert x.min() >= -2 and x.max() < 2
    assert np.array_equal(x * 1024, np.rint(x * 1024))


@pytest.fixture(scope="module")
def bands() -> tuple[np.ndarray, np.ndarray]:
    """Power below and above 20 Hz by class, (classes, axes, 2): means over 2,000 windows."""
    x, y = generate(2000, 1)
    power = np.abs(np.fft.rfft(x[:, :, 0])) ** 2
    frequency = np.fft.rfftfreq(SHAPE[2], 1 / RATE_HZ)
    slow, fast = power[..., frequency < 20].sum(-1), power[..., frequency >= 20].sum(-1)
    members = [np.stack([slow, fast], -1)[y == label].mean(axis=0) for label in range(len(NAMES))]
    return np.array(members), y


def test_taps_are_fast_and_normal_to_the_face(bands: tuple[np.ndarray, np.ndarray]) -> None:
    power, _ = bands
    double, single, _, none = power
    assert double[2, 1] > 1.5 * single[2, 1] > 10 * none[2, 1]
    assert single[2, 1] > 2 * single[:2, 1].max()


def test_slides_lie_in_the_face(bands: tuple[np.ndarray, np.ndarray]) -> None:
    _, _, slide, none = bands[0]
    assert slide[:2, 1].min() > 2 * slide[2, 1]
    assert slide[:2, 1].min() > 5 * none[:2, 1].max()
