"""Networks by `bnnhw fold` and `bnnhw build`, without a folding by hand: what was foreseen, and what came.

    python benchmarks/measure_fastest.py --models DIR --data DIR [--trained RECIPE=M.onnx] [--only NAME] [--seeds N]

Every figure is that of a verb of bnnhw, as its --json prints it. Kept in benchmarks/results/fastest.json step by step
and seed by seed, so a run that was stopped goes on where it was; delete an entry to measure it again. The two largest
take half an hour to an hour per seed, the others minutes. Networks of CIFAR-10 by recipe are trained, for hours, unless
`--trained` gives what was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure_published import verb

ROOT = Path(__file__).resolve().parent.parent
RESULT = Path(__file__).parent / "results" / "fastest.json"
WORK = ROOT / "build" / "fastest"


@dataclass(frozen=True)
class Case:
    """A network, its board, the frames that are simulated, the clock that is asked for (the board's where not), seeds.

    ``model``: a file, ``models/`` those of this repository, or a recipe's name. ``cells``: the folding is that of at
    most so many logic cells, not the fastest that fits.
    """

    name: str
    model: str
    dataset: str
    board: str
    frames: int
    mhz: float | None = None
    seeds: tuple[int, ...] = (0, 1, 2)
    cells: int | None = None


CASES = (
    Case("digits", "models/digits.onnx", "digits", "icebreaker", 359),
    Case("ecg5000", "models/ecg5000.onnx", "ecg5000", "icebreaker", 4500),
    Case("mnist-sfc", "models/mnist-sfc.onnx", "mnist", "icebreaker", 1000),
    Case("TFC_1W1A", "tfc-w1a1/TFC_1W1A.onnx", "mnist", "icebreaker", 10_000),
    Case("cifar10-resnet", "cifar10-resnet", "cifar10", "ulx3s-45f", 200, seeds=(0, 1)),
    Case("cifar10-resnet, smaller", "cifar10-resnet", "cifar10", "ulx3s-45f", 200, seeds=(0, 1), cells=27_000),
    Case("cifar10-mobile", "cifar10-mobile", "cifar10", "ulx3s-25f", 200, seeds=(0, 1)),
    Case("cifar10-mobile, smaller", "cifar10-mobile", "cifar10", "ulx3s-25f", 200, seeds=(0, 1), cells=13_000),
    Case("CNV-W1A1", "cnv-w1a1-bnn-pynq", "cifar10", "ulx3s-85f", 100, 76, (0, 1, 2)),
    Case("LFC-W1A1", "lfc-w1a1-bnn-pynq", "mnist", "ulx3s-85f", 1000, 64, (0, 1, 2)),
)

RECIPES = ("cifar10-resnet", "cifar10-mobile")
"""Those of the cases that no trained network is kept of."""


def source(case: Case, arguments: argparse.Namespace) -> Path:
    """The file of a network's model."""
    if case.model.startswith("models/"):
        return ROOT / case.model
    if case.model not in RECIPES:
        return arguments.models / case.model
    given = dict(arguments.trained or ())
    if case.model in given:
        return given[case.model]
    model = WORK / f"{case.model}.onnx"
    if not model.exists():
        verb("train", case.model, "--data", arguments.data, "--run", WORK / f"{case.model}-run", "-o", model)
    return model


def trained(text: str) -> tuple[str, Path]:
    """``RECIPE=M.onnx``."""
    name, _, path = text.partition("=")
    if name not in RECIPES or not path:
        raise argparse.ArgumentTypeError(f"{text}: not RECIPE=M.onnx, of a recipe of {', '.join(RECIPES)}")
    return name, Path(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument(
        "--trained", type=trained, action="append", metavar="RECIPE=M.onnx", help="what `bnnhw train RECIPE` wrote"
    )
    parser.add_argument("--only", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--seeds", type=int, help="no more than so many of each")
    arguments = parser.parse_args()
    for case in CASES:
        if not arguments.only or case.name in arguments.only:
            measure(case, arguments)


def measure(case: Case, arguments: argparse.Namespace) -> None:
    """All figures of one network that are not there yet."""
    folder = WORK / case.name.replace(", ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    network, folding, design = folder / "network.bnn", folder / "folding.json", folder / "design"
    entry = _kept().get(case.name, {"board": case.board, "dataset": case.dataset, "build": {}})
    if "fold" not in entry:
        model = source(case, arguments)
        if not model.exists():
            print(f"{case.name}: {model} is not here; left out", file=sys.stderr)
            return
        verb("import", model, "-o", network)
        entry["accuracy"] = verb("evaluate", network, "--dataset", case.dataset, "--data", arguments.data)["accuracy"]
        start = time.perf_counter()
        aim = ("--max",) if case.cells is None else ("--cells", case.cells)
        found = verb("fold", network, "--board", case.board, *aim, "-o", folding)
        entry["aim"] = " ".join(map(str, aim))
        entry["fold"] = {key: value for key, value in found.items() if key not in ("units", "fastest")}
        entry["fold_s"] = time.perf_counter() - start
        _keep(case.name, entry)
    for seed in case.seeds[: arguments.seeds]:
        if str(seed) in entry["build"]:
            continue
        clock = () if case.mhz is None else ("--freq", case.mhz)
        # A seed that misses timing is a figure too.
        built = verb(
            *("build", network, "--board", case.board, "--folding", folding, *clock, "--seed", seed),
            *("-o", folder / f"seed{seed}"),
            allow=(0, 1),
        )
        entry["build"][str(seed)] = {
            key: built[key]
            for key in ("fmax_mhz", "clock_mhz", "timing_met", "utilization", "estimate", "fps", "link_fps", "stages_s")
            + ("predicted", "prediction_error", "fmax_estimate_mhz", "fmax_error")
            if key in built
        } | {"nextpnr": _placed_by(Path(built["report"]))}
        _keep(case.name, entry)
    if "simulate" not in entry:
        if not (design / "accelerator.json").exists():
            verb("generate", network, "--board", case.board, "--folding", folding, "-o", design)
        frames = ("--dataset", case.dataset, "--data", arguments.data, "--count", case.frames)
        found = verb("simulate", design, *frames)
        keys = ("images", "mismatches", "layers", "accuracy", "cycles_per_frame", "predicted_cycles_per_frame")
        entry["simulate"] = {key: found[key] for key in keys}
        _keep(case.name, entry)


def _placed_by(report: Path) -> str:
    """Which nextpnr placed and routed: the name of its program or package, and its version."""
    tools: dict[str, str] = json.loads(report.read_text())["tools"]
    path, version = next(tool for name, tool in tools.items() if name.startswith("nextpnr")).rsplit(maxsplit=1)
    return f"{Path(path).name} {version}"


def _kept() -> dict[str, Any]:
    return json.loads(RESULT.read_text()) if RESULT.exists() else {}


def _keep(name: str, entry: dict[str, Any]) -> None:
    # Others may have been measured meanwhile.
    RESULT.write_text(json.dumps({**_kept(), name: entry}, indent=1) + "\n")


if __name__ == "__main__":
    main()
