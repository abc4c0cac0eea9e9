"""The networks of the gallery, and the commands that make each."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DATA", "MODELS", "NETWORKS", "Command", "Shown", "commands", "needs_data", "source"]

ROOT = Path(__file__).resolve().parent.parent

DATA, MODELS = "DIR", "MODELS"
"""What stands in a command for the folder of data sets, and for that of published networks."""

BUNDLED = ("digits", "earbud")
"""Data sets that need no folder."""


@dataclass(frozen=True)
class Shown:
    """A network of the gallery.

    Parameters
    ----------
    name : str
        Of its folder, and of its files.
    what : str
        A line on it.
    dataset, board : str
    recipe : str
        What it was trained by; none of one that others published.
    model : str
        Its file: below ``models/`` of the repository, or below :data:`MODELS`. Not given: the recipe is trained.
    scale : str
        Of its samples, where the file does not say it.
    engine : str
        Of its folding; what ``fold`` takes by itself when not given.
    frames : int, optional
        The first of the test split to simulate; all when not given.
    """

    name: str
    what: str
    dataset: str
    board: str
    recipe: str = ""
    model: str = ""
    scale: str = ""
    engine: str = ""
    frames: int | None = None


NETWORKS = (
    Shown(
        "digits",
        "handwritten digits, 8 x 8 pixels of 4 bits",
        "digits",
        "icebreaker",
        "digits",
        "models/digits.onnx",
    ),
    Shown(
        "digits-lookup",
        "the same digits in 2 bits, by truth tables",
        "digits",
        "icebreaker",
        "digits-lookup",
        engine="any",
    ),
    Shown("ecg5000", "heartbeats, normal or abnormal", "ecg5000", "icebreaker", "ecg5000", "models/ecg5000.onnx"),
    Shown(
        "ecg5000-lookup-conv",
        "the same heartbeats, by truth tables",
        "ecg5000",
        "icebreaker",
        "ecg5000-lookup-conv",
        engine="any",
    ),
    Shown("fsdd-mfcc", "spoken digits", "fsdd", "tinyfpga-bx", "fsdd-mfcc", "models/fsdd-mfcc.onnx"),
    Shown("earbud", "taps on an earbud, from an accelerometer", "earbud", "pico-ice", "earbud", "models/earbud.onnx"),
    Shown(
        "mnist-tfc",
        "handwritten digits, 28 x 28 pixels, black and white",
        "mnist",
        "ulx3s-12f",
        "mnist-tfc",
        "models/mnist-tfc.onnx",
    ),
    Shown(
        "mnist-sfc",
        "the same in a larger network, weights in SPRAM",
        "mnist",
        "icebreaker",
        "mnist-sfc",
        "models/mnist-sfc.onnx",
        frames=1000,
    ),
    Shown(
        "fashion-sfc",
        "pieces of clothing, pixels of 3 bits",
        "fashion-mnist",
        "ulx3s-25f",
        "fashion-sfc",
        "models/fashion-sfc.bnn",
        frames=1000,
    ),
    Shown(
        "tfc-w1a1",
        "handwritten digits: TFC_1W1A, of the QONNX model zoo",
        "mnist",
        "icebreaker",
        model="MODELS/tfc-w1a1/TFC_1W1A.onnx",
        scale="1/255",
    ),
    Shown(
        "tfc-w1a2",
        "the same: TFC_1W2A, whose activations have 2 bits",
        "mnist",
        "ulx3s-12f",
        model="MODELS/tfc-w1a2/TFC_1W2A.onnx",
        scale="1/255",
    ),
)


@dataclass(frozen=True)
class Command:
    """A command of bnnhw.

    Parameters
    ----------
    words : tuple of str
        The verb, and what follows it.
    kept : str
        The file that its JSON goes to, if any.
    """

    words: tuple[str, ...]
    kept: str = ""

    @property
    def verb(self) -> str:
        return self.words[0]

    def __str__(self) -> str:
        """As it is typed; arguments that are files are seen from the repository."""
        text = shlex.join(("bnnhw", *self.words))
        return f"{text} --json > {self.kept}" if self.kept else text

    def real(self, models: Path, data: Path) -> tuple[str, ...]:
        """The words as they are run anywhere."""
        return tuple(str(data) if word == DATA else str(source(word, models) or word) for word in self.words)


def source(word: str, models: Path) -> Path | None:
    """The file of a model; None of words that are none."""
    folder, _, name = word.partition("/")
    return {"models": ROOT / "models", MODELS: models}[folder] / name if name and folder in ("models", MODELS) else None


def needs_data(shown: Shown) -> bool:
    """Whether its data set has to be given."""
    return shown.dataset not in BUNDLED


def commands(shown: Shown) -> tuple[Command, ...]:
    """From a model, or from nothing, to a report."""
    data = ("--data", DATA) if needs_data(shown) else ()
    frames = ("--dataset", shown.dataset, *data)
    network, board = f"{shown.name}.bnn", ("--board", shown.board)
    engine = ("--engine", shown.engine) if shown.engine else ()
    count = ("--count", str(shown.frames)) if shown.frames else ()
    model = shown.model or f"{shown.name}.onnx"
    made: list[Command] = []
    if not shown.model:
        made.append(Command(("train", shown.recipe, *data, "--device", "cpu", "-o", model)))
    if model.endswith(".bnn"):
        network = model
    else:
        scale = ("--input-scale", shown.scale) if shown.scale else ()
        made.append(Command(("import", model, *scale, "-o", network)))
    return (
        *made,
        Command(("evaluate", network, *frames), "evaluate.json"),
        Command(("fold", network, *board, *engine, "-o", "folding.json")),
        Command(("generate", network, *board, "--folding", "folding.json", "-o", "design")),
        Command(("simulate", "design", *frames, *count)),
        Command(("build", "design", *board, "-o", "bitstream")),
        Command(("report", ".")),
    )
