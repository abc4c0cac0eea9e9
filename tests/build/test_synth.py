"""Synthesis: what is kept apart, that it is mapped once, and how cells are counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw import devices, tools
from bnnhw.boards import get
from bnnhw.build.synth import FEW_RESETS, CellCounts, count_cells, script, synthesize
from bnnhw.devices import Family
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.generic import GENERIC
from bnnhw.devices.ice40 import ICE40
from bnnhw.errors import BnnhwError, RequestError
from bnnhw.links import board_link
from bnnhw.links.packets.buffer import FrameBuffer
from bnnhw.rtl.copy import Copy
from bnnhw.rtl.emit import emit, repeated_modules, shared
from bnnhw.rtl.seam import Seam

LEAF, UNIT, ONCE, TOP = "leaf", "unit", "once", "top"


def test_repeated_modules() -> None:
    """The unit is repeated; the leaf occurs only inside it, so it is mapped with it; the rest is flattened."""
    inside = {UNIT: [LEAF, LEAF]}
    assert repeated_modules({TOP: [ONCE], ONCE: [UNIT, UNIT], **inside}, TOP) == (UNIT,)
    assert repeated_modules(inside, UNIT) == (LEAF,)
    assert repeated_modules({}, TOP) == ()


def test_counts() -> None:
    """A CCU2C is two LUTs; block RAMs and flip-flops come in many kinds on iCE40."""
    ice40 = {"SB_LUT4": 10, "SB_DFF": 1, "SB_DFFESR": 2, "SB_CARRY": 3, "SB_RAM40_4K": 4, "SB_IO": 9}
    assert count_cells(ice40, ICE40) == CellCounts(lut4=10, ff=3, carry=3, bram=4, spram=0, dsp=0)
    ecp5 = {"LUT4": 10, "CCU2C": 5, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 7, "DP16KD": 3, "MULT18X18D": 1}
    assert count_cells(ecp5, ECP5) == CellCounts(lut4=32, ff=7, carry=10, bram=3, spram=0, dsp=1)


def test_a_family_without_tools() -> None:
    for call in (lambda: count_cells({}, GENERIC), lambda: script([], TOP, GENERIC)):
        with pytest.raises(RequestError, match=r"^no bitstream can be built for the family generic$"):
            call()


@pytest.mark.parametrize(
    ("part", "option"), [("iCE40UP5K", "u"), ("iCE40HX8K", "hx"), ("iCE40LP1K", "lp"), ("iCE40HX1K", "hx")]
)
def test_an_ice40_is_mapped_for_its_own_delays(part: str, option: str) -> None:
    text = script([], TOP, ICE40, part=ICE40.part(part))
    assert f"synth_ice40 -run begin:map_ffs -device {option} -top top\n" in text
    assert f"synth_ice40 -run map_ffs:check -device {option} -top top\n" in text
    with pytest.raises(RequestError, match=r"^part of ice40 must be one of iCE40UP5K, .*, not 'iCE40HX16K'$"):
        ICE40.part("iCE40HX16K")


# Sixty-four instances of one unit, all of whose ports matter.
COUNT = 64
VERILOG = f"""
module unit(input clk, input [15:0] x, output reg [4:0] y);
  integer i; reg [4:0] sum;
  always @* begin sum = 0; for (i = 0; i < 16; i = i + 1) sum = sum + x[i]; end
  always @(posedge clk) y <= sum;
endmodule
module top(input clk, input d, output [4:0] q);
  reg [{16 * COUNT - 1}:0] x; wire [{5 * COUNT - 1}:0] y;
  always @(posedge clk) x <= {{x, d}};
  genvar n; generate for (n = 0; n < {COUNT}; n = n + 1) unit u(clk, x[16*n +: 16], y[5*n +: 5]); endgenerate
  assign q = y[4:0]{"".join(f" ^ y[{5 * n + 4}:{5 * n}]" for n in range(1, COUNT))};
endmodule
"""


def to_rtlil(folder: Path) -> Path:
    """The text above as RTLIL, as generation hands it over."""
    from bnnhw.build.process import run_logged

    (folder / "d.v").write_text(VERILOG)
    (folder / "c.ys").write_text("read_verilog d.v\nhierarchy -top top\nproc\nwrite_rtlil d.il\n")
    assert run_logged(tools.require("yosys"), ["c.ys"], folder, folder / "c.log") == 0
    return folder / "d.il"


@pytest.mark.parametrize("family", ["ice40", "ecp5", "gowin"])
def test_a_repeated_module_is_mapped_once(family: str, tmp_path: Path) -> None:
    titles: list[str] = []
    fractions: list[float] = []

    def told(fraction: float, what: str) -> None:
        fractions.append(fraction)
        titles.append(what)

    result = synthesize([to_rtlil(tmp_path)], TOP, devices.family(family), tmp_path, keep=["unit"], progress=told)
    log = result.log.read_text()
    mapped = re.findall(r"Extracted (\d+) AND gates and \d+ wires from module `([^']+)' to a netlist", log)
    assert [name for _, name in mapped].count("unit") == 1
    # All of them are in the flat netlist: sixteen shift register bits and five results each.
    assert result.cells.ff == (16 + 5) * COUNT
    assert "SYNTH" in " ".join(titles).upper()
    assert "map to technology primitives" in titles
    assert fractions == sorted(fractions) and fractions[-1] < 1


# As many registers as a reset is worth it, or one fewer, that data set to 0.
RESETS = """
module top(input clk, input clear, input [{last}:0] d, output reg [{last}:0] q);
  always @(posedge clk) q <= clear ? 0 : d;
