"""The cycles and streams of the output unit of a frame per cycle, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw.dataflow import ResultFormat, StreamFormat
from bnnhw.devices import technology
from bnnhw.ir import BatchNorm, Output
from bnnhw.units.best.model import BestUnit, alike


def unit(classes: int, affine: tuple[int, int] = (1, 0), family: str = "ice40", lanes: int = 0) -> BestUnit:
    output = Output("out", np.full(classes, affine[0]), np.full(classes, affine[1]))
    return BestUnit(output, (0, 12), lanes or classes, technology(family))


@pytest.mark.parametrize(
    "classes, affine, stages", [(1, (1, 0), 1), (2, (1, 0), 2), (3, (1, 0), 3), (10, (1, 0), 5), (10, (2, 7), 6)]
)
def test_timing(classes: int, affine: tuple[int, int], stages: int) -> None:
    """The numbers, ceil(log2 classes) rounds, the score where it is another number; elsewhere a queue."""
    assert unit(classes, affine).timing.latency == stages
    queued = unit(classes, affine, "generic").timing
    assert (queued.interval, queued.latency) == (1, stages + 1)
    # A stage more for each round where every look-up table has a register.
    assert unit(classes, affine, "ecp5").timing.latency == stages + 1 + (classes - 1).bit_length()


def test_streams() -> None:
    """Numbers of 4 bits; scores of -5..31; a number that decides between two classes."""
    assert unit(10, (3, -5), lanes=12).inputs == (StreamFormat(12, 4, 10, 10),)
    assert unit(10, (3, -5), lanes=12).outputs == (ResultFormat(4, 6, True),)
    assert unit(1).outputs == (ResultFormat(1, 4, False),)


def test_whose_order_is_that_of_the_numbers() -> None:
    assert alike(Output.plain("out", 3))
    assert alike(Output("out", np.full(3, 2), np.full(3, -4)))
    assert not alike(Output("out", np.array([1, 2]), np.array([0, 0])))
    assert not alike(Output("out", np.array([1, 1]), np.array([0, 1])))
    assert not alike(Output("out", np.full(2, -1), np.array([0, 0])))
    assert not alike(Output("out", np.array([0, 0]), np.array([0, 0])))


def test_errors() -> None:
    steps = (BatchNorm(np.ones(3), np.zeros(3), np.zeros(3), np.ones(3), 1e-5),)
    wanted = r"^layer out must be streamlined, with one multiplier above 0 and one offset$"
    for output in (replace(Output.plain("out", 3), steps=steps), Output("out", np.array([1, 2]), np.array([0, 0]))):
        with pytest.raises(ValueError, match=wanted):
            BestUnit(output, (0, 12), 3, technology("ice40"))
    with pytest.raises(ValueError, match=r"^lanes must be all 5 numbers of a frame, not 3$"):
        unit(5, lanes=3)
