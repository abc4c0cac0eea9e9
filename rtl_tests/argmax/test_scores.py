"""Results with the scores of all classes, against NumPy, at full speed, with stalls and after a reset."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.ir import Output
from bnnhw.units.argmax.model import ArgmaxUnit
from bnnhw.units.argmax.rtl import Argmax
from rtl_tests.lanes import join
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor, Run, differences, simulate

LOW, HIGH = -9, 6


def traffic(unit: ArgmaxUnit, frames: int, seed: int) -> tuple[list[int], list[int]]:
    """Words of some frames, noise in lanes past the last class; the results due as words."""
    rng = np.random.default_rng(seed)
    output, width = unit.output, unit.accumulator_bits
    (_, index_bits, _), (_, bits, _), *_ = unit.outputs[0].fields
    sent: list[int] = []
    due: list[int] = []
    for _ in range(frames):
        values = rng.integers(LOW, HIGH + 1, output.classes)
        lanes = [*values.tolist(), *rng.integers(LOW, HIGH + 1, -output.classes % unit.lanes).tolist()]
        sent += [join(lanes[i : i + unit.lanes], width) for i in range(0, len(lanes), unit.lanes)]
        scores = output.multiplier * values + output.offset
        numbers = [int(scores.max()), *scores.tolist()]
        due.append(int(output.decide(scores[None])[0]) | join(numbers, bits) << index_bits)
    return sent, due


@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("classes, pe", [(1, 1), (2, 1), (3, 3), (5, 2), (7, 3), (4, 2)])
def test_every_score(classes: int, pe: int, affine: bool) -> None:
    output = Output.plain("out", classes)
    if affine:
        output = Output("out", np.arange(classes) - 1, 3 * np.arange(classes) - 20)
    unit = ArgmaxUnit(output, (LOW, HIGH), pe, scores=True)
    words = unit.timing.words

    async def scenario(bench: Run) -> None:
        sent, due = traffic(unit, 8, 1)
        driver, monitor = Driver(sent), Monitor(len(due))
        await bench.stream(driver, monitor)
        assert monitor.words == due
        assert monitor.offered[0] - driver.accepted[0] == unit.timing.latency
        assert set(differences(monitor.offered)) == {words}
        for gap, stall, deaf in ((0.3, 0.4, 0), (0.0, 0.8, 30), (0.8, 0.0, 0)):
            sent, due = traffic(unit, 8, 2)
            driver, monitor = Driver(sent, gap), Monitor(len(due), stall, deaf=deaf)
            await bench.stream(driver, monitor)
            assert monitor.words == due
        await bench.stream(Driver(sent), Monitor(len(due)), cycles=words + 1)
        await bench.reset()
        monitor = Monitor(len(due))
        await bench.stream(Driver(sent), monitor)
        assert monitor.words == due

    simulate(Argmax(unit), scenario, seed=classes)


@pytest.mark.parametrize("classes, pe", [(4, 2), (6, 2), (3, 3)])
def test_storage(classes: int, pe: int) -> None:
    """Beside those of the class alone: scores of a frame's earlier words, a queue, its count, whether it holds any."""
    alone, every = (
        register_bits(Argmax(ArgmaxUnit(Output.plain("out", classes), (LOW, HIGH), pe, scores)))
        for scores in (False, True)
    )
    unit = ArgmaxUnit(Output.plain("out", classes), (LOW, HIGH), pe, scores=True)
    places = unit.timing.credits
    assert every - alone == 5 * (classes - pe) + places * 5 * classes + places.bit_length() + (places > 1)


def test_registers() -> None:
    """4 classes in words of 2, scores of 5 bits, the class alone."""
    word, first_class, marks = 1, 2, 2
    captured = 2 * 5 + marks + first_class
    # Of two lanes the higher score, and which it was.
    compared = 5 + 1 + marks + first_class
    best = 2 + 5 + 2
    # Three results, how many are held and how many promised, and of each whether there are any.
    queue = 3 * 7 + 2 * 2 + 2
    unit = ArgmaxUnit(Output.plain("out", 4), (LOW, HIGH), 2)
    assert register_bits(Argmax(unit)) == word + first_class + captured + compared + best + queue
