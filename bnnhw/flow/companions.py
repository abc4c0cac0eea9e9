"""What stands beside generated Verilog: how to instantiate it, a testbench that checks it, a FuseSoC core file."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import numpy as np

from bnnhw import reference
from bnnhw.ir import Network
from bnnhw.links.interface import Bench, Interface
from bnnhw.templates import render

__all__ = ["companions"]

FRAMES = 12
"""Frames of a testbench: a steady state, and seconds in any simulator."""


def companions(
    network: Network,
    interface: Interface,
    top: str,
    verilog: str,
    ports: Mapping[str, Mapping[str, Any]],
    cells: str | None,
    *,
    empty: bool = False,
) -> dict[str, str]:
    """The files by name.

    Parameters
    ----------
    network : Network
        Streamlined.
    interface : Interface
        Of the module.
    top, verilog : str
        The module and its file.
    ports : mapping of str to mapping
        Direction and width of each port, in order.
    cells : str, optional
        Simulation models of the device's cells that the Verilog instantiates.
    empty : bool
        Whether its memories come up empty, to be filled from a flash or over a link: then there is no testbench, since
        one would need that flash.
    """
    files = {} if cells is None else {f"{top}_cells.v": cells}
    bench: Mapping[str, str] = {}
    if not empty:
        frames, results = _examples(network, interface)
        bench = interface.testbench(Bench(top, frames, results, (verilog, *files)))
    values = {
        "top": top,
        "verilog": verilog,
        "ports": ports,
        "bench": bench,
        "cells": files,
        "vlnv": f"bnnhw::{top}:{version('bnnhw')}",
        "description": f"Neural network accelerator, {interface.protocol}",
    }
    return {
        f"{top}_instance.vh": render("bnnhw.flow", "instance.vh.j2", **values),
        f"{top}.core": render("bnnhw.flow", "fusesoc.core.j2", **values),
        **files,
        **bench,
    }


def _examples(network: Network, interface: Interface) -> tuple[list[int], list[tuple[int, ...]]]:
    """Frames of random elements, the first two of the least and the greatest code; and their results."""
    bits, elements = network.input.dtype.bits, network.input.elements
    codes = np.random.default_rng(0).integers(0, 1 << bits, (FRAMES, elements)).astype(np.uint8)
    codes[0], codes[1] = 0, (1 << bits) - 1
    planes = np.unpackbits(codes[..., None], axis=2, count=bits, bitorder="little").reshape(FRAMES, -1)
    frames = [int.from_bytes(row.tobytes(), "little") for row in np.packbits(planes, axis=1, bitorder="little")]
    found = reference.evaluate(network, codes)
    results = [
        interface.values(int(index), scores.tolist()) for index, scores in zip(found.classes, found.scores, strict=True)
    ]
    return frames, results
