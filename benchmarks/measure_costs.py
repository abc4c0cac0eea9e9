"""What units cost, estimated and after synthesis, over a grid of each kind, on iCE40 and ECP5.

    python benchmarks/measure_costs.py [--family ice40 ecp5] [--networks 12]

Matrix units of weights in memory over shapes, depths, memories and types; and every other unit of random networks
(kernels, pools, branches, inputs of several bits, class). Each is synthesized alone, its handshake, buffers and queue
included. A row that benchmarks/results/costs.json has is not synthesized again unless `--again`, its estimate is made
anew.
About six minutes per family on one core.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from synthesized import synthesized

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bnnhw.dataflow.unit import Unit  # noqa: E402
from bnnhw.devices import Family  # noqa: E402
from bnnhw.devices.ecp5 import ECP5  # noqa: E402
from bnnhw.devices.ice40 import ICE40  # noqa: E402
from bnnhw.files import scratch  # noqa: E402
from bnnhw.folding import FoldedNetwork, LayerFolding  # noqa: E402
from bnnhw.units.mvu.model import MvuUnit  # noqa: E402
from tests.layers import MapNetwork, random_layer, random_network, with_engines  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "costs.json"
FAMILIES = {"ice40": ICE40, "ecp5": ECP5}

LANES = ((1, 4), (1, 49), (2, 8), (4, 16), (8, 8), (8, 64), (16, 16), (16, 3), (32, 9))
"""PE and SIMD."""

FOLDS = ((1, 8), (4, 4), (8, 7), (10, 1), (16, 16))
"""Neuron folds and synapse folds."""

Kind: TypeAlias = tuple[str, str | None, tuple[int, ...], str]
"""Types of inputs and of results (None: accumulators), coefficients of weight planes, how input planes are taken."""

TYPES: tuple[Kind, ...] = (
    ("bipolar", None, (1,), "parallel"),
    ("bipolar", "uint2", (1,), "parallel"),
    ("uint2", "uint2", (1,), "parallel"),
    ("int2", "int2", (1,), "parallel"),
    ("uint2", "uint2", (1, -2), "parallel"),
    ("uint4", "uint4", (1,), "parallel"),
    ("uint8", "bipolar", (1,), "parallel"),
    ("uint8", "bipolar", (1,), "serial"),
)
TYPED = ((1, 8, 8, 4), (4, 16, 4, 4), (8, 9, 8, 3), (2, 3, 16, 9))
"""PE, SIMD, neuron folds and synapse folds of each of the types."""

LARGEST = {"lut": 12_000, "block": 40_000}
"""Most weight bits of a unit, by memory: what is synthesized in some seconds."""


def matrices(family: Family) -> Iterator[tuple[str, Unit]]:
    """Name and unit of every point of the grid of matrix units."""
    technology = family.technology

    def unit(pe: int, simd: int, nf: int, sf: int, memory: str, kind: Kind) -> Unit:
        dtype, output, coefficients, planes = kind
        rng = np.random.default_rng((pe, simd, nf, sf))
        layer = random_layer(rng, pe * nf, simd * sf, dtype, output, coefficients)
        return MvuUnit(layer, LayerFolding(pe, simd, memory, planes=planes), technology)

    binary = ("bipolar", "bipolar", (1,), "parallel")
    for pe, simd in LANES:
        for nf, sf in FOLDS:
            for memory, largest in LARGEST.items():
                # Few words are never in a block RAM.
                if pe * simd * nf * sf <= largest and (memory == "lut" or nf * sf >= 16):
                    yield f"{pe} x {simd}, {nf} x {sf}, {memory}", unit(pe, simd, nf, sf, memory, binary)
    for kind in TYPES:
        for pe, simd, nf, sf in TYPED:
            dtype, output, coefficients, planes = kind
            said = f"{dtype} to {output or 'sums'}, {'/'.join(map(str, coefficients))}, {planes}"
            yield f"{pe} x {simd}, {nf} x {sf}, lut, {said}", unit(pe, simd, nf, sf, "lut", kind)


def others(family: Family, networks: int) -> Iterator[tuple[str, Unit]]:
    """Name and unit of every other unit of random networks, every other one of these of all engines."""
    for seed in range(networks):
        folded = random_network(seed, tables=seed % 2 > 0)
        if seed % 2:
            folded = with_engines(folded, seed, tables=True)
        yield from _units(f"network {seed}", folded, family)
    # What random networks have not.
    for channels, place, dtype in ((3, 6, "uint2"), (8, 4, "int4"), (2, 8, "bipolar"), (16, 4, "uint3")):
        network = MapNetwork((channels, place, place), dtype, channels)
        network.affine().quantize("uint2").concat(lambda b: b.pool((1, 1), (1, 1)), lambda b: b.quantize("uint2"))
        network.dense(5, (1, 1), None)
        yield from _units(f"joined {channels}", network.folded(), family)
    for inputs in (16, 64, 200):
        network = MapNetwork((inputs, 1, 1))
        network.lookup(3 * inputs, 4).dense(10, (1, 1), None)
        yield from _units(f"tables {inputs}", with_engines(network.folded(), None), family)


def _units(network: str, folded: FoldedNetwork, family: Family) -> Iterator[tuple[str, Unit]]:
    for node in folded.graph(family.technology).nodes:
        if node.unit.kind != MvuUnit.kind:
            yield f"{network}, {node.name}", node.unit


def measure(unit: Unit, family: Family, before: dict[str, int] | None) -> dict[str, Any]:
    """Estimate and synthesis of a unit; ``before`` is a synthesis that was made of it."""
    estimate, cells = unit.resources(), before
    if cells is None:
        with scratch() as folder:
            found = synthesized(unit.component(), family, folder).cells
            cells = {"lut4": found.lut4, "ff": found.ff, "carry": found.carry, "bram": found.bram}
    return {
        "kind": unit.kind,
        "estimate": {"lut4": estimate.lut4, "ff": estimate.ff, "bram": estimate.bram},
        "synthesis": cells,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", nargs="+", choices=FAMILIES, default=list(FAMILIES))
    parser.add_argument("--networks", type=int, default=12, help="random networks (default: 12)")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    rows: dict[str, dict[str, Any]] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in options.family:
        family, found = FAMILIES[name], rows.setdefault(name, {})
        for label, unit in (*matrices(family), *others(family, options.networks)):
            before = None if options.again else found.get(label, {}).get("synthesis")
            found[label] = measure(unit, family, before)
            print(name, label, json.dumps(found[label]), flush=True)
            RESULT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
