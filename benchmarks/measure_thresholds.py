"""Thresholds in look-up tables and in block RAM: networks of several-bit activations, folded, synthesized, simulated.

    python benchmarks/measure_thresholds.py [--frames N] [--again]

A network of the size of jet taggers, 16 inputs of 8 bits and 64-32-32-5 neurons with binary weights and activations of
3 and 4 bits; its weights and thresholds are random, so what it says means nothing, and what it takes is what a trained
one takes. Folded with thresholds in look-up tables alone, and by all the solver knows: the fastest on a board, and the
cheapest within as many cycles per frame as the former reaches. Then the chosen folding once more with its thresholds in
look-up tables: the same cycles. Each is synthesized alone, without a link, packed by nextpnr, which counts cells, and
its Verilog compared with the reference in Verilator. Writes benchmarks/results/thresholds.json; a row that is there is
not made again unless ``--again``. Some minutes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from measure_costs import whole

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.flow.fold import link_reserve
from bnnhw.folding import FoldedNetwork, predict
from bnnhw.folding.solve import Solver
from bnnhw.ir import Network
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.sim.simulate import simulate
from bnnhw.units.mvu import engine
from tests.layers import MapNetwork

RESULT = Path(__file__).parent / "results" / "thresholds.json"

INPUTS, NEURONS, CLASSES = 16, (64, 32, 32), 5
CASES = (("icebreaker", 4), ("ulx3s-12f", 4), ("icebreaker", 3))
"""Board, and bits of the activations."""

NEVER = 1 << 30
"""More neuron folds than any layer has: thresholds in block RAM are not tried."""


def network(bits: int) -> Network:
    """The network, of random weights and thresholds."""
    made = MapNetwork((INPUTS, 1, 1), "int8", bits)
    for neurons in NEURONS:
        made.dense(neurons, (1, 1), f"uint{bits}")
    made.dense(CLASSES, (1, 1), None)
    return made.folded().network


def foldings(net: Network, board: Board) -> dict[str, FoldedNetwork]:
    """Foldings by how they were chosen, those that differ."""

    def solver(least: int) -> Solver:
        engine.FEWEST_FOLDS = least
        return Solver(net, board, reserve=link_reserve(net, board))

    usual = engine.FEWEST_FOLDS
    try:
        without = solver(NEVER)
        found = {"fastest, look-up tables": without.fastest()}
        cycles = predict(found["fastest, look-up tables"].graph(board.family.technology)).cycles_per_frame
        free = solver(usual)
        cheapest = free.cheapest(cycles)
        assert cheapest is not None, "what fits with fewer choices fits with more"
        found["as many cycles, chosen"] = cheapest
        found["fastest, chosen"] = free.fastest()
    finally:
        engine.FEWEST_FOLDS = usual
    chosen = found["fastest, chosen"]
    kept = tuple(replace(folding, thresholds="lut") for folding in chosen.foldings)
    found["fastest, chosen, but look-up tables"] = FoldedNetwork(net, kept)
    # Of those that are the same the first.
    every = list(found.values())
    return {how: folded for at, (how, folded) in enumerate(found.items()) if folded not in every[:at]}


def measured(folded: FoldedNetwork, board: Board, frames: int) -> dict[str, Any]:
    """What a folding takes, and what it does."""
    graph = folded.graph(board.family.technology)
    spec = folded.network.input
    codes = np.random.default_rng(0).integers(0, spec.dtype.levels, (frames, spec.elements)).astype(np.uint8)
    done = simulate(folded, codes, technology=board.family.technology.name)
    return {
        "board": board.name,
        "foldings": [asdict(folding) for folding in folded.foldings],
        "clock_mhz": board.clock_mhz,
        "predicted_cycles_per_frame": predict(graph).cycles_per_frame,
        "cycles_per_frame": done.cycles_per_frame,
        "frames": done.images,
        "mismatches": done.mismatches,
        "estimate": graph.resources().as_dict(),
        "synthesis": whole(Accelerator(graph), board.family),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=500, metavar="N")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    rows: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() and not options.again else {}
    for name, bits in CASES:
        net, board = network(bits), boards.get(name)
        for how, folded in foldings(net, board).items():
            label = f"{name}, {bits} bits: {how}"
            if label not in rows:
                rows[label] = {"bits": bits, "how": how, **measured(folded, board, options.frames)}
                print(label, json.dumps(rows[label]), flush=True)
                RESULT.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
