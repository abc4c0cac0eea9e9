"""A board that runs: samples there, classes and scores back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bnnhw import reference
from bnnhw.boards import Board
from bnnhw.dataflow.image import image_crc
from bnnhw.errors import CheckError, RequestError
from bnnhw.flow.built import Built, Level, open_built
from bnnhw.flow.count import Counted, count_frames
from bnnhw.flow.evaluate import encode
from bnnhw.flow.frames import class_names
from bnnhw.flow.load import image_for
from bnnhw.flow.progress import Progress, silent
from bnnhw.ir import Network
from bnnhw.links import Host, Port
from bnnhw.sim.board import SimulatedPort, compile_board

__all__ = [
    "Results",
    "RunningBoard",
    "check_run",
    "differences",
    "level_of",
    "open_board",
    "run_json",
    "simulated_port",
]


@dataclass(frozen=True, eq=False)
class Results:
    """What a board said of some frames.

    Attributes
    ----------
    classes, scores : int64 array (frames,)
        The class of each frame, and its score.
    names : tuple of str
        Of the network's classes.
    seconds : float
        From the first byte sent to the last answer, in the board's time: simulated for a virtual board.
    """

    classes: NDArray[np.int64]
    scores: NDArray[np.int64]
    names: tuple[str, ...]
    seconds: float

    @property
    def named(self) -> list[str]:
        """The name of each frame's class."""
        return [self.names[index] for index in self.classes]

    @property
    def frames_per_s(self) -> float | None:
        """Frames per second, measured; None of no frames."""
        return len(self.classes) / self.seconds if len(self.classes) else None


