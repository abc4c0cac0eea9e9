"""What a simulation leaves in the folder of its design, for the report: classes, worst frames, one frame's way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bnnhw.errors import BnnhwError, FileError
from bnnhw.files import OutputFolder, file_digest, read_json, write_json
from bnnhw.flow.design import DESIGN, Design
from bnnhw.flow.evaluate import encode
from bnnhw.flow.frames import Frames, evaluation_json
from bnnhw.flow.pictures import picture_of
from bnnhw.ir import Network
from bnnhw.sim.result import SimulationResult

__all__ = ["SIMULATION", "keep_simulation", "kept_json", "kept_simulation", "worst_json"]

SIMULATION = "simulate.json"
"""Its file."""

WORST = 12
"""Frames that are shown of those that the network is wrong about."""


def worst_json(network: Network, result: SimulationResult, frames: Frames) -> list[dict[str, Any]]:
    """The frames that a network is most surely wrong about: those whose class has most less than the one given."""
    if frames.labels is None:
        return []
    spec, labels = network.input, frames.labels
    rows = np.arange(len(labels))
    # A network of one score decides between two classes by its sign: it has no score for the other.
    due = np.column_stack([np.zeros(len(labels), np.int64), result.due]) if result.due.shape[1] == 1 else result.due
    short = due[rows, result.classes] - due[rows, labels]
    wrong = np.flatnonzero(result.classes != labels)
    # The first of those that are equally far off.
    chosen = wrong[np.argsort(-short[wrong], kind="stable")][:WORST]
    codes = encode(network, frames.samples[chosen]) if len(chosen) else ()
    return [
        {
            "frame": int(number),
            "label": frames.names[labels[number]],
            "given": frames.names[result.classes[number]],
            "short": int(short[number]),
            "picture": picture_of(spec, code),
        }
        for number, code in zip(chosen, codes, strict=True)
    ]


def frame_json(result: SimulationResult) -> list[dict[str, Any]]:
    """The way of the first frame's words, stream by stream; nothing where it was not noted."""
    if result.journal is None:
        return []
    return [
        {"unit": stream.unit, "kind": stream.kind, "layer": stream.layer, "words": stream.words}
        | result.journal.runs(number)
        for number, stream in enumerate(result.streams)
    ]


def kept_json(design: Design, told: Mapping[str, Any], result: SimulationResult, frames: Frames) -> dict[str, Any]:
    """What is kept of a simulation.

    Parameters
    ----------
    told : mapping
        From :func:`~bnnhw.flow.simulate.simulation_json`.
    """
    found = evaluation_json(frames, result.classes)
    return {
        **told,
        "verilog_sha256": file_digest(design.core.path),
        "classes": found["classes"],
        "confusion": found["confusion"],
        "worst": worst_json(design.network, result, frames),
        "frame": frame_json(result),
    }


def keep_simulation(design: Design, data: Mapping[str, Any]) -> str | None:
    """Writes what :func:`kept_json` says into the design's folder; why it could not, where it could not."""
    try:
        folder = OutputFolder(design.folder, DESIGN)
        folder.check([SIMULATION], but=folder.files.keys() - {SIMULATION})
        with folder.listing([SIMULATION]):
            write_json(design.folder / SIMULATION, data, owned=True)
    except BnnhwError as error:
        return str(error)
    return None


def kept_simulation(design: Design) -> dict[str, Any] | None:
    """What was kept of the last simulation of a design as it is now; None where nothing was."""
    try:
        data = read_json(design.folder / SIMULATION)
    except FileError:
        return None
    return data if data.get("verilog_sha256") == file_digest(design.core.path) else None
