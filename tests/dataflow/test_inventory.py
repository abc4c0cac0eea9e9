"""What units are made of, counted by hand, and what that costs."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from bnnhw.dataflow import inventory as parts
from bnnhw.dataflow.inventory import Inventory
from bnnhw.dataflow.resources import Resources
from bnnhw.devices import FAMILIES, technology
from bnnhw.devices.prices import link_price, prices

ECP5, ICE40 = technology("ecp5"), technology("ice40")


def test_sums() -> None:
    one, other = Inventory({"lut4": 3, "register": 2}, 1), Inventory({"lut4": 4, "alone": 1}, 2)
    assert one + other == Inventory({"lut4": 7, "register": 2, "alone": 1}, 3)
    assert 3 * one == Inventory({"lut4": 9, "register": 6}, 3)
    assert (one + other).resources(ECP5) == Resources(7, 3, 3)
    # On iCE40 registers that follow no look-up table have cells of their own.
    assert (100 * other).resources(ICE40).lone > 0


def test_counters_that_end_early_are_compared() -> None:
    assert parts.counter("c", 8, 2) == Inventory({"c": 6, "c.early": 0})
    assert parts.counter("c", 9) == Inventory({"c": 4, "c.early": 4})
    assert parts.counter("c", 1) == Inventory({"c": 0, "c.early": 0})


def test_short_sums_have_no_carry_chain() -> None:
    """Up to 2 bits on iCE40, up to 4 on ECP5, whose chains have two bits per cell."""
    assert parts.chains("s", 2, 5, ICE40) == Inventory({"s.narrow": 10})
    assert parts.chains("s", 3, 5, ICE40) == Inventory({"s": 5, "s.bit": 15})
    assert parts.chains("s", 4, 5, ECP5) == Inventory({"s.narrow": 20})
    assert parts.chains("s", 5, 5, ECP5) == Inventory({"s": 5, "s.bit": 30})
    assert [parts.sums("s", bits, 2).parts for bits in (2, 4, 5)] == [
        {"s.tiny": 4},
        {"s.small": 8},
        {"s": 2, "s.bit": 10, "s.odd": 2},
    ]


def test_tables() -> None:
    """A word is a constant; few words have few different columns, up to 16 are a table each, more are several."""
    assert parts.rom("r", 1, 9) == Inventory()
    few = parts.rom("r", 2, 1000).parts
    assert few["r.table"] == pytest.approx(2) and few["r.column"] == pytest.approx(4)
    # Two groups have addresses of their own, and nothing in common.
    assert parts.rom("r", 2, 1000, 2).parts["r.table"] == pytest.approx(4)
    assert parts.rom("r", 16, 9).parts["r.table"] == pytest.approx(9, rel=1e-2)
    assert parts.rom("r", 40, 8, 2) == Inventory({"r.deep": 20, "r.deep.address": 5, "r.column": 8})


def test_queues() -> None:
    """Three words of 5 bits in 15 registers, two of which choose; counted in 2 bits and one, twice with credits."""
    found = parts.queue(3, 5).parts
    assert (found["register"], found["queue.choice"], found["queue.last"]) == (15 + 2 + 1 + 2 + 1, 10, 5)
    assert parts.queue(3, 5, credited=False).parts["register"] == 15 + 2 + 1
    assert parts.queue(3, 5, unary=True).parts["register"] == 15 + 3 + 3


@pytest.mark.parametrize(
    ("tech", "depth", "width", "due", "blocks"),
    [
        # Registers: up to 2 words, or 128 bits in all.
        (ECP5, 2, 100, {"buffer.bit": 200, "buffer.choice": 100, "buffer.word": 2, "buffer.register": 100}, 0),
        # LUT RAM of 16 x 4 bits in six LUT4, up to 64 words.
        (ECP5, 17, 9, {"lut4": 36, "buffer.bank": 1, "buffer.bank.bit": 9, "buffer.read": 9}, 0),
        (ECP5, 65, 8, {"buffer.block": 1, "buffer.block.bit": 8, "buffer.block.deep": 0}, 1),
        # A family without LUT RAM; its block RAM has 256 words of 16 bits.
        (ICE40, 16, 9, {"buffer.block": 1, "buffer.block.bit": 9, "buffer.block.deep": 0}, 1),
        (ICE40, 512, 17, {"buffer.block": 1, "buffer.block.bit": 17, "buffer.block.deep": 17}, 3),
    ],
)
def test_buffers(tech: parts.Technology, depth: int, width: int, due: dict[str, float], blocks: int) -> None:
    assert parts.buffer(depth, width, tech) == Inventory(due, blocks)


def test_levels() -> None:
    """Seven comparisons: three pairs of two bits, two of three, one of four."""
    assert parts.levels_inventory(1) == Inventory()
    assert parts.levels_inventory(3) == Inventory({"levels.2": 1, "levels.3": 1})
    assert parts.levels_inventory(7) == Inventory({"levels.2": 3, "levels.3": 2, "levels.4": 1})


def test_masks() -> None:
    """Four channels in two words of two lanes: only the second lane changes."""
    one = parts.mask_inventory(np.array([True, False, True, True]), 2)
    assert one == Inventory({"mask": 1, "mask.lane": 1, "mask.fold": 1, "mask.fold.early": 0})
    assert parts.mask_inventory(np.array([True, False, True, False]), 2) == Inventory()


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_prices(family: str) -> None:
    """Of the same parts, none below 0, a LUT4 being one; and of every link of packets."""
    table = prices(technology(family).prices)
    assert set(table) == set(prices("ecp5"))
    assert min(min(price) for price in table.values()) >= 0
    assert (table["lut4"], table["register"]) == ((1, 0, 0), (0, 1, 0))
    for link in ("uart", "spi", "parallel"):
        assert min(link_price(technology(family).prices, link)) >= 0


def test_tables_are_read_once() -> None:
    """And are what stands in the files."""
    text = (files("bnnhw.devices.prices") / "ice40.json").read_text()
    assert {name: list(price) for name, price in prices("ice40").items()} == json.loads(text)["prices"]
    assert prices("ice40") is prices("ice40")
