"""The networks that are measured as C: published ones, our own, and two made here for kinds that these lack."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import bnnhw
from bnnhw.ir import (
    BitMatrix,
    Conv2d,
    DataType,
    Dense,
    InputSpec,
    Layer,
    Network,
    Output,
    Quantize,
    Residual,
    SumPool,
    Thresholds,
    WeightPlane,
    Window,
    archive,
)

__all__ = ["CASES", "Case"]

OURS = Path(__file__).resolve().parent.parent / "models"


@dataclass(frozen=True)
class Case:
    """A network and what it is tried on.

    Parameters
    ----------
    name : str
    what : str
        The kind of network, in words.
    dataset : str
    samples : str
        The C type of its raw samples.
    make : callable
        The network, given the folder of published models.
    """

    name: str
    what: str
    dataset: str
    samples: str
    make: Callable[[Path], Network]


def _published(name: str) -> Callable[[Path], Network]:
    def read(models: Path) -> Network:
        with warnings.catch_warnings():
            # That samples are bytes.
            warnings.simplefilter("ignore")
            return bnnhw.read(models / name)

    return read


def _ours(name: str) -> Callable[[Path], Network]:
    path = OURS / name
    return lambda _: archive.load(path) if path.suffix == ".bnn" else bnnhw.read(path)


def _one_output(_: Path) -> Network:
    """The classifier of heartbeats with one output: the difference of its two scores, by two planes of weights."""
    network = bnnhw.read(OURS / "ecg5000.onnx")
    last = network.chain[-1]
    assert isinstance(last, Dense)
    bits = last.weights[0].bits.bits()
    planes = (WeightPlane(1, BitMatrix.from_bits(bits[1:])), WeightPlane(-1, BitMatrix.from_bits(bits[:1])))
    return replace(network, layers=(*network.chain[:-1], replace(last, weights=planes), Output.plain("output", 1)))


def _residual(_: Path) -> Network:
    """A residual network for images of CIFAR-10, untrained: random weights, thresholds around the middle."""
    rng = np.random.default_rng(12)
    bit = DataType("bipolar", 1)

    def dense(name: str, neurons: int, synapses: int, dtype: DataType, active: bool) -> Dense:
        layer = Dense(
            name, dtype, (WeightPlane(1, BitMatrix.from_bits(rng.integers(0, 2, (neurons, synapses)))),), None
        )
        return replace(layer, activation=thresholds(layer, neurons)) if active else layer

    def thresholds(layer: Dense, channels: int) -> Thresholds:
        low, high = layer.accumulator_range
        spread = np.sqrt(layer.synapses) * (high - low) / layer.synapses / 2
        return Thresholds(np.rint(rng.normal((low + high) / 2, spread / 2, (channels, 1))).astype(np.int64), bit)

    def conv(
        name: str, shape: tuple[int, int, int], dtype: DataType, neurons: int, stride: int = 1, active: bool = False
    ) -> Conv2d:
        window = Window(*shape, (3, 3), (stride, stride), padding=(1, 1, 1, 1))
        return Conv2d(window, dense(name, neurons, shape[0] * 9, dtype, active))

    def block(name: str, shape: tuple[int, int, int], neurons: int, stride: int) -> tuple[Layer, ...]:
        """Two convolutions beside the identity, or beside one of stride 2; then signs, of 2 bits."""
        first = conv(f"{name}_conv0", shape, bit, neurons, stride, active=True)
        body = (first, conv(f"{name}_conv1", first.shape_out, bit, neurons))
        shortcut: tuple[Layer, ...] = ()
        if stride > 1:
            window = Window(*shape, (1, 1), (stride, stride))
            shortcut = (Conv2d(window, dense(f"{name}_short", neurons, shape[0], bit, active=False)),)
        join = Residual(name, shape, bit, body, shortcut)
        middle = neurons * 9 / 2 + (shape[0] / 2 if stride > 1 else 0)
        levels = np.rint(rng.normal(middle, np.sqrt(neurons * 9) / 4, (neurons, 1))).astype(np.int64)
        return join, Quantize(f"{name}_sign", join.shape_out, join.output, Thresholds(levels, bit))

    pixels = InputSpec((3, 32, 32), DataType("uint", 8), tuple(float(level) for level in range(1, 256)))
    layers: list[Layer] = [conv("conv", (3, 32, 32), pixels.dtype, 32, stride=2, active=True)]
    for number, (neurons, stride) in enumerate(((32, 1), (64, 2), (64, 1), (128, 2))):
        layers += block(f"block{number}", layers[-1].shape_out, neurons, stride)
    layers.append(SumPool("pool", Window(*layers[-1].shape_out, layers[-1].shape_out[1:]), bit))
    pooled = layers[-1].output
    layers.append(dense("classes", 10, 128, pooled, active=False))
    return Network(pixels, (*layers, Output.plain("output", 10)))


CASES = (
    Case("TFC_1W1A", "dense", "mnist", "uint8", _published("tfc-w1a1/TFC_1W1A.onnx")),
    Case("TFC_1W2A", "dense, 2-bit activations", "mnist", "uint8", _published("tfc-w1a2/TFC_1W2A.onnx")),
    Case("mnist-sfc", "dense", "mnist", "uint8", _ours("mnist-sfc.onnx")),
    Case("LFC-W1A1", "dense", "mnist", "uint8", _published("lfc-w1a1-bnn-pynq")),
    Case("LFC-W1A2", "dense, 2-bit activations", "mnist", "uint8", _published("lfc-w1a2-bnn-pynq")),
    Case("CNV-W1A1", "convolution", "cifar10", "uint8", _published("cnv-w1a1-bnn-pynq")),
    Case("residual", "residual, untrained", "cifar10", "uint8", _residual),
    Case("ecg5000", "signal", "ecg5000", "float", _ours("ecg5000.onnx")),
    Case("ecg5000-one", "signal, one output", "ecg5000", "float", _one_output),
    Case("fsdd-mfcc", "signal of 10 channels", "fsdd", "float", _ours("fsdd-mfcc.onnx")),
    Case("earbud", "signal of 3 channels", "earbud", "float", _ours("earbud.onnx")),
    Case("digits", "dense, 4-bit samples", "digits", "uint8", _ours("digits.onnx")),
)
