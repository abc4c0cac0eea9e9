"""What units cost, estimated and after synthesis, over a grid of each kind and outside it, on iCE40 and ECP5.

    python benchmarks/measure_costs.py [--family ice40 ecp5]

Matrix units of weights in memory over shapes, depths, memories and types; and every other unit over sizes of its own,
and as random networks have it (benchmarks/cost_grid.py). Each is synthesized alone, its handshake, buffers and queue
included, and packed by nextpnr, which counts cells. A row that benchmarks/results/costs.json has is not synthesized
again unless `--again`, its estimate is made anew. `python benchmarks/fit_costs.py` then fits the cost model.
About 25 minutes per family on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from amaranth.lib import wiring
from cost_grid import grid, outside
from cost_networks import networks
from synthesized import packed, synthesized

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bnnhw import links  # noqa: E402
from bnnhw.devices import Family  # noqa: E402
from bnnhw.devices.ecp5 import ECP5  # noqa: E402
from bnnhw.devices.ice40 import ICE40  # noqa: E402
from bnnhw.files import scratch  # noqa: E402
from bnnhw.flow.choose import fold  # noqa: E402
from bnnhw.folding import FoldedNetwork  # noqa: E402
from bnnhw.links.link import Setting  # noqa: E402
from bnnhw.rtl.accelerator import Accelerator  # noqa: E402
from tests.layers import MapNetwork  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "costs.json"
FAMILIES = {"ice40": ICE40, "ecp5": ECP5}
LINKS = ("uart", "spi", "parallel")


def whole(component: wiring.Component, family: Family) -> dict[str, int]:
    """A component's synthesis."""
    with scratch() as folder:
        made = synthesized(component, family, folder)
        cells = packed(made, family)
    found = made.cells
    return {"lut4": found.lut4, "ff": found.ff, "cells": cells, "carry": found.carry, "bram": found.bram}


def around(family: Family) -> dict[str, dict[str, int]]:
    """What each link of packets takes around a small accelerator, with what frames of 140 bytes wait in."""
    network = MapNetwork((140, 1, 1), "uint8")
    network.dense(4, (1, 1), None)
    graph = network.folded().graph(family.technology)
    alone = whole(Accelerator(graph), family)
    found: dict[str, dict[str, int]] = {}
    for name in LINKS:
        accelerator: Any = Accelerator(graph)
        setting = Setting(classes=4, identity=0x12345678, clock_mhz=30.0)
        linked = whole(links.get(name).gateware(accelerator, setting), family)
        found[name] = {key: linked[key] - alone[key] for key in linked}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in options.family:
        family = FAMILIES[name]
        if options.again or name not in rows.setdefault("links", {}):
            rows["links"][name] = around(family)
        before, found = rows.get(name, {}), rows.setdefault(name, {})
        for label, unit in (*grid(family), *outside(family)):
            known = None if options.again else before.get(label, {}).get("synthesis")
            cells = whole(unit.component(), family) if known is None or "cells" not in known else known
            estimate = unit.resources(family.technology).as_dict()
            found[label] = {"kind": unit.kind, "estimate": estimate, "synthesis": cells}
            if cells is not known:
                print(name, label, json.dumps(found[label]), flush=True)
                RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    for label, board, network, how in networks():
        known = rows.setdefault("networks", {}).get(label)
        if board.family.name in options.family and (known is None or options.again):
            folded = FoldedNetwork(network, how) if isinstance(how, tuple) else fold(network, board, fps=how)
            graph = folded.graph(board.family.technology)
            rows["networks"][label] = {
                "board": board.name,
                "foldings": [asdict(folding) for folding in folded.foldings],
                "estimate": graph.resources().as_dict(),
                "synthesis": whole(Accelerator(graph), board.family),
            }
            print(label, json.dumps(rows["networks"][label]), flush=True)
            RESULT.write_text(json.dumps(rows, indent=1) + "\n")
    RESULT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
