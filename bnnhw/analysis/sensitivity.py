"""How much each activation matters, measured by disturbing it and nothing else.

A seeded share of a site's elements is moved by one level, up or down; a bit is flipped. Everything behind it is
computed as ever by the integer reference, and three figures say what came of it:

- the drop in accuracy, of which a few hundred frames show only large ones;
- the share of frames that get another class, which needs no labels and can't be hidden by luck;
- the noise in the scores over their signal, the inverse of the signal-to-noise ratio that Pandey et al., "A Practical
  Mixed Precision Algorithm for Post-Training Quantization", 2023 (arXiv:2302.05397), rank layers by: smooth where both
  others still are 0. Each frame's scores count from their mean, since argmax sees only differences.

One site at a time, since the effects of small independent disturbances on the scores add up: Zhou et al., "Adaptive
Quantization for Deep Neural Network", AAAI 2018 (arXiv:1712.01048). No gradient, no Hessian and no training is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bnnhw.analysis.activations import ActivationSite, activation_sites, levels
from bnnhw.errors import RequestError
from bnnhw.ir import DataType, Network, Output
from bnnhw.ir.layer import Layer
from bnnhw.reference.chain import Chain, batch_size, one_thread
from bnnhw.reference.product import check_codes

__all__ = ["REPEATS", "Measurement", "Runner", "Sensitivity", "disturb", "measure"]

REPEATS = 5
"""Disturbances of each site that a figure is the mean of."""

Codes: TypeAlias = NDArray[np.unsignedinteger[Any]]
Change: TypeAlias = Callable[[Codes], Codes]


@dataclass(frozen=True)
class Measurement:
    """What disturbing a site did.

    Parameters
    ----------
    site : ActivationSite
    accuracy_drop : float
        Accuracy undisturbed minus disturbed, both 0..1; below 0 where the disturbance happened to help.
    changed : float
        Share of frames with another class than undisturbed, 0..1.
    noise : float
        Mean square of the change of the scores over their variance; 0 if nothing reaches the scores.
    """

    site: ActivationSite
    accuracy_drop: float
    changed: float
    noise: float


@dataclass(frozen=True)
class Sensitivity:
    """The measurements of a network, in the order of its sites.

    Parameters
    ----------
    frames : int
    accuracy : float
        Undisturbed, 0..1.
    rate : float
    seed : int
    sites : tuple of Measurement
    """

    frames: int
    accuracy: float
    rate: float
    seed: int
    sites: tuple[Measurement, ...]


def disturb(dtype: DataType, codes: Codes, rate: float, random: np.random.Generator) -> Codes:
    """Codes of which each is moved by one level with probability ``rate``.

    Up or down is a coin's choice, and the one possible way at both ends: a bit is flipped.
    """
    level = levels(dtype, codes)
    step = np.where(random.random(codes.shape, np.float32) < 0.5, 1, -1)
    step = np.where(level == 0, 1, np.where(level == dtype.levels - 1, -1, step))
    hit = random.random(codes.shape, np.float32) < rate
    return dtype.codes(level + hit * step).astype(codes.dtype)


class Runner:
    """The layers before the output, one by one, with places to change what they emit.

    Parameters
    ----------
    layers : tuple of Layer
        Stream layers, streamlined.
    """

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self.layers = layers
        self._chains: dict[str, Chain] = {}

    def run(self, layers: tuple[Layer, ...], codes: Codes, changes: Mapping[str, Change]) -> Codes:
        """Codes through some layers; ``changes`` by layer name, branches included, are applied to what those emit."""

        def changed(name: str, found: Codes) -> Codes:
            change = changes.get(name)
            return found if change is None else change(found)

        for layer in layers:
            if layer.name not in self._chains:
                self._chains[layer.name] = Chain((layer,))
            codes = self._chains[layer.name].run(codes, changed)
        return codes


class _Totals:
    """Sums over batches of what one site's disturbances did."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.correct = self.changed = 0
        self.power = 0.0

    def add(self, clean: NDArray[np.int64], scores: NDArray[np.int64], labels: NDArray[np.int64]) -> None:
        classes = self._output.decide(scores)
        self.correct += int((classes == labels).sum())
        self.changed += int((classes != self._output.decide(clean)).sum())
        self.power += _power(scores.astype(np.float64) - clean)


