"""``bnnhw demo``: the whole pipeline on bundled data."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bnnhw.cli.session import Session, verb
from bnnhw.files import check_directory, write_json

if TYPE_CHECKING:
    from rich.console import Console

    from bnnhw.boards import Board
    from bnnhw.build.bitstream import BuildResult

__all__ = ["demo"]

RECIPE = "digits"
STEPS = ".steps"
"""What marks a folder as a demo's: the stamps of its steps."""


def _code(*parts: str) -> str:
    """Digest of the sources of some of our packages: a step runs again when its code has changed."""
    import importlib

    from bnnhw.files import digest, file_digest

    files = []
    for part in parts:
        module = importlib.import_module(f"bnnhw.{part}")
        assert module.__file__ is not None
        root = Path(module.__file__)
        files += sorted(root.parent.rglob("*.py")) if root.name == "__init__.py" else [root]
    return digest([file_digest(path) for path in files])


class _Run:
    """A demo in its folder: each step is skipped when nothing it depends on has changed."""

    def __init__(self, session: Session, folder: Path, board: Board) -> None:
        from bnnhw.build.cache import StepCache

        self.session = session
        self.folder = folder
        self.board = board
        self.cache = StepCache(folder)
        self.model = folder / f"{RECIPE}.onnx"
        self.network = folder / f"{RECIPE}.bnn"
        self.folding = folder / "folding.json"
        self.design = folder / "design"

    def step(
        self, name: str, inputs: Sequence[object], outputs: Sequence[Path], action: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Runs a step or says that it is cached; its JSON goes to ``NAME.json``."""
        data = self.cache.run(name, inputs, outputs, action)
        if name in self.cache.skipped:
            self.session.say(f"{name:<10}  cached")
        write_json(self.folder / f"{name}.json", data)
        return data

    def train(self) -> dict[str, Any]:
        from importlib.metadata import version

        from bnnhw.cli.train import train_recipe

        inputs = (RECIPE, _code("training.recipes", "datasets", "ir"), version("torch"), _training_code())
        return self.step(
            "train",
            inputs,
            [self.model],
            lambda: train_recipe(self.session, RECIPE, None, None, 0, "cpu", self.model),
        )

    def import_(self) -> dict[str, Any]:
        from bnnhw.cli.import_ import import_model
        from bnnhw.files import file_digest

        inputs = (file_digest(self.model), _code("frontend", "streamline", "ir"))
        return self.step("import", inputs, [self.network], lambda: import_model(self.session, self.model, self.network))

    def fold(self) -> dict[str, Any]:
        from bnnhw.cli.design import folded_for
        from bnnhw.cli.fold import fold_json
        from bnnhw.files import file_digest
        from bnnhw.folding import file as folding_file
        from bnnhw.ir import archive

        def action() -> dict[str, Any]:
            network = archive.load(self.network)
            with self.session.stage("fold"):
                folded = folded_for(network, None, self.board)
                folding_file.save(folded.foldings, network, self.folding)
            return fold_json(folded, self.board, self.board.clock_mhz)

        inputs = (file_digest(self.network), self.board.fingerprint(), _code("folding", "ir", "boards"))
        return self.step("fold", inputs, [self.folding], action)

    def generate(self) -> dict[str, Any]:
        from bnnhw.cli.design import SIDECAR, folded_for
        from bnnhw.cli.generate import generate_design
        from bnnhw.files import file_digest
        from bnnhw.ir import archive
        from bnnhw.links import DEFAULT, LINKS

        def action() -> dict[str, Any]:
            folded = folded_for(archive.load(self.network), self.folding, self.board)
            return generate_design(self.session, self.network, folded, self.board, LINKS[DEFAULT], self.design)

        inputs = (
            file_digest(self.network),
            file_digest(self.folding),
            self.board.name,
            _code("hardware", "folding", "ir", "cli.generate"),
        )
        outputs = [self.design / name for name in (SIDECAR, "accelerator.v", "network.bnn", "folding.json")]
        return self.step("generate", inputs, outputs, action)

    def simulate(self) -> dict[str, Any]:
        from bnnhw.cli.design import open_design
        from bnnhw.cli.simulate import simulate_design
        from bnnhw.files import file_digest

        inputs = (
            file_digest(self.design / "accelerator.v"),
            file_digest(self.network),
            file_digest(self.folding),
            _code("verify", "reference", "folding", "datasets", "ir"),
        )
        return self.step(
            "simulate",
            inputs,
            [],
            lambda: simulate_design(self.session, open_design(self.design), RECIPE, None, None, 0.0, None),
        )

    def build(self) -> tuple[BuildResult, dict[str, Any]]:
        """The build keeps its own stamps."""
        from bnnhw.cli.build import build_bitstream
        from bnnhw.cli.design import folded_for
        from bnnhw.ir import archive

        folded = folded_for(archive.load(self.network), self.folding, self.board)
        return build_bitstream(self.session, folded, self.board, 0, None, self.folder / "build")


def _training_code() -> str:
    """Like :func:`_code` for the package that imports torch, without importing it."""
    from importlib.util import find_spec

    from bnnhw.files import digest, file_digest

    spec = find_spec("bnnhw.training")
    assert spec is not None
    assert spec.origin is not None
    return digest([file_digest(path) for path in sorted(Path(spec.origin).parent.glob("*.py"))])


@verb(example="bnnhw demo -o demo\nbnnhw demo --board ulx3s-85f -o demo")
@click.option("--board", metavar="B", default="icebreaker", show_default=True, help="A name that `bnnhw boards` lists.")
@click.option(
    "-o",
    "output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path("bnnhw-demo"),
    show_default=True,
    help="The folder for all artefacts.",
)
def demo(session: Session, board: str, output: Path) -> None:
    """The whole pipeline on bundled data.

    Train, import, fold, generate, simulate, build, report: handwritten digits to a bitstream.

    Run again in the same folder, steps whose inputs have not changed are skipped.
    """
    from bnnhw.boards import get
    from bnnhw.cli.report import write_report
    from bnnhw.cli.show import describe
    from bnnhw.cli.simulate import check
    from bnnhw.ir import archive

    chosen = get(board)
    check_directory(output, STEPS)
    output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    run = _Run(session, output, chosen)
    run.train()
    run.import_()
    write_json(output / "network.json", describe(archive.load(run.network)))
    run.fold()
    run.generate()
    simulated = run.simulate()
    check(simulated)
    result, built = run.build()
    wall_s = time.perf_counter() - start
    data = {
        "accuracy": simulated["accuracy"],
        "bitstream": built["bitstream"],
        "fmax_mhz": built["fmax_mhz"],
        "mismatches": simulated["mismatches"],
        "report": str(output / "report.html"),
        "wall_s": wall_s,
        "board": chosen.name,
        "images": simulated["images"],
        "timing_met": built["timing_met"],
        "clock_mhz": built["clock_mhz"],
        "fps": built["fps"],
        # What each step took when it last ran, and which of them did not run now.
        "stages_s": {**run.cache.seconds, "build": round(sum(built["stages_s"].values()), 3)},
        "cached": list(run.cache.skipped),
        "artefacts": {
            "model": str(run.model),
            "network": str(run.network),
            "folding": str(run.folding),
            "verilog": str(run.design / "accelerator.v"),
            "bitstream": built["bitstream"],
            "report": str(output / "report.html"),
        },
    }
    write_json(output / "demo.json", data)
    write_report(output)

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_row("accuracy", f"{100 * simulated['accuracy']:.2f} % of {simulated['images']} test frames")
        table.add_row("mismatches", f"{simulated['mismatches']} between Verilog and reference")
        table.add_row(
            "cycles a frame",
            f"{simulated['cycles_per_frame']} measured, {simulated['predicted_cycles_per_frame']} predicted",
        )
        table.add_row(
            "latency", f"{simulated['latency_cycles']} measured, {simulated['predicted_latency_cycles']} predicted"
        )
        table.add_row("Fmax", f"{built['fmax_mhz']:.2f} MHz; built for {built['clock_mhz']:g} MHz")
        table.add_row("speed", f"{built['fps']:,.0f} frames a second, latency {built['latency_us']:.1f} us")
        table.add_row("in all", f"{wall_s:.1f} s")
        for name, path in data["artefacts"].items():
            table.add_row(name, path)
        console.print(table)

    session.result(data, show)
    result.check_timing()
