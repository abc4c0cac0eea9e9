"""Accuracy against LUT4: networks of several widths, depths, fan-ins and precisions, trained and synthesized.

    python benchmarks/study_accuracy_cost.py --data DIR --repeat 2

Every network is trained, imported, folded for the same throughput on an iCE40 UP5K and synthesized as the builder does
it, with weights where the solver puts them and with all weights in logic. A finished network is kept in the JSON at
once, so that a rerun continues; ``--fresh`` measures all again. Without ``DIR/mnist`` only the digits are done. About
20 s a network of the digits and 60 s one of MNIST on one core.
``python benchmarks/document.py`` makes docs/study.md of the result.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from study_page import label, on_fronts

from bnnhw.boards import get
from bnnhw.build.synth import synthesize
from bnnhw.devices import Family
from bnnhw.errors import FileError
from bnnhw.files import digest, write_json
from bnnhw.flow.fold import link_reserve
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.folding.solve import Solver
from bnnhw.frontend import read_model
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import emit
from bnnhw.streamline import streamline
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import Components
from bnnhw.training.recipe import Recipe
from bnnhw.training.recipes import find_recipe
from bnnhw.training.train import train

RESULT = Path(__file__).parent / "results" / "study.json"
BOARD = "icebreaker"
FPS = 100_000
"""Frames per second that every network is folded for: 300 cycles per frame at the 30 MHz of the iCEBreaker."""

DIGITS_INPUTS = {
    1: InputRecipe(threshold=6.0),
    2: InputRecipe(bits=2, scale=4.0),
    3: InputRecipe(bits=3, scale=2.0),
    4: InputRecipe(bits=4),
}
"""Pixels of 0 to 16 in so many bits. The best threshold is that of docs/decisions/0003-digits-input.md."""

MNIST_INPUTS = {1: InputRecipe(threshold=127.5), 2: InputRecipe(bits=2, scale=64.0)}
MNIST_EPOCHS = 10
"""Of the recipe's 120."""


@dataclass(frozen=True)
class Point:
    """A network of the study.

    Parameters
    ----------
    dataset, axis : str
        The axis is what it varies against the others: ``"width"``, ``"depth"``, ``"fan-in"``, ``"input"`` or
        ``"activation"``, both in bits.
    widths : tuple of int
        Neurons of its hidden layers.
    input_bits : int
    fan_in : int, optional
        Limit for the hidden layers.
    activation_bits : int
        Of what each hidden layer gives.
    """

    dataset: str
    axis: str
    widths: tuple[int, ...]
    input_bits: int
    fan_in: int | None = None
    activation_bits: int = 1

    @property
    def recipe(self) -> Recipe:
        if self.dataset == "digits":
            base, inputs = find_recipe("digits"), DIGITS_INPUTS
        else:
            base, inputs = replace(find_recipe("mnist-tfc"), epochs=MNIST_EPOCHS), MNIST_INPUTS
        components = replace(base.components, fan_in=self.fan_in) if self.fan_in else Components()
        bits = (self.activation_bits,) * len(self.widths)
        inner = inputs[self.input_bits]
        return replace(base, widths=self.widths, width_bits=bits, input=inner, components=components)


def points() -> Iterator[Point]:
    """The networks, in the order in which they are measured."""
    for width in (16, 32, 64, 96, 128, 192):
        yield Point("digits", "width", (width,), 4)
    for widths in ((), (32, 32), (64, 64), (96, 64), (128, 64), (64, 64, 64), (32, 32, 32)):
        yield Point("digits", "depth", widths, 4)
    for widths in ((64,), (64, 64), (96, 64)):
        for bits in (1, 2, 3):
            yield Point("digits", "input", widths, bits)
    for fan_in in (4, 8, 16, 32):
        yield Point("digits", "fan-in", (64, 64), 4, fan_in)
    for widths in ((32,), (64,), (32, 32), (64, 64)):
        for bits in (2, 3):
            yield Point("digits", "activation", widths, 4, activation_bits=bits)
    for width in (16, 32, 64):
        yield Point("mnist", "width", (width,), 1)
    for widths in ((32, 32), (64, 64), (32, 32, 32), (64, 64, 64)):
        yield Point("mnist", "depth", widths, 1)
    for fan_in in (16, 64):
        yield Point("mnist", "fan-in", (64, 64), 1, fan_in)
    yield Point("mnist", "input", (64, 64), 2)
    for widths in ((32, 32), (64, 64)):
        yield Point("mnist", "activation", widths, 1, activation_bits=2)


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "amaranth", "pyosys")}


def key(point: Point, seed: int) -> str:
    """Everything that decides a row, but the code of this project."""
    return digest(asdict(point), point.recipe.epochs, seed, BOARD, FPS, versions())[:16]


