"""``bnnhw evaluate``: the integer reference over a data set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bnnhw.cli.options import count_option, data_option
from bnnhw.cli.session import Session, verb
from bnnhw.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bnnhw.ir import Network

__all__ = ["evaluate", "load_frames"]


def load_frames(
    network: Network, dataset: str, data: Path | None, split: str, count: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Frames of a data set as the network takes them, and their classes.

    Returns
    -------
    codes : uint8 array (frames, elements)
    labels : int64 array (frames,)
    """
    from bnnhw.datasets import load_split

    samples, labels = load_split(dataset, split, data)
    if count is not None and count > len(samples):
        raise RequestError(f"--count must be at most {len(samples)} for the {split} split of {dataset}, not {count}")
    elements = samples[0].size
    if elements != network.input.elements:
        raise RequestError(
            f"data set {dataset} must have {network.input.elements} elements a frame for this network, not {elements}"
        )
    return network.input.encode(samples[:count].reshape(-1, elements)), labels[:count].astype("int64")


@verb(example="bnnhw evaluate digits.bnn --dataset digits")
@click.argument("network", metavar="N.bnn", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="D", help="A name that `bnnhw datasets` lists.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@count_option
@data_option
def evaluate(session: Session, network: Path, dataset: str, split: str, count: int | None, data: Path | None) -> None:
    """The integer reference over a data set."""
    from bnnhw import reference
    from bnnhw.ir import archive

    loaded = archive.load(network)
    codes, labels = load_frames(loaded, dataset, data, split, count)
    start = time.perf_counter()
    with session.stage("evaluate"):
        classes = reference.evaluate(loaded, codes).classes
    wall_s = time.perf_counter() - start
    correct = int((classes == labels).sum())
    result = {"images": len(labels), "correct": correct, "accuracy": correct / len(labels), "wall_s": wall_s}
    session.result(
        result,
        lambda console: console.print(f"{correct} of {len(labels)} correct: {100 * correct / len(labels):.2f} %"),
    )
