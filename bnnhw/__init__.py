"""Compiler from trained binarized neural networks to FPGA accelerators.

The steps from a model to a bitstream, each a function; what one returns the next ones take::

    network = bnnhw.read("models/digits.onnx")
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    scores = bnnhw.evaluate(network, samples)
    folded = bnnhw.fold(network, "icebreaker")
    design = bnnhw.generate(folded, "out/design", board="icebreaker")
    result = bnnhw.simulate(design, samples, labels)
    built = bnnhw.build_bitstream(design, "icebreaker", "out")
    bnnhw.write_report("out")
    with bnnhw.open_board("out", port="/dev/ttyUSB1") as board:
        results = board.run(samples)

Boards and families, data sets, and training are packages of their own: :mod:`bnnhw.boards`, :mod:`bnnhw.devices`,
:mod:`bnnhw.datasets`, :mod:`bnnhw.training`. (``bnnhw.build`` and ``bnnhw.report`` are packages too, which is why two
steps have longer names.) Whatever a user can cause is raised as a :class:`BnnhwError`. What may not be meant so is a
:class:`BnnhwWarning` of Python's ``warnings``: what :func:`read` assumed, and, a :class:`RangeWarning`, samples that do
not meet the thresholds of the network's input.

These names are the public interface; everything else may change. They are loaded when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bnnhw import boards, datasets, devices, training
    from bnnhw.boards import Board
    from bnnhw.build.bitstream import BuildResult
    from bnnhw.dataflow import Resources
    from bnnhw.errors import BnnhwError, BnnhwWarning, RangeWarning
    from bnnhw.flow.build import build_bitstream
    from bnnhw.flow.choose import fold
    from bnnhw.flow.design import Design, open_design
    from bnnhw.flow.evaluate import evaluate
    from bnnhw.flow.export import export
    from bnnhw.flow.fold import cost, fmax_estimate, predict, save_folding
    from bnnhw.flow.generate import generate
    from bnnhw.flow.import_ import read, save
    from bnnhw.flow.report import write_report
    from bnnhw.flow.run import Results, RunningBoard, open_board
    from bnnhw.flow.sensitivity import sensitivity
    from bnnhw.flow.simulate import simulate
    from bnnhw.flow.train import train
    from bnnhw.folding import FoldedNetwork, LayerFolding, Prediction
    from bnnhw.ir import Network
    from bnnhw.reference import Scores
    from bnnhw.sim.result import SimulationResult

    __version__: str

__all__ = [
    "Board",
    "BnnhwError",
    "BnnhwWarning",
    "BuildResult",
    "Design",
    "FoldedNetwork",
    "LayerFolding",
    "Network",
    "Prediction",
    "RangeWarning",
    "Resources",
    "Results",
    "RunningBoard",
    "Scores",
    "SimulationResult",
    "__version__",
    "boards",
    "build_bitstream",
    "cost",
    "datasets",
    "devices",
    "evaluate",
    "export",
    "fmax_estimate",
    "fold",
    "generate",
    "open_board",
    "open_design",
    "predict",
    "read",
    "save",
    "save_folding",
    "sensitivity",
    "simulate",
    "train",
    "training",
    "write_report",
]

_MODULES = {
    "Board": "boards",
    "BnnhwError": "errors",
    "BnnhwWarning": "errors",
    "BuildResult": "build.bitstream",
    "Design": "flow.design",
    "FoldedNetwork": "folding",
    "LayerFolding": "folding",
    "Network": "ir",
    "Prediction": "folding",
    "RangeWarning": "errors",
    "Resources": "dataflow",
    "Results": "flow.run",
    "RunningBoard": "flow.run",
    "Scores": "reference",
    "SimulationResult": "sim.result",
    "build_bitstream": "flow.build",
    "cost": "flow.fold",
    "evaluate": "flow.evaluate",
    "export": "flow.export",
    "fmax_estimate": "flow.fold",
    "fold": "flow.choose",
    "generate": "flow.generate",
    "open_board": "flow.run",
    "open_design": "flow.design",
    "predict": "flow.fold",
    "read": "flow.import_",
    "save": "flow.import_",
    "save_folding": "flow.fold",
    "sensitivity": "flow.sensitivity",
    "simulate": "flow.simulate",
    "train": "flow.train",
    "write_report": "flow.report",
}
"""Where each name comes from; packages that are names themselves are not here."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("bnnhw")
    if name in _MODULES:
        value = globals()[name] = getattr(import_module(f"bnnhw.{_MODULES[name]}"), name)
        return value
    if name in __all__:
        return import_module(f"bnnhw.{name}")
    raise AttributeError(f"module 'bnnhw' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
