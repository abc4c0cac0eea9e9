"""Synthetic signals of an accelerometer in an earbud: double tap, single tap, slide, or none of them.

Nothing is recorded: every window is drawn from the model below, with a seed, so that a gesture detector can be trained,
built and tried with no data at hand. Accuracies say how well a network separates these classes of this model, and
nothing of how it would do on an ear.

A window is 96 samples of three axes at 200 Hz, 0.48 s, in g, without gravity, which the high-pass filter of such a
sensor takes away; as its 12 bits over -2 g..+2 g give it, in steps of 2**-10 g. Axis z is normal to the touched face,
x and y lie in it. The window is the sum of

- in every class, **noise**: white, 0.01 to 0.04 g; and **motion** of the head: two sines an axis of 0.5 to 4 Hz and up
  to 0.25 g;
- in every class, in 3 windows of 10, a **footfall**: a damped sine of 6 to 14 Hz that decays in 40 to 80 ms, 0.3 to
  0.9 g on all axes: like a tap, and slower;
- **single tap**: one pulse anywhere that leaves it whole; **double tap**: two, 0.1 to 0.3 s apart, the second 0.6 to
  1.3 times as strong. A pulse is a damped sine of 25 to 60 Hz that decays in 10 to 30 ms, 0.35 to 1.6 g along a
  direction around z, about 27 degrees off it in the median, either sign;
- **slide**: friction, white noise band-limited to about 15 to 70 Hz under a raised-cosine envelope of 0.15 to 0.35 s,
  0.15 to 0.6 g along a direction near the face, and a push of a half sine of the same length and up to 0.3 g;
- **none**: nothing; in a third of the windows a **bump** instead, one pulse of 8 to 18 Hz along any direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bnnhw.datasets.dataset import Dataset

__all__ = ["CLASSES", "NAMES", "RATE_HZ", "SHAPE", "generate", "load_earbud"]

NAMES = ("double tap", "single tap", "slide", "none")
CLASSES = len(NAMES)
SAMPLES = 96
SHAPE = (3, 1, SAMPLES)
RATE_HZ = 200.0

SEED = 2026
TRAIN, TEST = 4000, 1000

STEP_G = 2.0**-10
RANGE_G = 2.0

_Array = NDArray[np.float64]


def _time() -> _Array:
    return np.arange(SAMPLES) / RATE_HZ


def _directions(random: np.random.Generator, frames: int, spread: tuple[float, float, float]) -> _Array:
    """Unit vectors (frames, 3) of either sign around an axis: normal numbers of these deviations, normalized."""
    vectors = random.normal(size=(frames, 3)) * spread
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _pulses(
    random: np.random.Generator,
    start_s: _Array,
    strength_g: _Array,
    direction: _Array,
    frequency_hz: tuple[float, float],
    decay_s: tuple[float, float],
) -> _Array:
    """Damped sines (frames, 3, samples)."""
    frames = len(start_s)
    frequency, decay = (random.uniform(*ends, (frames, 1)) for ends in (frequency_hz, decay_s))
    since = np.maximum(_time() - start_s[:, None], 0.0)
    wave = np.exp(-since / decay) * np.sin(2 * np.pi * frequency * since) * strength_g[:, None]
    return direction[:, :, None] * wave[:, None, :]


def _tap(random: np.random.Generator, start_s: _Array, strength_g: _Array, direction: _Array) -> _Array:
    return _pulses(random, start_s, strength_g, direction, (25.0, 60.0), (0.010, 0.030))


def _normal_to_face(random: np.random.Generator, frames: int) -> _Array:
    return _directions(random, frames, (0.35, 0.35, 1.0))


def _double_taps(random: np.random.Generator, frames: int) -> _Array:
    first, gap = random.uniform(0.01, 0.10, frames), random.uniform(0.10, 0.30, frames)
    strength, direction = random.uniform(0.35, 1.6, frames), _normal_to_face(random, frames)
    second = strength * random.uniform(0.6, 1.3, frames)
    return _tap(random, first, strength, direction) + _tap(random, first + gap, second, direction)


def _single_taps(random: np.random.Generator, frames: int) -> _Array:
    start, strength = random.uniform(0.01, 0.40, frames), random.uniform(0.35, 1.6, frames)
    return _tap(random, start, strength, _normal_to_face(random, frames))


def _slides(random: np.random.Generator, frames: int) -> _Array:
    length, strength = random.uniform(0.15, 0.35, frames), random.uniform(0.15, 0.6, frames)
    start = random.uniform(0.0, SAMPLES / RATE_HZ - length)
    phase = ((_time() - start[:, None]) / length[:, None]).clip(0.0, 1.0)
    white = random.normal(size=(frames, SAMPLES + 8))
    # Differences of averages: of 2 samples less of 8.
    sums = np.cumsum(white, axis=1)
    band = (sums[:, 8:] - sums[:, 6:-2]) / 2 - (sums[:, 8:] - sums[:, :-8]) / 8
    band /= band.std(axis=1, keepdims=True)
    friction = strength[:, None] * band * (1 - np.cos(2 * np.pi * phase)) / 2
    push = random.uniform(0.0, 0.3, (frames, 1)) * np.sin(np.pi * phase)
    along = _directions(random, frames, (1.0, 1.0, 0.35))
    return along[:, :, None] * (friction + push)[:, None, :]


def _bumps(random: np.random.Generator, frames: int) -> _Array:
    start, strength = random.uniform(0.01, 0.35, frames), random.uniform(0.3, 1.0, frames)
    strength *= random.uniform(size=frames) < 1 / 3
    return _pulses(random, start, strength, _directions(random, frames, (1, 1, 1)), (8.0, 18.0), (0.03, 0.08))


def _background(random: np.random.Generator, frames: int) -> _Array:
    """Noise, motion and footfalls."""
    noise = random.normal(size=(frames, 3, SAMPLES)) * random.uniform(0.01, 0.04, (frames, 1, 1))
    frequency, phase = random.uniform(0.5, 4.0, (2, frames, 3, 1)), random.uniform(0.0, 2 * np.pi, (2, frames, 3, 1))
    motion = random.uniform(0.0, 0.125, (2, frames, 3, 1)) * np.sin(2 * np.pi * frequency * _time() + phase)
    start, strength = random.uniform(-0.05, 0.45, frames), random.uniform(0.3, 0.9, frames)
    strength *= random.uniform(size=frames) < 0.3
    direction = _directions(random, frames, (1, 1, 1))
    return noise + motion.sum(axis=0) + _pulses(random, start, strength, direction, (6.0, 14.0), (0.04, 0.08))


def generate(frames: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Windows and their labels, the classes in turn.

    Parameters
    ----------
    frames : int
    seed : int

    Returns
    -------
    windows : float32 array (frames, 3, 1, 96)
        In g, multiples of 2**-10 from -2 to just below +2.
    labels : int64 array (frames,)
        Index into :data:`NAMES`.
    """
    random = np.random.default_rng(seed)
    labels = np.arange(frames, dtype=np.int64) % CLASSES
    windows = _background(random, frames)
    for label, gesture in enumerate((_double_taps, _single_taps, _slides, _bumps)):
        members = np.flatnonzero(labels == label)
        windows[members] += gesture(random, len(members))
    steps = np.rint(windows / STEP_G).clip(-RANGE_G / STEP_G, RANGE_G / STEP_G - 1)
    return (steps * STEP_G).astype(np.float32).reshape(frames, *SHAPE), labels


def load_earbud() -> Dataset:
    """4,000 windows to train and 1,000 to test, each class as often, from two seeds."""
    train, test = generate(TRAIN, SEED), generate(TEST, SEED + 1)
    return Dataset("earbud", CLASSES, SHAPE, *train, *test, NAMES)
