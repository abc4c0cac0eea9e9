"""Published networks, and our classifiers of heartbeats, from file to bitstream: accuracy, simulation, cycles, clock.

python benchmarks/measure_published.py --models DIR --data DIR [--only NAME]

Every figure is that of a verb of bnnhw, as its --json prints it. Results are kept in benchmarks/results/published.json
network by network, so a run that was stopped goes on where it was; delete an entry to measure it again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "published.json"
WORK = ROOT / "build" / "published"


@dataclass(frozen=True)
class Case:
    """One network on one board.

    Parameters
    ----------
    name : str
    model : str
        Below the models' folder; a recipe's name where ``recipe``.
    dataset : str
    board : str
    options : tuple of str
        Of ``generate`` and ``build``: the folding.
    clock : tuple of str
        Of ``build``.
    frames, stalled : int
        Simulated at full speed, and with random stalls, every layer's stream compared.
    recipe : bool
    fold : bool
        Whether the folding is what ``fold`` chooses for the board.
    engine : str
        Of ``fold``.
    seeds : tuple of int
        Of place and route; fewer where it takes 20 minutes, none where only the Verilog is measured.
    """

    name: str
    model: str
    dataset: str
    board: str
    options: tuple[str, ...] = ()
    clock: tuple[str, ...] = ()
    frames: int = 10_000
    stalled: int = 1_000
    recipe: bool = False
    fold: bool = False
    engine: str = "folded"
    seeds: tuple[int, ...] = (0, 1, 2)


def _folding(name: str) -> tuple[str, str]:
    return "--folding", str(ROOT / "examples" / name)


CASES = (
    Case("TFC_1W1A", "tfc-w1a1/TFC_1W1A.onnx", "mnist", "icebreaker"),
    Case("TFC_1W2A", "tfc-w1a2/TFC_1W2A.onnx", "mnist", "icebreaker"),
    Case(
        "TFC_1W1A-spatial",
        "tfc-w1a1/TFC_1W1A.onnx",
        "mnist",
        "ulx3s-85f",
        fold=True,
        engine="spatial",
        seeds=(),
    ),
    Case("mnist-sparse", "mnist-sparse", "mnist", "ulx3s-85f", recipe=True, fold=True, engine="spatial", seeds=()),
    Case("ecg5000", "ecg5000", "ecg5000", "icebreaker", frames=4500, recipe=True),
    Case(
        "ecg5000-lookup-conv",
        "ecg5000-lookup-conv",
        "ecg5000",
        "icebreaker",
        frames=4500,
        recipe=True,
        fold=True,
        engine="spatial",
    ),
    Case(
        "LFC-W1A1",
        "lfc-w1a1-bnn-pynq",
        "mnist",
        "ulx3s-85f",
        _folding("lfc-ulx3s-85f.json"),
        ("--freq", "50"),
        seeds=(0, 1),
    ),
    Case(
        "CNV-W1A1",
        "cnv-w1a1-bnn-pynq",
        "cifar10",
        "ulx3s-85f",
        _folding("cnv-ulx3s-85f.json"),
        ("--freq", "80"),
        seeds=(0, 1),
        frames=1_000,
        stalled=100,
    ),
    Case("LFC-W1A2", "lfc-w1a2-bnn-pynq", "mnist", "ulx3s-85f", seeds=(), frames=1_000, stalled=500, fold=True),
    Case("CNV-W1A2", "cnv-w1a2-bnn-pynq", "cifar10", "ulx3s-85f", seeds=(), frames=100, stalled=50, fold=True),
)


def verb(*arguments: object, allow: tuple[int, ...] = (0,)) -> dict[str, Any]:
    """Run a verb of bnnhw and return its JSON; its progress goes to the terminal."""
    program = "import sys; from bnnhw.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *map(str, arguments), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode not in allow:
        raise SystemExit(f"bnnhw {' '.join(map(str, arguments))}: exit status {done.returncode}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def measure(case: Case, models: Path, data: Path) -> dict[str, Any]:
    """All figures of one network."""
    folder = WORK / case.name
    folder.mkdir(parents=True, exist_ok=True)
    network, design = folder / "network.bnn", folder / "design"
    source = folder / "model.onnx" if case.recipe else models / case.model
    if case.recipe and not source.exists():
        verb("train", case.model, "--data", data, "--device", "cpu", "-o", source)
    verb("import", source, "-o", network)
    options = case.options
    if case.fold:
        options = ("--folding", str(folder / "folding.json"))
        verb("fold", network, "--board", case.board, "--engine", case.engine, "-o", options[1])
    frames = ("--dataset", case.dataset, "--data", data)
    result: dict[str, Any] = {
        "dataset": case.dataset,
        "board": case.board,
        "evaluate": verb("evaluate", network, *frames),
        "generate": verb("generate", network, "--board", case.board, *options, "-o", design),
        "simulate": verb("simulate", design, *frames, "--count", case.frames),
        "simulate_stalled": verb("simulate", design, *frames, "--count", case.stalled, "--stall", 0.3),
    }
    del result["generate"]["directory"], result["generate"]["verilog"]
    result["build"] = {}
    for seed in case.seeds:
        # A seed that misses timing is a figure too.
        built = verb(
            *("build", network, "--board", case.board, *options, *case.clock),
            *("--seed", seed, "-o", folder / f"seed{seed}"),
            allow=(0, 1),
        )
        result["build"][str(seed)] = {k: v for k, v in built.items() if k not in ("bitstream", "report", "unchanged")}
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--only", choices=[case.name for case in CASES], action="append")
    arguments = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for case in CASES:
        if case.name in results or (arguments.only and case.name not in arguments.only):
            continue
        if not case.recipe and not (arguments.models / case.model).exists():
            print(f"{case.name}: {arguments.models / case.model} is not here; left out", file=sys.stderr)
            continue
        entry = measure(case, arguments.models, arguments.data)
        # Others may have been measured meanwhile.
        results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
        results[case.name] = entry
        RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
