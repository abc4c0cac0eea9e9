"""What layers of the engine `spatial` take after synthesis, beside what is estimated, on iCE40 and ECP5.

    python benchmarks/measure_spatial.py [N.bnn ...] [--neurons 32] [--family ecp5] [--only NAME ...]

Random layers of several shapes, types and shares of zero weights, layers of a few inputs per neuron, and the first
neurons of every matrix layer of the networks given, each as a unit alone (its handshake and queue included). A row that
is in the result already keeps its synthesis unless `--again`, and its estimate is made anew. Writes
benchmarks/results/spatial.json. A layer of 4,000 weights takes half a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from synthesized import synthesized

from bnnhw.devices import Family
from bnnhw.devices.ecp5 import ECP5
from bnnhw.devices.ice40 import ICE40
from bnnhw.files import scratch
from bnnhw.ir import BitMatrix, DataType, Dense, Thresholds, WeightPlane, archive
from bnnhw.units.spatial.model import SpatialUnit
from bnnhw.units.spatial.structure import synapses

RESULT = Path(__file__).parent / "results" / "spatial.json"
FAMILIES = {"ecp5": ECP5, "ice40": ICE40}

# Neurons, inputs, type of the inputs and of what is given (None: accumulators), share of weights that are not 0.
SHAPES: tuple[tuple[int, int, str, str | None, float], ...] = (
    (16, 16, "bipolar", "bipolar", 1.0),
    (32, 64, "bipolar", "bipolar", 1.0),
    (64, 64, "bipolar", "bipolar", 1.0),
    (16, 256, "bipolar", "bipolar", 1.0),
    (10, 128, "bipolar", None, 1.0),
    (32, 27, "bipolar", "bipolar", 1.0),
    (16, 144, "bipolar", "bipolar", 1.0),
    (64, 128, "bipolar", "bipolar", 0.12),
    (32, 64, "bipolar", "bipolar", 0.5),
    (10, 200, "bipolar", None, 0.3),
    (32, 32, "uint2", "uint2", 1.0),
    (16, 27, "uint8", "bipolar", 1.0),
)
"""Dense, of a 3 x 3 kernel (27 and 144 inputs), sparse, of several bits."""

FEW, FEW_SHAPE = range(2, 9), (60, 120)
"""Weights other than 0 of each neuron, where a truth table could be it; neurons and inputs."""


def random_layer(
    rng: np.random.Generator, neurons: int, inputs: int, dtype: str, output: str | None, share: float
) -> Dense:
    """A layer of random weights, thresholds where half of the neurons fire."""
    first = rng.integers(0, 2, (neurons, inputs))
    planes = [WeightPlane(1, BitMatrix.from_bits(first))]
    if share < 1:
        planes.append(WeightPlane(1, BitMatrix.from_bits(first ^ (rng.random((neurons, inputs)) >= share))))
    layer = Dense("layer", DataType.parse(dtype), tuple(planes), None)
    if output is None:
        return layer
    low, high = layer.accumulator_range
    given = DataType.parse(output)
    spread = max(((high - low) * share) ** 0.5, 2)
    values = np.rint(rng.normal((low + high) / 2, spread, (neurons, given.levels - 1))).astype(np.int64)
    return replace(layer, activation=Thresholds(np.sort(np.clip(values, low + 1, high), axis=1), given))


def few_inputs(rng: np.random.Generator, live: int) -> Dense:
    """A layer of neurons of a few inputs each, of which about half must agree with their weights."""
    neurons, inputs = FEW_SHAPE
    first = rng.integers(0, 2, (neurons, inputs))
    zero = np.ones((neurons, inputs), np.int64)
    for row in zero:
        row[rng.choice(inputs, live, replace=False)] = 0
    planes = tuple(WeightPlane(1, BitMatrix.from_bits(bits)) for bits in (first, first ^ zero))
    # A weight of 0 counts 1, another one 0 or 2.
    threshold = inputs - live + 2 * ((live + 1) // 2)
    bit = DataType("bipolar", 1)
    return Dense("layer", bit, planes, Thresholds(np.full((neurons, 1), threshold), bit))


def first_neurons(layer: Dense, neurons: int) -> Dense:
    """A layer without the neurons from so many on."""
    planes = tuple(WeightPlane(p.coefficient, BitMatrix.from_bits(p.bits.bits()[:neurons])) for p in layer.weights)
    activation = layer.activation
    if isinstance(activation, Thresholds):
        activation = Thresholds(activation.values[:neurons], activation.dtype)
    return replace(layer, weights=planes, activation=activation)


def layers(networks: list[Path], neurons: int, seed: int) -> Iterator[tuple[str, Dense]]:
    """Name and layer of every row."""
    for number, shape in enumerate(SHAPES):
        rng = np.random.default_rng((seed, number))
        count, inputs, dtype, output, share = shape
        zeros = "" if share == 1 else f", {100 * share:.0f} % not 0"
        yield f"random {inputs} x {count}, {dtype} to {output or 'sums'}{zeros}", random_layer(rng, *shape)
    for live in FEW:
        neurons, inputs = FEW_SHAPE
        yield f"random {inputs} x {neurons}, {live} inputs each", few_inputs(np.random.default_rng((seed, live)), live)
    for path in networks:
        for layer in archive.load(path).chain:
            if layer.matrix is not None and not layer.depth_multiplier:
                made = first_neurons(layer.matrix, neurons)
                yield f"{path.stem} {layer.name}, {made.synapses} x {made.neurons}", made


def measure(layer: Dense, family: Family, before: dict[str, int] | None) -> dict[str, Any]:
    """Estimate and synthesis of a layer; ``before`` is a synthesis that was made of it."""
    unit = SpatialUnit(layer, family.technology)
    estimate, cells = unit.resources(family.technology), before
    if cells is None:
        with scratch() as folder:
            found = synthesized(unit.component(), family, folder).cells
            cells = {"lut4": found.lut4, "ff": found.ff, "carry": found.carry}
    return {
        "weights": synapses(layer),
        "estimate": {"lut4": estimate.lut4, "ff": estimate.ff},
        "synthesis": cells,
        "error": {key: round(getattr(estimate, key) / cells[key] - 1, 4) for key in ("lut4", "ff")},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", type=Path)
    parser.add_argument("--neurons", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", choices=FAMILIES, default="ecp5")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--again", action="store_true")
    arguments = parser.parse_args()
    rows: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    found = rows.setdefault(arguments.family, {})
    for name, layer in layers(arguments.networks, arguments.neurons, arguments.seed):
        if arguments.only and not any(word in name for word in arguments.only):
            continue
        before = None if arguments.again else found.get(name, {}).get("synthesis")
        found[name] = measure(layer, FAMILIES[arguments.family], before)
        print(name, json.dumps(found[name]), flush=True)
        RESULT.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
