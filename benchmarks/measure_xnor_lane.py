"""Area and speed of an XNOR lane: matrix-vector units over a grid of PE x SIMD, on an HX8K and an ECP5-85.

    python benchmarks/measure_xnor_lane.py [--seeds 3] [--quick | --pe 16 --family ecp5]

For each unit: LUT4 per lane of XNOR and popcount alone, LUT4 per lane of the whole unit, cells, and Fmax at several
seeds. Weights are in logic, 16 words deep (SF = 4, NF = 4; one LUT4 per weight bit), so that the grid fits both
devices. And, once: how long a 64 x 72 unit with its weights in block RAM takes to generate and to synthesize.
About half an hour on two cores; writes benchmarks/results/xnor_lane.json. With --pe or --family only those rows are
measured, and the others kept as they are.
"""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOperatorIssue=false
# Ports come from a component's signature when it runs, as in the packages that hold hardware.
from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from synthesized import synthesized

from bnnhw import tools
from bnnhw.boards import Board, get
from bnnhw.build.place_route import PlaceRoute, place_and_route
from bnnhw.build.synth import synthesize
from bnnhw.devices import technology
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.ice40 import ICE40
from bnnhw.folding import LayerFolding
from bnnhw.ir import BitMatrix, DataType, Dense, Thresholds, WeightPlane
from bnnhw.rtl.emit import emit
from bnnhw.rtl.popcount import Popcount
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.rtl import Mvu

RESULT = Path(__file__).parent / "results" / "xnor_lane.json"
PES, SIMDS = (1, 4, 16), (16, 32, 64)
FOLDS = 4

DEVICES: dict[str, tuple[Board, float]] = {
    # The HX8K is on no board of ours; it is the chip that iCE40 figures are usually given for.
    "iCE40 HX8K": (
        dataclasses.replace(
            get("icebreaker"),
            part=ICE40.part("iCE40HX8K"),
            place_route=("--package", "ct256", "--pcf-allow-unconstrained"),
        ),
        160.0,
    ),
    "ECP5-85F, speed 6": (
        dataclasses.replace(
            get("ulx3s-85f"),
            place_route=("--package", "CABGA756", "--speed", "6", "--lpf-allow-unconstrained"),
        ),
        200.0,
    ),
}


def random_layer(neurons: int, synapses: int) -> Dense:
    """A layer of random weights, its thresholds spread around the middle."""
    random = np.random.default_rng(0)
    bits = BitMatrix.from_bits(random.integers(0, 2, (neurons, synapses)))
    values = synapses // 2 + random.integers(-int(synapses**0.5), int(synapses**0.5) + 1, (neurons, 1))
    bipolar = DataType("bipolar", 1)
    return Dense("layer", bipolar, (WeightPlane(1, bits),), Thresholds(np.clip(values, 0, synapses + 1), bipolar))


def unit(pe: int, simd: int, memory: str, folds: tuple[int, int], family: str) -> Mvu:
    """A matrix-vector unit with NF, SF = folds."""
    layer = random_layer(pe * folds[0], simd * folds[1])
    return Mvu(MvuUnit(layer, LayerFolding(pe, simd, memory), technology(family)))


