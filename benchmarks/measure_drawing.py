"""What rows drawn towards each other save: a recipe trained without and with it, all layers spatial, synthesized.

    python benchmarks/measure_drawing.py RECIPE --data DIR [--draw 0 0.1 0.3] [--seeds 0 1 2] [--board B] [--estimate]

With `--estimate` nothing is synthesized. A row that is in benchmarks/results/drawing.json is not made again; rows of
heartbeats take half a minute, those of the digits ten.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthesized import synthesized

from bnnhw import boards
from bnnhw.boards import Board
from bnnhw.files import write_json
from bnnhw.folding import FoldedNetwork, LayerFolding, predict
from bnnhw.frontend import read_model
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.streamline import streamline
from bnnhw.training.recipe import Recipe
from bnnhw.training.recipes import find_recipe
from bnnhw.training.train import train

RESULT = Path(__file__).parent / "results" / "drawing.json"


def measure(recipe: Recipe, seed: int, board: Board, data: Path | None, synthesize: bool) -> dict[str, Any]:
    """Accuracy over the test split, and what the accelerator alone takes."""
    with tempfile.TemporaryDirectory(prefix="bnnhw-drawing-") as name:
        model = Path(name) / "m.onnx"
        accuracy = train(recipe, data_dir=data, seed=seed, device="cpu", output=model).accuracy
        network = streamline(read_model(model).network).network
        choices = tuple(LayerFolding(m.neurons, m.synapses, "constant", "spatial") for m in network.matrices)
        graph = FoldedNetwork(network, choices).graph(board.family.technology)
        cells = {}
        if synthesize:
            found = synthesized(Accelerator(graph), board.family, Path(name), board.part).cells
            cells = {"lut4": found.lut4, "ff": found.ff}
    return {
        "recipe": recipe.name,
        "draw": recipe.draw,
        "draw_after": recipe.draw_after,
        "widths": list(recipe.widths),
        "seed": seed,
        "board": board.name,
        "accuracy": accuracy,
        **cells,
        "estimated_lut4": graph.resources().lut4,
        # 0 where they are one pipeline with what is around them.
        "estimated_lut4_of_matrices": sum(
            n.unit.resources(graph.technology).lut4 for n in graph.nodes if n.unit.kind == "spatial"
        ),
        "cycles_per_frame": predict(graph).cycles_per_frame,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--draw", type=float, nargs="+", default=[0.0, 0.1, 0.3])
    parser.add_argument("--after", type=float, default=0.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--widths", type=int, nargs="+", help="instead of the recipe's")
    parser.add_argument("--board", default="icebreaker")
    parser.add_argument("--estimate", action="store_true")
    options = parser.parse_args(arguments)
    rows: dict[str, Any] = json.loads(RESULT.read_text())["rows"] if RESULT.is_file() else {}
    recipe = find_recipe(options.recipe)
    if options.widths:
        recipe = replace(recipe, widths=tuple(options.widths))
    for draw in options.draw:
        for seed in options.seeds:
            chosen = replace(recipe, draw=draw, draw_after=options.after)
            key = f"{recipe.name} {chosen.widths} draw {draw:g} after {options.after:g} seed {seed} {options.board}"
            if key not in rows:
                rows[key] = measure(chosen, seed, boards.get(options.board), options.data, not options.estimate)
                print(key, rows[key], file=sys.stderr)
                write_json(RESULT, {"command": "python benchmarks/measure_drawing.py", "rows": rows}, owned=True)


if __name__ == "__main__":
    main()