endmodule
"""


@pytest.mark.parametrize("registers", [FEW_RESETS - 1, FEW_RESETS])
@pytest.mark.parametrize("family", [ICE40, ECP5])
def test_a_reset_of_few_registers_is_logic(family: Family, registers: int, tmp_path: Path) -> None:
    (tmp_path / "top.v").write_text(RESETS.format(last=registers - 1))
    found = synthesize([tmp_path / "top.v"], TOP, family, tmp_path)
    assert found.cells.ff == registers
    assert found.cells.lut4 == (registers if registers < FEW_RESETS else 0)


LUT_RAM = """
module top(input clk, input we, input [5:0] a, input [5:0] b, input [7:0] d, output reg [7:0] q);
  (* ram_style = "distributed" *) reg [7:0] memory [0:63];
  always @(posedge clk) begin if (we) memory[a] <= d; q <= memory[b]; end
endmodule
"""


@pytest.mark.parametrize(("family", "blocks"), [(ICE40, 1), (ECP5, 0)])
def test_portable_verilog_asks_for_what_there_is(family: Family, blocks: int, tmp_path: Path) -> None:
    """An iCE40 has no memories of LUTs: a block RAM takes their place. Verilog made for it must not ask for them."""
    source = tmp_path / "d.v"
    source.write_text(LUT_RAM)
    assert synthesize([source], TOP, family, tmp_path, portable=True).cells.bram == blocks
    if blocks:
        with pytest.raises(BnnhwError, match=r"^Yosys failed: no valid mapping found for memory top\.memory "):
            synthesize([source], TOP, family, tmp_path)


def test_yosys_says_what_is_wrong(tmp_path: Path) -> None:
    source = tmp_path / "d.il"
    source.write_text("module \\top\n  cell \\nowhere \\c\n  end\nend\n")
    reason = "Module `\\nowhere' referenced in module `\\top' in cell `\\c' is not part of the design."
    message = f"Yosys failed: {reason} (log: {tmp_path / 'yosys.log'})"
    with pytest.raises(BnnhwError, match=f"^{re.escape(message)}$"):
        synthesize([source], TOP, ICE40, tmp_path)
    assert not (tmp_path / "top.json").exists()


def on_ecp5(component: wiring.Component, folder: Path) -> CellCounts:
    """What a component takes there, its repeated modules kept apart until they are mapped."""
    source = folder / "top.il"
    emitted = emit(component, TOP, "ecp5")
    source.write_text(emitted.rtlil)
    return synthesize([source], TOP, ECP5, folder, keep=emitted.repeated).cells


def test_copies_stay_apart(tmp_path: Path) -> None:
    """Registers of one value, one for each of three readers: synthesis merges plain ones, and not these."""

    class Readers(wiring.Component):
        def __init__(self, copies: bool) -> None:
            self.copies = copies
            super().__init__({"d": In(4), "select": In(4), "q": Out(3)})

        def elaborate(self, platform: object) -> Module:
            m = Module()
            for n in range(3):
                value = Signal(4, reset_less=True)
                if self.copies:
                    copy = Copy(4, reset_less=True)
                    m.submodules[f"copy_{n}"] = shared(platform, copy)
                    m.d.comb += [copy.d.eq(self.d), value.eq(copy.q)]
                else:
                    m.d.sync += value.eq(self.d)
                m.d.comb += self.q[n].eq(value == self.select + n)
            return m

    assert [on_ecp5(Readers(copies), tmp_path).ff for copies in (False, True)] == [4, 12]


def test_behind_a_seam_logic_is_mapped_by_itself(tmp_path: Path) -> None:
    """Three ends that work out the same of four signals: one look-up table, or one each; the wires cost none."""

    class Ends(wiring.Component):
        def __init__(self, seams: bool) -> None:
            self.seams = seams
            super().__init__({"d": In(4), "q": Out(3)})

        def elaborate(self, platform: object) -> Module:
            m = Module()
            for n in range(3):
                seen = self.d[0]
                if self.seams:
                    m.submodules[f"seam_{n}"] = shared(platform, seam := Seam())
                    m.d.comb += seam.d.eq(self.d[0])
                    seen = seam.q
                m.d.comb += self.q[n].eq(seen & self.d[1:].all())
            return m

    assert [on_ecp5(Ends(seams), tmp_path).lut4 for seams in (False, True)] == [1, 3]


@pytest.mark.parametrize("family, frame_bytes, blocks", [(ICE40, 300, 2), (ICE40, 1536, 8), (ECP5, 1536, 2)])
def test_frames_that_wait_take_block_rams(family: Family, frame_bytes: int, blocks: int, tmp_path: Path) -> None:
    """As many as are reserved for the link of a board when a folding is chosen."""
    source = tmp_path / "buffer.il"
    source.write_text(emit(FrameBuffer(frame_bytes), TOP, family.name).rtlil)
    assert synthesize([source], TOP, family, tmp_path).cells.bram == blocks
    assert board_link(get("icebreaker")).reserve(8 * frame_bytes, family.technology).bram == blocks