class Bench(wiring.Component):
    """A unit between registers and six pins, so that a figure is the unit's and not that of the way to the pads.

    Words are shifted in and out bit by bit; handshakes pass a register each.
    """

    def __init__(self, dut: Mvu) -> None:
        self.dut = dut
        super().__init__({"bit_in": In(1), "valid": In(1), "ready": In(1), "bit_out": Out(1), "taken": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.dut = dut = self.dut
        word = Signal(len(dut.input.payload), reset_less=True)
        result = Signal(len(dut.output.payload), reset_less=True)
        m.d.sync += [
            word.eq(Cat(self.bit_in, word)),
            dut.input.valid.eq(self.valid),
            dut.output.ready.eq(self.ready),
            self.taken.eq(dut.input.ready),
            result.eq(Mux(dut.output.valid & dut.output.ready, dut.output.payload, result >> 1)),
            self.bit_out.eq(result[0]),
        ]
        m.d.comb += dut.input.payload.eq(word)
        return m


def measure(name: str, pe: int, simd: int, seeds: range, folder: Path) -> dict[str, Any]:
    """One point of the grid."""
    board, clock = DEVICES[name]
    constraints = folder / f"none.{board.family.build_tools().constraints}"
    constraints.write_text("")
    lane = synthesized(Popcount(simd, board.family.technology), board.family, folder, board.part).cells
    dut = unit(pe, simd, "lut", (FOLDS, FOLDS), board.family.name)
    whole = synthesized(dut, board.family, folder, board.part)
    dut = unit(pe, simd, "lut", (FOLDS, FOLDS), board.family.name)
    benched = synthesized(Bench(dut), board.family, folder, board.part)

    def route(seed: int) -> PlaceRoute:
        stem = f"seed{seed}"
        return place_and_route(board, benched.netlist, constraints, folder, clock_mhz=clock, seed=seed, stem=stem)

    with ThreadPoolExecutor(max_workers=2) as pool:
        fmax = [round(routed.fmax_mhz, 1) for routed in pool.map(route, seeds)]
    return {
        "device": name,
        "pe": pe,
        "simd": simd,
        "lut4_per_lane_popcount": round(lane.lut4 / simd, 3),
        "lut4_per_lane_unit": round(whole.cells.lut4 / (pe * simd), 3),
        **whole.cells.as_dict(),
        "fmax_mhz": fmax,
        "fmax_median_mhz": statistics.median(fmax),
    }


def scale(folder: Path) -> dict[str, Any]:
    """Seconds to generate and to synthesize a 64 x 72 unit, weights in block RAM, for the ECP5."""
    start = time.monotonic()
    source = folder / "top.il"
    emitted = emit(unit(64, 72, "block", (4, 16), "ecp5"), "top", "ecp5")
    source.write_text(emitted.rtlil)
    generated = time.monotonic()
    cells = synthesize([source], "top", ECP5, folder, keep=emitted.repeated).cells
    return {
        "pe": 64,
        "simd": 72,
        "generate_s": round(generated - start, 1),
        "synthesize_s": round(time.monotonic() - generated, 1),
        **cells.as_dict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=RESULT)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="only the largest point of each device, one seed")
    parser.add_argument("--pe", type=int, choices=PES, help="only these rows")
    parser.add_argument("--family", choices=("ice40", "ecp5"), help="only this device's rows")
    options = parser.parse_args()
    part = options.pe is not None or options.family is not None
    pes = PES if options.pe is None else (options.pe,)
    grid = [(16, 64)] if options.quick else [(pe, simd) for pe in pes for simd in SIMDS]
    before: dict[str, Any] = json.loads(options.output.read_text()) if part else {}
    seeds = range(1, 2 if options.quick else options.seeds + 1)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bnnhw-") as temporary:
        speed = before["scale"] if part else scale(Path(temporary))
        print(json.dumps(speed), flush=True)
        for name, (board, *_) in DEVICES.items():
            if options.family not in (None, board.family.name):
                continue
            for pe, simd in grid:
                rows.append(measure(name, pe, simd, seeds, Path(temporary)))
                print(json.dumps(rows[-1]), flush=True)
    if part:
        measured = {(row["device"], row["pe"], row["simd"]): row for row in rows}
        rows = [measured.get((row["device"], row["pe"], row["simd"])) or row for row in before["rows"]]
    used = [tools.find(p) for p in ("yosys", *(f.build_tools().place_route for f in (ICE40, ECP5)))]
    versions = {tool.name: tool.version for tool in used}
    result = {"command": "python benchmarks/measure_xnor_lane.py", "tools": versions, "scale": speed, "rows": rows}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