class RunningBoard:
    """A board that holds the design of a built folder: give it samples, it gives classes.

    Made by :func:`open_board`; a context manager that closes the port.

    Attributes
    ----------
    built : Built
    network : Network
    names : tuple of str
        Of the network's classes; their numbers where its training left none.
    port_name : str
        Of the port, or ``"virtual"``.
    """

    def __init__(self, built: Built, port: Port, port_name: str, clock: Callable[[], float] | None = None) -> None:
        self.built, self.network, self.port_name = built, built.network, port_name
        self.names = class_names(built.network) or tuple(map(str, range(max(2, built.network.output.classes))))
        self._clock = time.monotonic if clock is None else clock
        self._port = port
        self._host: Host = built.link.host(port, clock)
        self._host.check(built.identity, built.frame_bytes, built.network.output.labels)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the port; ends a virtual board."""
        self._port.close()

    @property
    def resent(self) -> int:
        """Frames that were sent more than once, since the board was opened."""
        return self._host.resent

    def run(self, samples: ArrayLike, *, codes: bool = False, progress: Progress = silent) -> Results:
        """What the board says of samples.

        Frames are sent ahead of their answers; one that is lost on the way is sent again.

        Parameters
        ----------
        samples : array (frames, ...)
            As the data set gives them: pixels, amplitudes, features. They are encoded here as the network takes them.
        codes : bool
            Whether ``samples`` are the codes of the network's input elements already, in the order in which they enter:
            uint8 (frames, elements), as :meth:`bnnhw.ir.InputSpec.encode` gives them.
        progress : callable
            Told frames done and frames.

        Raises
        ------
        RequestError
            When a sample does not suit the network.
        CheckError
            When the link fails again and again.
        """
        if self.built.store is not None:
            raise RequestError(f"{self.built.folder}: has its frames on the chip, and takes none: count them")
        rows = self._codes(samples, codes)
        found = np.zeros((len(rows), 2), np.int64)
        start = self._clock()
        for number, pair in enumerate(self._stream(rows)):
            found[number] = pair
            progress(number + 1, len(rows))
        seconds = self._clock() - start
        return Results(found[:, 0].copy(), found[:, 1].copy(), self.names, seconds)

    def load(self, network: Network) -> str:
        """Replaces the weights of the board by those of another network of the same shape, between frames.

        What :meth:`run` says from here on is of that network.

        Returns
        -------
        str
            The CRC-32 of the image, as the board has checked it.

        Raises
        ------
        RequestError
            When the design was not built writable, or the network has another shape.
        CheckError
            When the board does not take the image.
        """
        image = image_for(self.built, network)
        self._host.load(image)
        self.network = network
        self.names = class_names(network) or self.names
        return f"{image_crc(image):08x}"

    def count(self, frames: int | None = None) -> Counted:
        """Has the board run so many of the frames on its chip, round and round, and count.

        Parameters
        ----------
        frames : int, optional
            As many as there are, when not given.

        Raises
        ------
        RequestError
            When the board takes its frames over the link, and for more than can be counted.
        CheckError
            When the link fails again and again.
        """
        return count_frames(self._host, self.built, frames)

    def _codes(self, samples: ArrayLike, codes: bool) -> NDArray[np.uint8]:
        if not codes:
            return encode(self.network, samples)
        spec, array = self.network.input, np.asarray(samples)
        if array.ndim != 2 or array.shape[1] != spec.elements or array.dtype.kind not in "biu":
            raise RequestError(
                f"codes must be integers of shape (frames, {spec.elements}), not {array.dtype} {array.shape}"
            )
        if len(array) and not 0 <= array.min() <= array.max() < spec.dtype.levels:
            raise RequestError(f"codes must be in 0..{spec.dtype.levels - 1}, not {array.min()}..{array.max()}")
        return array.astype(np.uint8)

    def _stream(self, rows: NDArray[np.uint8]) -> Iterator[tuple[int, int]]:
        bits = self.network.input.dtype.bits
        spread = np.arange(bits, dtype=np.uint8)

        def packed() -> Iterator[bytes]:
            for row in rows:
                planes = (row[:, None] >> spread) & 1
                yield np.packbits(planes.reshape(-1), bitorder="little").tobytes()

        for answer in self._host.run(packed()):
            yield answer.index, answer.score


def open_board(
    folder: Path | str,
    *,
    port: str | None = None,
    virtual: bool = False,
    netlist: bool = False,
    bitstream: bool = False,
    board: Board | str | None = None,
) -> RunningBoard:
    """Opens a board that holds the design of a built folder, and checks that it does.

    Parameters
    ----------
    folder : Path or str
        What ``bnnhw build`` wrote.
    port : str, optional
        The port that the board is at: ``/dev/ttyUSB1``, ``COM4``.
    virtual : bool
        A simulated board instead: the top of the board's design in Verilator.
    netlist, bitstream : bool
        What the virtual board is made of, instead of what was synthesized: what synthesis made of it, or what the
        bitstream configures, of families that unpack one.
    board : Board or str, optional
        The board that the folder was built for, where it is not known by its name.

    Examples
    --------
    ::

        with bnnhw.open_board("bitstream", port="/dev/ttyUSB1") as board:
            results = board.run(samples)
        print(results.named[0], results.scores[0])

    Raises
    ------
    FileError
        When the folder is none that ``build`` wrote, or speaks another version of the link's protocol.
    RequestError
        When the port can't be opened; names those there are.
    CheckError
        When no board answers, or it holds another design.
    ToolError
        For a virtual board: when a program is missing that it takes.
    """
    if (port is None) != virtual:
        raise RequestError("one of a port and a virtual board must be given, and not both")
    level = level_of(netlist=netlist, bitstream=bitstream)
    if not virtual and level != "rtl":
        raise RequestError(f"{level} must be given for a virtual board alone")
    built = open_built(folder, board)
    built.check_protocol()
    if port is not None:
        opened: Port = built.link.open_port(port)
        return _open(built, opened, port, None)
    simulated = simulated_port(built, level)
    return _open(built, simulated, "virtual", simulated.clock)


def level_of(*, netlist: bool, bitstream: bool) -> Level:
    """What a virtual board is made of; :class:`~bnnhw.errors.RequestError` where two things are asked for."""
    if netlist and bitstream:
        raise RequestError("one of netlist and bitstream must be given, and not both")
    return "netlist" if netlist else "bitstream" if bitstream else "rtl"


def _open(built: Built, port: Port, name: str, clock: Callable[[], float] | None) -> RunningBoard:
    try:
        return RunningBoard(built, port, name, clock)
    except BaseException:
        port.close()
        raise


def simulated_port(built: Built, level: Level = "rtl") -> SimulatedPort:
    """The port of a simulated board, just switched on."""
    flash = built.flash()
    simulation = compile_board(built.sources(level), built.board, built.link, flash=flash is not None)
    return SimulatedPort(simulation, flash)


def differences(board: RunningBoard, samples: ArrayLike, results: Results) -> list[dict[str, Any]]:
    """Frames of which a board said something else than the reference does: number, both classes, both scores."""
    due = reference.evaluate(board.network, encode(board.network, samples))
    scores = due.scores.max(axis=1)
    wrong = np.flatnonzero((results.classes != due.classes) | (results.scores != scores))
    return [
        {
            "frame": int(number),
            "class": int(results.classes[number]),
            "score": int(results.scores[number]),
            "reference_class": int(due.classes[number]),
            "reference_score": int(scores[number]),
        }
        for number in wrong
    ]


def run_json(
    board: RunningBoard,
    results: Results,
    found: list[dict[str, Any]] | None,
    labels: NDArray[np.int64] | None = None,
) -> dict[str, Any]:
    """What ``bnnhw run`` says.

    Parameters
    ----------
    found : list, optional
        From :func:`differences`; None where nothing was compared.
    labels : int64 array (frames,), optional
        Classes of the frames, where they are known.
    """
    correct = None if labels is None else int((results.classes == labels).sum())
    report, link = board.built.report, board.built.link
    rows = zip(results.classes.tolist(), results.named, results.scores.tolist(), strict=True)
    return {
        "results": [{"class": index, "name": name, "score": score} for index, name, score in rows],
        "frames": len(results.classes),
        "differences": None if found is None else len(found),
        "details": [] if found is None else found[:10],
        "correct": correct,
        "accuracy": None if correct is None else correct / len(results.classes),
        "frames_per_s": results.frames_per_s,
        "fps": report["fps"],
        "link_fps": report["link_fps"],
        "resent": board.resent,
        "link": {"name": link.name, "port": board.port_name, **link.settings},
    }


def check_run(data: dict[str, Any]) -> None:
    """:class:`~bnnhw.errors.CheckError` when a board differs from the reference."""
    if data["differences"]:
        first = data["details"][0]
        raise CheckError(
            f"{data['differences']} of {data['frames']} frames differ; the first: frame {first['frame']}: class "
            f"{first['class']}, score {first['score']}, and the reference says class {first['reference_class']}, score "
            f"{first['reference_score']}"
        )