def measure(point: Point, seed: int, data: Path | None, folder: Path) -> dict[str, Any]:
    """One row: trained, folded and synthesized."""
    board = get(BOARD)
    recipe = point.recipe
    start = time.process_time()
    trained = train(recipe, data_dir=data, seed=seed, device="cpu", output=folder / "model.onnx")
    seconds = time.process_time() - start
    row: dict[str, Any] = {
        "dataset": point.dataset,
        "axis": point.axis,
        "widths": list(point.widths),
        "input_bits": point.input_bits,
        "fan_in": point.fan_in,
        "activation_bits": point.activation_bits,
        "epochs": trained.epochs,
        "recipe_epochs": find_recipe("digits" if point.dataset == "digits" else "mnist-tfc").epochs,
        "seed": seed,
        "accuracy": round(100 * trained.accuracy, 2),
        "weight_bits": trained.weight_bits,
        "train_cpu_s": round(seconds, 1),
    }
    network = streamline(read_model(folder / "model.onnx").network).network
    folded = Solver(network, board, reserve=link_reserve(network, board)).cheapest(int(board.clock_mhz * 1e6 / FPS))
    if folded is None:
        return row | {"fits": False}
    prediction = predict(folded.graph(board.family.technology))
    return row | {
        "fits": True,
        "foldings": [[f.pe, f.simd, f.memory] for f in folded.foldings],
        "cycles_per_frame": prediction.cycles_per_frame,
        "latency_cycles": prediction.latency_cycles,
        "chosen": costs(folded, board.family, folder),
        "logic": costs(in_logic(folded), board.family, folder),
    }


def in_logic(folded: FoldedNetwork) -> FoldedNetwork:
    """The same PE and SIMD with all weights in logic: LUT4 are then almost the whole cost."""
    return FoldedNetwork(folded.network, tuple(replace(folding, memory="lut") for folding in folded.foldings))


def costs(folded: FoldedNetwork, family: Family, folder: Path) -> dict[str, int]:
    """What synthesis counts in an accelerator, without a link, and the cost model's LUT4."""
    source = folder / "top.il"
    graph = folded.graph(family.technology)
    emitted = emit(Accelerator(graph), "top", family.name)
    source.write_text(emitted.rtlil)
    cells = synthesize([source], "top", family, folder, keep=emitted.repeated).cells
    return {"estimated_lut4": graph.resources().lut4, **cells.as_dict()}


def repeat(result: dict[str, Any], data: Path | None, seeds: int) -> Iterator[dict[str, Any]]:
    """Trains the networks on a front with further seeds; gives each row after each of its trainings."""
    of_key = {key(point, row["seed"]): point for point in points() for row in result["rows"]}
    for row in [row for dataset in ("digits", "mnist") for row in on_fronts(result["rows"], dataset)]:
        known = row.setdefault("accuracy_of_seed", {})
        for seed in range(row["seed"] + 1, row["seed"] + 1 + seeds):
            if str(seed) in known:
                continue
            with tempfile.TemporaryDirectory(prefix="bnnhw-study-") as folder:
                recipe, output = of_key[row["key"]].recipe, Path(folder) / "model.onnx"
                trained = train(recipe, data_dir=data, seed=seed, device="cpu", output=output)
            known[str(seed)] = round(100 * trained.accuracy, 2)
            yield row


def write(path: Path, result: dict[str, Any]) -> None:
    """Whole or not at all: an interruption loses one network at most."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, result, owned=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=RESULT, help="JSON file to write, and to continue")
    parser.add_argument("--data", type=Path, help="root of the data sets, for MNIST")
    parser.add_argument("--only", choices=["digits", "mnist"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="measure again what the JSON has")
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="train those on a front with N seeds more")
    options = parser.parse_args()
    board = get(BOARD)
    result: dict[str, Any] = {"rows": []}
    if options.output.exists() and not options.fresh:
        result = json.loads(options.output.read_text())
    result |= {
        "command": "python benchmarks/study_accuracy_cost.py --data DIR --repeat 2",
        "tools": versions(),
        "device": board.device,
        "clock_mhz": board.clock_mhz,
        "fps": FPS,
    }
    known = {row["key"] for row in result["rows"]}
    wanted = [point for point in points() if options.only in (None, point.dataset)]
    for number, point in enumerate(wanted, 1):
        if key(point, options.seed) in known:
            continue
        with tempfile.TemporaryDirectory(prefix="bnnhw-study-") as folder:
            try:
                row = measure(point, options.seed, options.data, Path(folder))
            except FileError as error:
                if point.dataset == "digits":
                    raise
                print(f"left out: {error}", flush=True)
                continue
        result["rows"].append({"key": key(point, options.seed)} | row)
        write(options.output, result)
        cost = "does not fit"
        if row["fits"]:
            chosen, logic = row["chosen"], row["logic"]
            cost = f"{chosen['lut4']} LUT4 and {chosen['bram']} block RAMs, or {logic['lut4']} and {logic['bram']}"
        print(f"{number}/{len(wanted)} {point.dataset} {label(row)}: {row['accuracy']} %, {cost}", flush=True)
    for row in repeat(result, options.data, options.repeat):
        write(options.output, result)
        print(f"{row['dataset']} {label(row)}: {row['accuracy']} %, {row['accuracy_of_seed']}", flush=True)


if __name__ == "__main__":
    main()
