"""Frames on the chip: which of a data set a board has room for, and what is kept of them for the host."""

from __future__ import annotations

import io
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw import links, reference
from bnnhw.boards import Board
from bnnhw.dataflow.frame import Frame
from bnnhw.errors import CheckError, FileError, RequestError
from bnnhw.files import write_whole
from bnnhw.flow.design import Design
from bnnhw.flow.evaluate import encode
from bnnhw.flow.frames import Frames
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network
from bnnhw.links import BoardLink
from bnnhw.links.store.contents import StoredFrames
from bnnhw.links.store.room import frames_that_fit, store_blocks

__all__ = ["FRAMES", "MOST", "KnownFrames", "Store", "choose_store", "link_rates", "open_store"]

FRAMES = "frames.npz"
"""The file of a build's folder that has the frames on the chip: codes, and labels where there are such."""

_DAMAGED = (
    KeyError, OSError, EOFError, AttributeError, TypeError, ValueError, NotImplementedError, zipfile.BadZipFile,
    zlib.error,
)  # fmt: skip
"""What zipfile, zlib and NumPy raise of a damaged file."""

MOST = 1024
"""Most frames that are put on a chip where no number is asked for: more tell no more of its rate, and take longer."""


@dataclass(frozen=True, eq=False)
class Store:
    """Frames on a chip.

    Parameters
    ----------
    dataset : str
        Name of what they are of.
    contents : StoredFrames
        As they lie there.
    codes : uint8 array (frames, elements)
    blocks : int
        Block RAMs that they take, about.
    """

    dataset: str
    contents: StoredFrames
    codes: NDArray[np.uint8]
    blocks: int

    def describe(self) -> dict[str, Any]:
        """What a report says of it; ``wrong`` is the reference's count."""
        due, labels = self.contents.due, self.contents.labels
        return {
            "dataset": self.dataset,
            "frames": self.contents.frames,
            "wrong": None if labels is None else int((due != labels).sum()),
            "bits_kept": len(self.contents.kept) * self.contents.frame_words,
            "block_rams": self.blocks,
        }

    def save(self, path: Path) -> None:
        """Writes what a host needs of it."""
        labels = self.contents.labels
        arrays = {"codes": self.codes} | ({} if labels is None else {"labels": labels})
        with io.BytesIO() as data:
            np.savez_compressed(data, allow_pickle=False, **arrays)
            write_whole(path, data.getvalue(), owned=True)


def choose_store(design: Design | FoldedNetwork, board: Board, frames: Frames, count: int | None = None) -> Store:
    """The frames that a design has on a board, from the first on.

    Where nothing of the Verilog was edited, of each word only the bits that the network reads.

    Parameters
    ----------
    count : int, optional
        How many; as many as fit beside the accelerator, at most :data:`MOST`, when not given.

    Raises
    ------
    CheckError
        When the block RAM that is left does not hold so many; says how many it holds.
    """
    technology = board.family.technology
    edited = isinstance(design, Design) and design.core.edited
    graph = (design.folded if isinstance(design, Design) else design).graph(technology)
    frame, read = Frame.of(graph), None if edited else graph.nodes[0].unit.read
    codes = encode(design.network, frames.samples[: MOST if count is None else count])
    due = reference.evaluate(design.network, codes).classes.astype(np.int64)
    labels = None if frames.labels is None else frames.labels[: len(codes)]
    contents = StoredFrames.of(frame, codes, due, labels, read)
    sizes = contents.frame_words, len(contents.kept), contents.classes.shape[1]
    left = board.block_rams - graph.resources().bram
    fit = frames_that_fit(max(0, left), len(codes), *sizes, technology)
    if not fit or (count is not None and fit < count):
        wanted = store_blocks(count if count and fit else 1, *sizes, technology)
        beside = f"block RAMs, and beside the accelerator there are {max(0, left)} of {board.block_rams}"
        if fit:
            many = f"{count} frames of {frames.name} do not fit {board.name}: they take {wanted}"
            raise CheckError(f"{many} {beside}; {fit} frames fit")
        one = f"not one frame of {frames.name} fits {board.name}: it takes {wanted}"
        raise CheckError(f"{one} {beside}; a folding with fewer leaves more (bnnhw fold --fps F)")
    if fit < len(codes):
        codes, labels = codes[:fit], None if labels is None else labels[:fit]
        contents = StoredFrames.of(frame, codes, due[:fit], labels, read)
        sizes = contents.frame_words, len(contents.kept), contents.classes.shape[1]
    return Store(frames.name, contents, codes, store_blocks(fit, *sizes, technology))


def link_rates(board: Board, chosen: BoardLink, frame: Frame, clock_mhz: float) -> dict[str, float]:
    """Frames per second over each link that suits a board's clock: the one it has, others as they are set there."""
    rates: dict[str, float] = {}
    for name, known in links.LINKS.items():
        if not isinstance(known, BoardLink):
            continue
        link = chosen if name == chosen.name else known.configured(**board.settings.get(name, {}))
        with suppress(RequestError):
            link.check_clock(clock_mhz)
            rates[name] = link.frames_per_s(frame, clock_mhz)
    return rates


@dataclass(frozen=True, eq=False)
class KnownFrames:
    """The frames that the board of a built folder holds, as a host knows them.

    Parameters
    ----------
    dataset : str
    due : int64 array (frames,)
        The class that the reference gives each.
    labels : int64 array (frames,), optional
    """

    dataset: str
    due: NDArray[np.int64]
    labels: NDArray[np.int64] | None

    def wrong(self, frames: int) -> int | None:
        """How many of so many the reference is wrong about, round and round; None where labels are not known."""
        if self.labels is None:
            return None
        each = self.due != self.labels
        rounds, rest = divmod(frames, len(each))
        return int(rounds * each.sum() + each[:rest].sum())


def open_store(folder: Path, network: Network, dataset: str) -> KnownFrames:
    """Reads the frames of a built folder, and asks the reference about them.

    Raises
    ------
    FileError
        When they are missing or damaged.
    """
    path = folder / FRAMES
    try:
        with np.load(path, allow_pickle=False) as arrays:
            codes, labels = arrays["codes"], arrays.get("labels")
    except FileNotFoundError:
        raise FileError(f"{path}: no such file; build it again") from None
    except _DAMAGED as error:
        raise FileError(f"{path}: can't be read: {' '.join(str(error).split()) or type(error).__name__}") from None
    spec = network.input
    if codes.dtype != np.uint8 or codes.shape[1:] != (spec.elements,) or not len(codes):
        raise FileError(f"{path}: must have codes of {spec.elements} elements per frame, and does not; build it again")
    if codes.max() >= spec.dtype.levels:
        raise FileError(f"{path}: must have codes below {spec.dtype.levels}, and has {codes.max()}; build it again")
    if labels is not None and (labels.shape != (len(codes),) or labels.dtype.kind != "i"):
        raise FileError(f"{path}: must have a label for each frame, and does not; build it again")
    return KnownFrames(dataset, reference.evaluate(network, codes).classes.astype(np.int64), labels)
