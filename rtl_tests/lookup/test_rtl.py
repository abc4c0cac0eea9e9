# amaranth: UnusedElaboratable=no
"""Truth tables against their definition, the cycle of every word against the flow model, and LUT4 after synthesis."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.devices.ecp5 import ECP5
from bnnhw.rtl.emit import rtlil
from bnnhw.units.lookup.model import LookupUnit, table_luts
from bnnhw.units.lookup.tabulate import tabulated
from rtl_tests.flow import TRAFFIC, check_cycles, check_flow, random_arrivals, random_readiness
from rtl_tests.lanes import split
from rtl_tests.lookup.layers import looked_up, tables
from rtl_tests.storage import register_bits
from rtl_tests.streams import Driver, Monitor
from rtl_tests.synthesis import cells
from tests.layers import sparse_layer

KINDS = [
    (9, 7, 4, "bipolar", "bipolar"),
    (3, 5, 1, "bipolar", "uint3"),
    (4, 6, 2, "uint2", "bipolar"),
    (6, 4, 5, "bipolar", "int2"),
    (5, 3, 2, "int3", "bipolar"),
    (4, 3, 1, "uint7", "uint4"),
    (20, 2, 8, "bipolar", "bipolar"),
]
"""Inputs, neurons, fan-in, types: 1 to 8 bits of address."""


@pytest.mark.parametrize("reach", [None, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_words(kind: tuple[int, int, int, str, str], reach: int | None) -> None:
    layer = tables(*kind, seed=len(kind[3]))
    rng = random.Random(1)
    sent = [rng.getrandbits(layer.inputs * layer.input.bits) for _ in range(60)]
    driver = Driver(sent, arrivals=random_arrivals(rng, len(sent), 0.3))
    monitor = Monitor(len(sent), readiness=random_readiness(rng, 0.4))
    unit = LookupUnit(layer, reach)
    check_cycles(unit.component(), {"input": driver}, {"output": monitor}, unit.timing.flow, len(sent))
    for word, given in zip(sent, monitor.words, strict=True):
        due = looked_up(layer, split(word, layer.input.bits, layer.inputs))
        assert split(given, layer.output.bits, layer.neurons) == due


def test_cycles() -> None:
    """In every mix of gaps and stalls."""
    unit = LookupUnit(tables(9, 7, 4, "bipolar", "bipolar", 0))
    assert len(TRAFFIC) > 3
    check_flow(unit.component(), unit.timing.flow, 1, 1, frames=40)


def test_storage() -> None:
    """A register per output bit that is no constant, and one that tells whether they hold a word."""
    unit = LookupUnit(tables(9, 7, 4, "bipolar", "uint2", 0))
    # One neuron is constant, and another reads one input at two places of equal entries.
    assert register_bits(unit.component()) == sum(bool(table.sources) for table in unit.tables) + 1 == 5 * 2 + 1
    # The valid bit is the first of four; the others have an enable with a valid bit of its own for every three.
    assert register_bits(LookupUnit(unit.layer, 4).component()) == 5 * 2 + 1 + 2


def test_luts() -> None:
    """The formula is what synthesis gives of random tables of 4 to 8 inputs, two of each, one of them a constant."""
    layer = tables(40, 10, 8, "bipolar", "bipolar", 6)
    address = np.arange(256)
    entries = np.stack([row[address & ((1 << (4 + n // 2)) - 1)] for n, row in enumerate(layer.tables)])
    sources = np.random.default_rng(0).permuted(np.tile(np.arange(40), (10, 1)), axis=1)[:, :8]
    unit = LookupUnit(replace(layer, sources=sources, tables=entries))
    assert [len(table.sources) for table in unit.tables] == [4, 0, 5, 5, 6, 6, 7, 7, 8, 8]
    found = cells(unit.component())
    assert found.lut4 == unit.resources(technology("ice40")).lut4 == 1 + 2 * (3 + 6 + 13 + 26) + 2
    assert found.ff == unit.resources(technology("ice40")).ff == 9 + 1


@pytest.mark.parametrize("live", [5, 6, 8])
def test_luts_of_weights(live: int) -> None:
    """Inputs that count alike leave parts of a table equal, and thresholds leave some constant: counted as they are."""
    unit = LookupUnit(tabulated(sparse_layer(np.random.default_rng(live), 20, 30, live)))
    assert {len(table.sources) for table in unit.tables} == {live}
    found = cells(unit.component())
    assert found.lut4 == unit.resources(technology("ice40")).lut4 < 20 * table_luts(live) + 2


def test_luts_joined() -> None:
    """On a family whose multiplexers take no LUT4: tables of 4 to 8 inputs, halves of which are constants or wires."""
    tech = technology("ecp5")
    rng, address, widths = np.random.default_rng(0), np.arange(256), 4 + np.arange(20)[:, None] % 5
    entries = np.take_along_axis(rng.integers(0, 2, (20, 256)), address & ((1 << widths) - 1), axis=1)
    top = address >> (widths - 1) & 1
    entries[5:10] = np.where(top[5:10], entries[5:10], 0)
    entries[10:15] = np.where(top[10:15], entries[10:15], address & 1)
    sources = rng.permuted(np.tile(np.arange(40), (20, 1)), axis=1)[:, :8]
    # The last two are the one of five inputs once more.
    entries[18:], sources[18:] = entries[1], sources[1]
    layer = tables(40, 20, 8, "bipolar", "bipolar", 6)
    unit = LookupUnit.made(replace(layer, sources=sources, tables=entries), tech)
    assert [len(table.sources) for table in unit.tables] == [4 + n % 5 for n in range(18)] + [5, 5]
    found = cells(unit.component(), ECP5)
    assert found.lut4 == unit.resources(tech).lut4 == 4 * (1 + 2 + 4) + 3 * (8 + 17) + 2
    assert found.ff == unit.resources(tech).ff == 18 + 1


def test_only_text_for_the_family_has_its_cells() -> None:
    """Eight look-up tables, four and three multiplexers of seven inputs; portable text has none."""
    layer = replace(tables(7, 1, 7, "bipolar", "bipolar", 3), sources=np.arange(7)[None])
    unit = LookupUnit.made(layer, technology("ecp5"))
    assert len(unit.tables[0].sources) == 7
    counts = {"LUT4": 8, "PFUMX": 4, "L6MUX21": 3}
    text = rtlil(unit.component(), "top", "ecp5")
    assert {kind: text.count(f"cell \\{kind} ") for kind in counts} == counts
    for family in ("generic", "ice40"):
        assert not any(f"\\{kind} " in rtlil(unit.component(), "top", family) for kind in counts)
