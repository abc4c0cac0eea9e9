"""What a table of 4 to 7 inputs takes after synthesis, on iCE40 and ECP5.

    python benchmarks/study_table_sizes.py [--tables 32] [--seed 0]

A layer of tables of random entries, each of random ones of 64 inputs with a register behind it, three ways: as the unit
makes it (tables of four inputs and choices between them, modules of their own; on the ECP5 instances of its look-up
tables and wide multiplexers), left to Yosys whole, and left whole to Yosys with the ECP5's wide multiplexers (PFUMX and
L6MUX21, which take no look-up table: `synth_lattice` without `-nowidelut`). Half a minute on one core; writes
benchmarks/results/table_sizes.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bnnhw import tools
from bnnhw.build.process import run_logged
from bnnhw.build.synth import script
from bnnhw.devices import Family
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.ice40 import ICE40
from bnnhw.files import scratch
from bnnhw.ir import DataType, Lookup
from bnnhw.rtl.emit import emit
from bnnhw.units.lookup.model import LookupUnit, table_luts
from bnnhw.units.lookup.rtl import Tables

RESULT = Path(__file__).parent / "results" / "table_sizes.json"
INPUTS = 64
COUNTED = ("SB_LUT4", "LUT4", "PFUMX", "L6MUX21")


def whole(layer: Lookup) -> str:
    """The same tables and registers as plain Verilog."""
    lines = [f"module top(input clk, input [{INPUTS - 1}:0] x, output reg [{layer.neurons - 1}:0] y);"]
    for n, (sources, table) in enumerate(zip(layer.sources, layer.tables, strict=True)):
        bits = "".join(map(str, table[::-1]))
        address = ", ".join(f"x[{source}]" for source in sources[::-1])
        lines.append(f"  wire [{len(table) - 1}:0] t{n} = {len(table)}'b{bits};")
        lines.append(f"  always @(posedge clk) y[{n}] <= t{n}[{{{address}}}];")
    return "\n".join([*lines, "endmodule", ""])


def cells(folder: Path, name: str, text: str) -> dict[str, int]:
    """Cells by type after one script."""
    (folder / "run.ys").write_text(text)
    if run_logged(tools.require("yosys"), ["run.ys"], folder, folder / "log", lambda _: None):
        raise SystemExit(f"Yosys failed: {(folder / 'log').read_text()[-2000:]}")
    found = json.loads((folder / f"{name}.stat.json").read_text())["modules"]["\\top"]["num_cells_by_type"]
    return {kind: found[kind] for kind in COUNTED if kind in found}


def measure(family: Family, layer: Lookup) -> dict[str, Any]:
    """Cells of a layer by the three ways."""
    found: dict[str, Any] = {}
    with scratch() as folder:
        made = emit(Tables(LookupUnit.made(layer, family.technology)), "top", family.technology.name)
        (folder / "unit.il").write_text(made.rtlil)
        (folder / "whole.v").write_text(whole(layer))
        found["unit"] = cells(folder, "unit", script(["unit.il"], "top", family, keep=made.repeated, stem="unit"))
        text = script(["whole.v"], "top", family, stem="whole")
        found["whole"] = cells(folder, "whole", text)
        if "-nowidelut" in text:
            found["wide"] = cells(folder, "whole", text.replace("-nowidelut ", ""))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    bit, rows = DataType("bipolar", 1), []
    for inputs in range(4, 8):
        chosen = [random.choice(INPUTS, inputs, replace=False) for _ in range(arguments.tables)]
        sources = np.array(chosen, np.int32)
        tables = random.integers(0, 2, (arguments.tables, 1 << inputs), np.uint8)
        layer = Lookup("tables", INPUTS, bit, sources, tables, bit)
        for family in (ICE40, ECP5):
            row = {
                "inputs": inputs,
                "family": family.technology.name,
                "model": table_luts(inputs, family.technology.wide_table),
            }
            rows.append({**row, **measure(family, layer)})
            print(rows[-1], file=sys.stderr)
    RESULT.write_text(json.dumps({"tables": arguments.tables, "seed": arguments.seed, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
