"""``bnnhw evaluate``: the integer reference over a data set."""

from __future__ import annotations

import time
from pathlib import Path

import click

from bnnhw.cli.inputs import load_samples
from bnnhw.cli.options import count_option, data_option
from bnnhw.cli.paths import InputPath
from bnnhw.cli.session import Session, verb

__all__ = ["evaluate"]


@verb(example="bnnhw evaluate digits.bnn --dataset digits")
@click.argument("network", metavar="N.bnn", type=InputPath())
@click.option("--dataset", required=True, metavar="D", help="A name that `bnnhw datasets` lists.")
@click.option("--split", type=click.Choice(["test", "train"]), default="test", show_default=True)
@count_option
@data_option
def evaluate(session: Session, network: Path, dataset: str, split: str, count: int | None, data: Path | None) -> None:
    """The integer reference over a data set."""
    from bnnhw.flow.evaluate import evaluate as run
    from bnnhw.flow.network import open_network

    loaded = open_network(network)
    samples, labels = load_samples(session, loaded, dataset, data, split, count)
    start = time.perf_counter()
    with session.stage("evaluate"):
        classes = run(loaded, samples).classes
    wall_s = time.perf_counter() - start
    correct = int((classes == labels).sum())
    result = {"images": len(labels), "correct": correct, "accuracy": correct / len(labels), "wall_s": wall_s}
    result["warnings"] = session.warnings
    session.result(
        result,
        lambda console: console.print(f"{correct} of {len(labels)} correct: {100 * correct / len(labels):.2f} %"),
    )
