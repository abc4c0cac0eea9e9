"""Mel-frequency cepstral coefficients: what networks take of sound.

The recipe of the spoken digits' file, for clips at any rate. With the rate ``r`` in samples per second:

- of a clip its first ``seconds`` are taken; a shorter one is put into the middle of silence (an odd sample of which
  stands at the end);
- frames of ``N = round(0.032 r)`` samples begin every ``round(0.020 r)`` samples, as many as fit;
- each is multiplied by the periodic Hann window, ``0.5 - 0.5 cos(2 pi n / N)``, and its power spectrum is
  ``|DFT|**2`` over ``N`` points (the DFT's values undivided, samples in -1..1);
- 20 triangles whose corners are equidistant on the mel scale, ``2595 log10(1 + f / 700)`` (O'Shaughnessy, "Speech
  Communication", 1987), from 20 Hz to 4,000 Hz or half the rate, whichever is less, each with a peak of 1 at its
  middle corner, sum the spectrum at the frequencies ``k r / N``;
- the first 10 coefficients of the orthonormal DCT-II of ``log(sum + 1e-6)`` (Davis and Mermelstein, "Comparison of
  parametric representations for monosyllabic word recognition", 1980) are taken, rounded to float16.

All is float64 up to the last step. Rounding to float16 is what makes the numbers those of any other machine: two
libraries' logarithms and Fourier transforms differ in the last of 53 bits, and 11 are kept.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["COEFFICIENTS", "frames_of", "mfcc"]

COEFFICIENTS = 10
BANDS = 20
WINDOW_S, HOP_S = 0.032, 0.020
LOWEST_HZ, HIGHEST_HZ = 20.0, 4000.0
FLOOR = 1e-6
"""Added to each band's power: the logarithm of silence."""


def _sizes(rate: int) -> tuple[int, int]:
    """Samples of a frame, and between two."""
    return round(WINDOW_S * rate), round(HOP_S * rate)


def frames_of(rate: int, seconds: float) -> int:
    """How many frames a clip of ``seconds`` has; less than 1 where it is shorter than one."""
    window, hop = _sizes(rate)
    return 1 + (round(seconds * rate) - window) // hop


def _fitted(samples: NDArray[np.floating], length: int) -> NDArray[np.float64]:
    """A clip of ``length`` samples: the beginning of a longer one, silence around a shorter one."""
    surplus = len(samples) - length
    if surplus >= 0:
        return samples[:length].astype(np.float64)
    before = -surplus // 2
    return np.pad(samples.astype(np.float64), (before, -surplus - before))


def _mel(hertz: float) -> float:
    return 2595 * np.log10(1 + hertz / 700)


@cache
def _bands(rate: int, window: int) -> NDArray[np.float64]:
    """The triangles (bands, window // 2 + 1)."""
    corners = 700 * (10 ** (np.linspace(_mel(LOWEST_HZ), _mel(min(HIGHEST_HZ, rate / 2)), BANDS + 2) / 2595) - 1)
    left, middle, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    frequencies = np.arange(window // 2 + 1) * rate / window
    rising, falling = (frequencies - left) / (middle - left), (right - frequencies) / (right - middle)
    return np.maximum(0, np.minimum(rising, falling))


@cache
def _cosines() -> NDArray[np.float64]:
    """The orthonormal DCT-II of :data:`BANDS` values, its first rows (coefficients, bands)."""
    k, n = np.arange(COEFFICIENTS)[:, None], np.arange(BANDS)
    basis = np.sqrt(2 / BANDS) * np.cos(np.pi * k * (2 * n + 1) / (2 * BANDS))
    basis[0] /= np.sqrt(2)
    return basis


def mfcc(samples: NDArray[np.floating], rate: int, seconds: float = 1.0) -> NDArray[np.float32]:
    """The coefficients of a clip, as a map of height 1.

    Parameters
    ----------
    samples : float array (samples,)
        From -1 to 1.
    rate : int
        Samples per second.
    seconds : float
        What of the clip counts.

    Returns
    -------
    float32 array (10, 1, frames)
        Values of float16.
    """
    window, hop = _sizes(rate)
    frames = frames_of(rate, seconds)
    clip = _fitted(samples, round(seconds * rate))
    cut = np.lib.stride_tricks.sliding_window_view(clip, window)[::hop][:frames]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    power = np.abs(np.fft.rfft(cut * hann, axis=1)) ** 2
    logs = np.log(power @ _bands(rate, window).T + FLOOR)
    coefficients = logs @ _cosines().T
    # Of silence they are zeros of either sign; one sign is enough.
    return (coefficients.astype(np.float16).astype(np.float32) + np.float32(0)).T[:, None, :]
