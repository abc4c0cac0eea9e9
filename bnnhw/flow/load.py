"""Weights of another network for a board that runs: of the same shape, without a rebuild."""

from __future__ import annotations

from bnnhw import devices
from bnnhw.dataflow import Graph
from bnnhw.dataflow.image import pack_image
from bnnhw.dataflow.loads import image
from bnnhw.errors import RequestError
from bnnhw.flow.built import Built
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network, walk

__all__ = ["check_writable", "image_for"]


def check_writable(built: Built) -> None:
    """:class:`~bnnhw.errors.RequestError` for a design whose weights can't be replaced."""
    if not built.report.get("writable"):
        raise RequestError(f"{built.folder}: its weights can't be replaced: build it with --writable")


def image_for(built: Built, network: Network) -> bytes:
    """The image that makes the design of a built folder compute a network.

    Raises
    ------
    FileError
        When the folder does not say how its network was folded.
    RequestError
        For a design whose weights can't be replaced, and for a network that differs in anything but weights and
        thresholds of layers that are writable: what is not in a memory is in the design for good.
    """
    check_writable(built)
    old, technology = built.folded(), devices.technology(built.report["technology"])
    ours, theirs = [layer.name for layer in walk(old.network.chain)], [layer.name for layer in walk(network.chain)]
    if old.network.input != network.input:
        raise RequestError(f"{_where(built)}: its samples must be encoded as they are there: its input differs")
    if (count := len(theirs)) != len(ours):
        raise RequestError(f"{_where(built)}: it must have {len(ours)} layers as that has, not {count}")
    for mine, other in zip(walk(old.network.chain), walk(network.chain), strict=True):
        shapes = (mine.kind, mine.shape_in, mine.shape_out, mine.input, mine.output)
        if shapes != (other.kind, other.shape_in, other.shape_out, other.input, other.output):
            raise RequestError(
                f"{_where(built)}: layer {mine.name} must be {mine.kind} of {_shape(mine.shape_in)} to "
                f"{_shape(mine.shape_out)}, {mine.input} to {mine.output}, not {other.kind} of "
                f"{_shape(other.shape_in)} to {_shape(other.shape_out)}, {other.input} to {other.output} ({other.name})"
            )
    graphs = [each.graph(technology) for each in (old, FoldedNetwork(network, old.foldings))]
    if (name := _fixed(*graphs)) is not None:
        raise RequestError(
            f"{_where(built)}: what is not weights or thresholds of a writable layer is in the design for good, and "
            f"layer {name} has other such values there"
        )
    return pack_image(image(graphs[1].loads), built.identity)


def _where(built: Built) -> str:
    return f"the network does not have the shape of {built.folder}"


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _fixed(one: Graph, other: Graph) -> str | None:
    """The first layer whose units differ in more than what is written at run time, or None."""
    for mine, theirs in zip(one.nodes, other.nodes, strict=False):
        if (mine.unit.blank(), mine.sources, mine.sinks) != (theirs.unit.blank(), theirs.sources, theirs.sinks):
            return mine.layer
    return None if len(one.nodes) == len(other.nodes) else one.nodes[-1].layer
