"""The proofs of the hardware's units: one small configuration for each case their code distinguishes.

Widths and depths are small because a proof covers all data and all interleavings at once; what changes with the
configuration is which branches the generator takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import signed, unsigned

from bnnhw.devices import technology
from bnnhw.folding import LayerFolding
from bnnhw.folding.pipeline import accumulator_shape
from bnnhw.ir import BitMatrix, DataType, Dense, Output, Thresholds, WeightPlane, Window
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.units.argmax.rtl import Argmax
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.units.width.rtl import WidthConverter
from bnnhw.units.window.rtl import WindowUnit
from bnnhw.verify.formal_contract import Contract
from bnnhw.verify.formal_mvu import ArgmaxContract, MvuContract
from bnnhw.verify.formal_queue import CreditedContract, FifoContract
from bnnhw.verify.formal_width import WidthContract
from bnnhw.verify.formal_window import WindowContract

__all__ = ["SUITE", "Case"]


@dataclass(frozen=True)
class Case:
    """A contract to prove.

    Parameters
    ----------
    make : callable
    cycles : int or None
        None: for ever. Otherwise the bound, where a proof for ever takes more than minutes.
    quick : bool
        Part of every test run.
    """

    make: Callable[[], Contract]
    cycles: int | None = None
    quick: bool = False


def _layer(rows: str, dtype: str, thresholds: list[list[int]] | None, output: str = "bipolar") -> Dense:
    """A layer from the weight rows of each plane: ``"101 011"`` is two neurons, ``"10 01/11 00"`` two planes."""
    planes = []
    for number, plane in enumerate(rows.split("/")):
        bits = np.array([[int(bit) for bit in row] for row in plane.split()], np.uint8)
        planes.append(WeightPlane(1 << number, BitMatrix.from_bits(bits)))
    activation = None
    if thresholds is not None:
        activation = Thresholds(np.array(thresholds, np.int64), DataType.parse(output))
    return Dense("layer", DataType.parse(dtype), tuple(planes), activation)


def _mvu(
    layer: Dense, pe: int, simd: int, memory: str = "lut", family: str = "ice40", planes: str = "parallel"
) -> Callable[[], Contract]:
    return lambda: MvuContract(Mvu(layer, LayerFolding(pe, simd, memory, planes=planes), technology(family)))


def _depthwise(layer: Dense, pe: int, multiplier: int = 1) -> Callable[[], Contract]:
    return lambda: MvuContract(Mvu(layer, LayerFolding(pe, 1, "lut"), technology("ice40"), multiplier=multiplier))


def _argmax(synapses: int, pe: int, multiplier: list[int], offset: list[int]) -> Callable[[], Contract]:
    def make() -> Contract:
        layer = _layer(" ".join(["1" * synapses] * len(multiplier)), "bipolar", None)
        width, is_signed = accumulator_shape(*layer.accumulator_range)
        unit = Argmax(Output("output", np.array(multiplier), np.array(offset)), layer, LayerFolding(pe, 1))
        return ArgmaxContract(unit, signed(width) if is_signed else unsigned(width))

    return make


def _width(*sizes: int) -> Callable[[], Contract]:
    return lambda: WidthContract(WidthConverter(WidthUnit(*sizes)))


def _window(window: Window, lanes: int, padding_code: int, order: str = "vector") -> Callable[[], Contract]:
    return lambda: WindowContract(WindowUnit(window, 1, lanes, padding_code, order))


SUITE: dict[str, Case] = {
    **{f"fifo-{d}": Case(lambda d=d: FifoContract(Fifo(2, d)), quick=d == 3) for d in (1, 2, 3, 4)},
    **{
        f"credited-{d}-{latency}": Case(
            lambda d=d, latency=latency: CreditedContract(CreditedOutput(2, d), latency), quick=(d, latency) == (2, 3)
        )
        for d, latency in ((1, 0), (1, 2), (2, 1), (2, 3), (3, 4))
    },
    "width-up": Case(_width(2, 6, 12)),
    "width-up-filled": Case(_width(2, 6, 9), quick=True),
    "width-down": Case(_width(6, 2, 12)),
    "width-down-filled": Case(_width(6, 2, 9), quick=True),
    "width-general-widening": Case(_width(2, 3, 7), quick=True),
    "width-general-narrowing": Case(_width(3, 2, 7)),
    "width-general-gcd": Case(_width(4, 6, 14)),
    "width-shorter-than-a-word": Case(_width(2, 5, 3)),
    "mvu-smallest": Case(_mvu(_layer("10 01", "bipolar", [[2], [1]]), 1, 2, "block"), quick=True),
    # K = 3, N = 3: padded lanes and padded neurons, replay, thresholds. A vector takes 10 cycles.
    "mvu-padded": Case(_mvu(_layer("101 011 000", "bipolar", [[2], [1], [3]]), 2, 2)),
    "mvu-padded-16": Case(_mvu(_layer("101 011 000", "bipolar", [[2], [1], [3]]), 2, 2), cycles=16, quick=True),
    "mvu-single-fold": Case(_mvu(_layer("101 011", "bipolar", [[2], [1]]), 2, 3)),
    "mvu-no-replay": Case(_mvu(_layer("101 011", "bipolar", [[2], [0]]), 2, 1)),
    "mvu-one-word": Case(_mvu(_layer("101 011 110", "bipolar", [[2], [4], [3]]), 1, 3)),
    "mvu-accumulators": Case(_mvu(_layer("101 011 000", "bipolar", None), 1, 2)),
    "mvu-levels": Case(_mvu(_layer("101 011", "bipolar", [[1, 2, 3], [0, 1, 4]], "uint2"), 1, 2)),
    "mvu-planes": Case(_mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 1)),
    # A vector takes 11 cycles.
    "mvu-serial": Case(_mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 2, planes="serial")),
    "mvu-serial-20": Case(_mvu(_layer("10 01", "uint2", [[3], [2]]), 1, 2, planes="serial"), cycles=20, quick=True),
    "mvu-serial-signed": Case(_mvu(_layer("10 01", "int2", None), 2, 1, planes="serial")),
    "mvu-block-generic": Case(_mvu(_layer("10 01", "bipolar", [[2], [1]]), 1, 1, "block", "generic")),
    # C = 3, PE = 2: a padded lane; no replay, although NF = 2.
    "mvu-depthwise": Case(_depthwise(_layer("10 01 11", "bipolar", [[2], [1], [0]]), 2), quick=True),
    "mvu-depthwise-planes": Case(_depthwise(_layer("10 01", "uint2", [[3], [2]]), 2)),
    "mvu-depthwise-one-tap": Case(_depthwise(_layer("1 0 1", "bipolar", [[1], [0], [1]]), 2), cycles=14),
    # M = 2: two elements for either of two channels, of two and of three; the words of a channel replayed for both of
    # its neurons.
    "mvu-depthwise-side-by-side": Case(
        _depthwise(_layer("10 01 11 00", "bipolar", [[2], [1], [0], [1]]), 4, 2), quick=True
    ),
    "mvu-depthwise-side-by-side-padded": Case(
        _depthwise(_layer("10 01 11 00 10 11", "bipolar", [[2], [1], [0], [1], [2], [1]]), 4, 2)
    ),
    "mvu-depthwise-replay": Case(_depthwise(_layer("10 01 11 00", "bipolar", [[2], [1], [0], [1]]), 1, 2)),
    "argmax": Case(_argmax(3, 2, [1, 1, 1], [0, 0, 0]), quick=True),
    "argmax-affine": Case(_argmax(1, 2, [1, -2, 3], [0, 2, -1])),
    "argmax-one-word": Case(_argmax(1, 3, [1, 1, 1], [0, 1, 0])),
    "window-smallest": Case(_window(Window(1, 1, 1, (1, 1)), 1, 0), quick=True),
    "window-rest": Case(_window(Window(1, 1, 3, (1, 1), (1, 2)), 1, 0), quick=True),
    "window": Case(_window(Window(1, 1, 3, (1, 2)), 1, 0)),
    # The first frame takes 5 to 9 cycles; that of the padded plane 19, of which the bound sees 12 of 16 words.
    "window-padded-13": Case(_window(Window(1, 1, 2, (1, 2), padding=(0, 1, 0, 1)), 1, 1), cycles=13, quick=True),
    "window-rest-16": Case(_window(Window(1, 1, 4, (1, 2), (1, 3)), 1, 0), cycles=16),
    "window-rows-16": Case(_window(Window(1, 2, 2, (2, 1)), 1, 0), cycles=16),
    "window-channels-16": Case(_window(Window(2, 1, 2, (1, 2)), 1, 0, "channels"), cycles=16),
    "window-padded-plane-16": Case(_window(Window(1, 2, 2, (2, 2), padding=(1, 0, 0, 1)), 1, 0), cycles=16),
}