def _power(values: NDArray[np.float64]) -> float:
    """Sum of squares of scores (frames, classes), each frame's counted from their mean; of single ones from 0."""
    mean = values.mean(axis=1, keepdims=True) if values.shape[1] > 1 else 0.0
    return float(np.square(values - mean).sum())


def measure(
    network: Network,
    codes: NDArray[np.uint8],
    labels: NDArray[np.integer],
    *,
    rate: float = 0.05,
    seed: int = 0,
    repeats: int = REPEATS,
    progress: Callable[[int, int], None] | None = None,
) -> Sensitivity:
    """Disturbs every site of a network in turn.

    Parameters
    ----------
    network : Network
        Streamlined.
    codes : uint8 array (frames, elements)
        As ``network.input.encode`` makes them, in stream order.
    labels : integer array (frames,)
    rate : float
        Share of a site's elements that are disturbed, above 0 and up to 1.
    seed : int
        With the same seed the same elements are disturbed.
    repeats : int
        Disturbances of each site.
    progress : callable, optional
        Told how many of how many runs are done.

    Raises
    ------
    RequestError
        A rate, seed or number of repeats out of range, no frames, or labels that do not fit them.
    NetworkError
        The network is not streamlined, or codes have another shape.
    """
    if not 0 < rate <= 1:
        raise RequestError(f"rate must be above 0 and at most 1, not {rate!r}")
    if repeats < 1 or seed < 0:
        raise RequestError(f"repeats must be at least 1 and seed at least 0, not {repeats} and {seed}")
    sites = activation_sites(network)
    codes = check_codes(codes, network.input.elements, network.input.dtype.levels)
    if not len(codes) or np.shape(labels) != (len(codes),):
        raise RequestError(f"labels must be one for each of at least one frame, not {np.shape(labels)}")
    output, emitted = network.output, network.chain[-1].output
    runner = Runner(network.chain)

    def scores(found: Codes) -> NDArray[np.int64]:
        return output.multiplier * emitted.values(found) + output.offset

    totals = [_Totals(output) for _ in sites]
    correct, signal, done = 0, 0.0, 0
    batch = batch_size(network)
    starts = range(0, len(codes), batch)
    with one_thread():
        for start in starts:
            expected = np.asarray(labels[start : start + batch], np.int64)
            # What every layer takes: a disturbance starts from there, not from the input.
            given: list[Codes] = [codes[start : start + batch]]
            for layer in runner.layers:
                given.append(runner.run((layer,), given[-1], {}))
            clean = scores(given[-1])
            correct += int((output.decide(clean) == expected).sum())
            signal += _power(clean.astype(np.float64))
            for number, site in enumerate(sites):
                for repeat in range(repeats):
                    random = np.random.default_rng([seed, number, repeat, start])

                    def change(values: Codes, site: ActivationSite = site, r: np.random.Generator = random) -> Codes:
                        return disturb(site.dtype, values, rate, r)

                    if site.position < 0:
                        values = runner.run(runner.layers, change(given[0]), {})
                    else:
                        first, *rest = runner.layers[site.position :]
                        values = runner.run((first,), given[site.position], {site.name: change})
                        values = runner.run(tuple(rest), values, {})
                    totals[number].add(clean, scores(values), expected)
                    done += 1
                    if progress is not None:
                        progress(done, len(starts) * len(sites) * repeats)
    frames = len(codes)
    return Sensitivity(
        frames,
        correct / frames,
        rate,
        seed,
        tuple(
            Measurement(
                site,
                correct / frames - total.correct / (frames * repeats),
                total.changed / (frames * repeats),
                total.power / repeats / signal if signal else 0.0,
            )
            for site, total in zip(sites, totals, strict=True)
        ),
    )
