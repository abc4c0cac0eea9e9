"""The model of truth tables: what each bit depends on, streams, cycles and cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bnnhw.dataflow import Resources
from bnnhw.devices import technology
from bnnhw.ir import DataType, Lookup
from bnnhw.units.lookup.model import LookupUnit, Table, luts_of, table_luts
from rtl_tests.lookup.layers import looked_up, tables

BIT = DataType("bipolar", 1)


def unit(
    sources: list[list[int]], entries: list[list[int]], dtype: str = "bipolar", emits: str = "bipolar"
) -> LookupUnit:
    kinds = DataType.parse(dtype), DataType.parse(emits)
    return LookupUnit(Lookup("layer", 4, kinds[0], np.array(sources), np.array(entries), kinds[1]))


def test_streams_and_cycles() -> None:
    """All elements in one word, all neurons in one word, in the next cycle."""
    found = LookupUnit(tables(9, 7, 3, "uint2", "int2", 0))
    assert (found.inputs[0].width, found.inputs[0].words) == (18, 1)
    assert (found.outputs[0].width, found.outputs[0].words) == (14, 1)
    assert (found.interval, found.timing.latency, found.timing.depth) == (1, 1, 1)


def test_positions_follow_one_another() -> None:
    """A word for each, and so many cycles per frame; not part of a pipeline of a frame per cycle."""
    layer = tables(9, 7, 3, "uint2", "int2", 0)
    found = LookupUnit(layer, vectors=6)
    assert (found.inputs[0].words, found.outputs[0].words, found.interval, found.timing.latency) == (6, 6, 6, 1)
    assert (found.straight, found.leads) == (None, False)
    assert (LookupUnit(layer).straight, LookupUnit(layer).leads) == (1, True)
    assert found.inventory() == LookupUnit(layer).inventory()


def test_tables_have_the_inputs_that_decide() -> None:
    """Sources in ascending order, once each, and only where they change the result."""
    found = unit(
        # And of 3 and 1; or of them; the first of two; a constant; the exclusive or of 2 and itself.
        [[3, 1], [3, 1], [3, 1], [0, 2], [2, 2]],
        [[0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 0, 1], [1, 1, 1, 1], [0, 1, 1, 0]],
    )
    assert found.tables == (
        Table((1, 3), 0b1000),
        Table((1, 3), 0b1110),
        Table((3,), 0b10),
        Table((), 0b1),
        Table((), 0b0),
    )


def test_codes_are_their_bits() -> None:
    """The second element's high bit, and which element is the greater, as two bits of one neuron."""
    entries = [(b >> 1) | (int(b > a) << 1) for b in range(4) for a in range(4)]
    found = unit([[0, 3]], [entries], "uint2", "uint2")
    assert found.tables[0] == Table((7,), 0b10)
    assert found.tables[1].sources == (0, 1, 6, 7)
    assert [found.tables[1].entries >> place & 1 for place in range(16)] == [
        int(b > a) for b in range(4) for a in range(4)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_tables_are_the_layer(seed: int) -> None:
    layer = tables(6, 9, 3, "uint2", "uint2", seed)
    rng = np.random.default_rng(seed)
    for codes in rng.integers(0, 4, (20, 6)).tolist():
        word = sum(code << (2 * place) for place, code in enumerate(codes))
        bits = []
        for table in LookupUnit(layer).tables:
            address = sum((word >> source & 1) << place for place, source in enumerate(table.sources))
            bits.append(table.entries >> address & 1)
        assert [low + 2 * high for low, high in zip(bits[::2], bits[1::2], strict=True)] == looked_up(layer, codes)


def test_cost() -> None:
    """One LUT4 and one register for each distinct function that is no constant, two more for the handshake."""
    four = unit([[0, 1], [0, 1], [1, 0], [2, 3], [2, 3]], [[0, 0, 0, 1]] * 3 + [[1, 1, 1, 1], [0, 1, 1, 0]])
    # The third is the first with its sources exchanged.
    assert four.resources(technology("ice40")) == Resources(2 + 2, 2 + 1, 0)
    assert [table_luts(inputs) for inputs in range(9)] == [0, 1, 1, 1, 1, 3, 6, 13, 26]
    # The majority of five: without the fifth three of four, with it two; and twice the same half, a constant one.
    bits = [f"{address:06b}" for address in range(64)]
    five = [int(word[1:].count("1") > 2) for word in bits[:32]]
    assert luts_of(Table((0, 1, 2, 3, 4), sum(bit << a for a, bit in enumerate(five))), 4) == 3
    # Twice the lowest and the highest two of six: with neither of these two it is 0, otherwise the lowest itself.
    six = [int(word[:2].count("1") + 2 * (word[-1] == "1") > 2) for word in bits]
    assert luts_of(Table((0, 1, 2, 3, 4, 5), sum(bit << a for a, bit in enumerate(six))), 4) == 2
    # Where multiplexers between them take none.
    assert [table_luts(inputs, 7) for inputs in range(4, 9)] == [1, 2, 4, 8, 2 * 8 + 1]
    assert [table_luts(inputs, 5) for inputs in range(4, 9)] == [1, 2, 2 * 2 + 1, 4 * 2 + 2, 2 * 10 + 1]
    wide = LookupUnit.made(tables(9, 4, 7, "bipolar", "bipolar", 2), technology("ecp5"))
    assert (
        wide.resources(technology("ecp5")).lut4 == sum(table_luts(len(table.sources), 7) for table in wide.tables) + 2
    )


def test_copies_of_inputs() -> None:
    """5 neurons in two regions, 0 to 2 and 3 to 4: an input has a copy in each region that reads it."""
    found = unit([[0, 1], [1, 2], [0, 1], [1, 2], [2, 2]], [[0, 1, 1, 0]] * 4 + [[0, 1, 1, 1]])
    assert (found.copies, found.straight) == ((), 1)
    copied = replace(found, regions=2)
    assert [copied.region(bit) for bit in range(5)] == [0, 0, 0, 1, 1]
    assert copied.copies == ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2))
    assert copied.straight == 2
    # Two neurons of one region are the same, and so are one each of both.
    assert found.datapath_inventory().parts["register"] == 3
    assert copied.datapath_inventory().resources(technology("ecp5")).ff == 2 + 2 + 5
    with pytest.raises(ValueError, match=r"^layer can't stand alone: its inputs have copies$"):
        _ = copied.timing
    with pytest.raises(ValueError, match=r"^inputs of layer must not have copies where registers have an enable$"):
        replace(found, reach=3, regions=2)


def test_regions_by_size() -> None:
    """None of few tables, one for every 400 of more, where queues count in unary."""
    layer = tables(9, 801, 2, "bipolar", "bipolar", 0)
    assert LookupUnit(layer, 256).leading(technology("ecp5")).regions == 3
    assert LookupUnit(layer, 256).leading(technology("ice40")).regions == 1
    small = LookupUnit(tables(9, 400, 2, "bipolar", "bipolar", 0), 256)
    assert small.leading(technology("ecp5")) == small
