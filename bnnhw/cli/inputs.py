"""What several verbs are given: a design, or a network and samples of a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnnhw.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bnnhw.boards import Board
    from bnnhw.flow.design import Design
    from bnnhw.folding import FoldedNetwork
    from bnnhw.ir import Network

__all__ = ["load_samples", "open_path"]


def open_path(path: Path, board: Board | None = None, folding: Path | None = None) -> Design | FoldedNetwork:
    """A generated folder, or a bare .bnn file, folded: by the folding file, or as suits the board."""
    from bnnhw.flow.design import open_design
    from bnnhw.flow.fold import fold
    from bnnhw.ir import archive

    if not path.is_dir():
        return fold(archive.load(path), board, folding=folding)
    if folding is not None:
        raise RequestError(f"--folding must not be given with {path}, which was generated with its own")
    return open_design(path)


def load_samples(
    network: Network, dataset: str, data: Path | None, split: str, count: int | None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Samples of a data set that suit a network, and their classes."""
    from bnnhw.datasets import load_split
    from bnnhw.flow.evaluate import check_elements

    samples, labels = load_split(dataset, split, data)
    if count is not None and count > len(samples):
        raise RequestError(f"--count must be at most {len(samples)} for the {split} split of {dataset}, not {count}")
    check_elements(network, samples[0].size, f"data set {dataset}")
    return samples[:count], labels[:count].astype("int64")
