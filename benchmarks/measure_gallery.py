"""Each of our networks, from its file or its recipe to a bitstream, with its report, its recipe and the commands.

python benchmarks/measure_gallery.py [--models DIR] [--data DIR] [--only NAME] [-o DIR]

The commands are those of benchmarks/gallery_networks.py; each network has a folder of its own in build/gallery, with
its report, and build/gallery/index.html shows them all. Figures are kept in benchmarks/results/gallery.json, network
by network. A network is made again where its commands, its file, its data or bnnhw have changed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from gallery_index import index
from gallery_networks import NETWORKS, ROOT, Command, Shown, commands, needs_data, source
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bnnhw.boards import BOARDS
from bnnhw.build.cache import StepCache
from bnnhw.files import file_digest, package_digest, read_json
from bnnhw.training.recipe_file import recipe_text
from bnnhw.training.recipes import find_recipe

RESULT = Path(__file__).parent / "results" / "gallery.json"
WORK = ROOT / "build" / "gallery"
REPORT = "report.html"

LAYER = ("name", "kind", "inputs", "outputs", "residual", "branch")
FOLDING = ("name", "pe", "simd", "memory", "planes", "cycles")
"""What the picture of a network shows."""

Told = Callable[[str], None]


def missing(shown: Shown, models: Path, data: Path) -> str:
    """What has to be given before a network can be made; nothing where all is there."""
    model = source(shown.model, models)
    if model is not None and not model.exists():
        return f"{model} is not here: --models DIR"
    if needs_data(shown) and not (data / shown.dataset).is_dir():
        return f"{data / shown.dataset} is not here: --data DIR"
    return ""


def inputs(shown: Shown, models: Path, data: Path) -> list[object]:
    """All that a network's files depend on."""
    model = source(shown.model, models)
    files = [] if model is None else [model]
    if needs_data(shown):
        files += sorted(path for path in (data / shown.dataset).iterdir() if path.is_file())
    recipe = recipe_text(find_recipe(shown.recipe)) if shown.recipe and not shown.model else ""
    digests = {path.name: file_digest(path) for path in files}
    return [
        [str(command) for command in commands(shown)],
        digests,
        recipe,
        BOARDS[shown.board].fingerprint(),
        package_digest(),
    ]


def run(command: Command, folder: Path, models: Path, data: Path) -> dict[str, Any]:
    """What a command says; what it says on the way stays silent unless it fails."""
    program = "import sys; from bnnhw.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", program, *command.real(models, data), "--json"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    # A clock that is missed is a figure too.
    if done.returncode not in ((0, 1) if command.verb == "build" else (0,)):
        raise SystemExit(f"{command}: exit status {done.returncode}\n{done.stderr}{done.stdout}")
    if command.kept:
        (folder / command.kept).write_text(done.stdout)
    said: dict[str, Any] = json.loads(done.stdout)
    if "error" in said:
        raise SystemExit(f"{command}: {said['error']}")
    return said


def measure(shown: Shown, folder: Path, models: Path, data: Path, told: Told) -> dict[str, Any]:
    """Runs the commands of a network in its folder; the figures."""
    said: dict[str, dict[str, Any]] = {}
    cache = StepCache(folder)
    for command in commands(shown):
        told(command.verb)
        if command.verb == "train":
            # The model that was trained is kept, whatever changes behind it.
            recipe = recipe_text(find_recipe(shown.recipe))
            trained = [folder / command.words[-1]]

            def action(command: Command = command) -> dict[str, Any]:
                return run(command, folder, models, data)

            said["train"] = cache.run("train", (str(command), recipe, version("torch")), trained, action)
        else:
            said[command.verb] = run(command, folder, models, data)
    return figures(shown, said, read_json(folder / "bitstream" / "network.json"))


def figures(shown: Shown, said: dict[str, dict[str, Any]], network: dict[str, Any]) -> dict[str, Any]:
    """What of the verbs' words is kept."""
    simulated, built, folded = said["simulate"], said["build"], said["fold"]
    cells = BOARDS[shown.board].family.build_tools().logic_cell
    return {
        "what": shown.what,
        "recipe": shown.recipe,
        "dataset": shown.dataset,
        "board": shown.board,
        "device": BOARDS[shown.board].device,
        "commands": [str(command) for command in commands(shown)],
        "images": said["evaluate"]["images"],
        "accuracy": said["evaluate"]["accuracy"],
        "frames": simulated["images"],
        "mismatches": simulated["mismatches"],
        "cycles_per_frame": simulated["cycles_per_frame"],
        "latency_cycles": simulated["latency_cycles"],
        "latency_us": built["latency_us"],
        "used": {
            **{name: built["utilization"][name] for name in ("lut4", "bram", "spram")},
            "cells": built["utilization"][cells],
        },
        "fmax_mhz": built["fmax_mhz"],
        "clock_mhz": built["clock_mhz"],
        "timing_met": built["timing_met"],
        "fps": built["fps"],
        "link_fps": built["link_fps"],
        "build_s": round(sum(built["stages_s"].values()), 1),
        "network": {"layers": [{key: row[key] for key in LAYER} for row in network["layers"]]},
        "fold": {"layers": [{key: row[key] for key in FOLDING} for row in folded["layers"]]},
    }


def made(shown: Shown, work: Path, models: Path, data: Path, told: Told) -> tuple[dict[str, Any], bool]:
    """The figures of a network, and whether it was made for them now."""
    folder = work / shown.name
    folder.mkdir(parents=True, exist_ok=True)
    cache = StepCache(folder)
    outputs = [folder / REPORT, folder / "evaluate.json"]
    entry = cache.run(
        "gallery", inputs(shown, models, data), outputs, lambda: measure(shown, folder, models, data, told)
    )
    return entry, "gallery" not in cache.skipped


def kept() -> dict[str, Any]:
    return json.loads(RESULT.read_text()) if RESULT.exists() else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared" / "models")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "datasets")
    parser.add_argument("--only", choices=[shown.name for shown in NETWORKS], action="append")
    parser.add_argument("-o", dest="output", type=Path, default=WORK)
    options = parser.parse_args()
    models, data = options.models.resolve(), options.data.resolve()
    wanted = [shown for shown in NETWORKS if not options.only or shown.name in options.only]
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=len(wanted))
        for shown in wanted:
            if why := missing(shown, models, data):
                console.print(f"{shown.name}: {why}; left out", markup=False)
            else:

                def told(verb: str, name: str = shown.name) -> None:
                    bar.update(task, description=f"{name}: {verb}")

                entry, fresh = made(shown, options.output, models, data, told)
                order = [one.name for one in NETWORKS]
                results = dict(sorted({**kept(), shown.name: entry}.items(), key=lambda item: order.index(item[0])))
                RESULT.write_text(json.dumps(results, indent=1) + "\n")
                how = "made" if fresh else "unchanged"
                console.print(f"{shown.name}: {how}; {entry['fmax_mhz']:.1f} MHz, {entry['mismatches']} mismatches")
            bar.advance(task)
    shown_here = {name: entry for name, entry in kept().items() if (options.output / name / REPORT).is_file()}
    recipes = {
        entry["recipe"]: recipe_text(find_recipe(entry["recipe"])) for entry in shown_here.values() if entry["recipe"]
    }
    page = options.output / "index.html"
    page.write_text(index(shown_here, recipes), encoding="utf-8")
    console.print(str(page), markup=False)


if __name__ == "__main__":
    main()
