"""What a folding promises: cycles and cost. :mod:`bnnhw.flow.choose` chooses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bnnhw import boards, devices
from bnnhw.boards import Board
from bnnhw.dataflow import Resources
from bnnhw.dataflow.frame import Frame
from bnnhw.dataflow.graph import Graph, left_out
from bnnhw.dataflow.resources import NOTHING
from bnnhw.files import new_folders
from bnnhw.flow.chip import chip_json
from bnnhw.flow.clock import estimated_mhz
from bnnhw.folding import FoldedNetwork, Prediction
from bnnhw.folding import file as folding_file
from bnnhw.folding import predict as predict_graph
from bnnhw.ir import Network
from bnnhw.links import board_link
from bnnhw.links.weights import flash_loader

__all__ = [
    "as_board",
    "check_frame",
    "check_frame_bits",
    "cost",
    "estimate_json",
    "fmax_estimate",
    "fold_json",
    "link_reserve",
    "predict",
    "save_folding",
    "technology_of",
    "with_link",
]


def as_board(board: Board | str) -> Board:
    """A board, by its name where it is one; :class:`~bnnhw.errors.RequestError` lists the known ones."""
    return boards.get(board) if isinstance(board, str) else board


def technology_of(board: Board | None) -> str:
    """Name of the technology that hardware for a board is made for: ``"generic"`` without one."""
    return "generic" if board is None else board.family.name


def check_frame(network: Network, board: Board | str) -> None:
    """:class:`~bnnhw.errors.RequestError` for a network whose frames are too long for the link of a board."""
    check_frame_bits(_frame_bits(network), board)


def check_frame_bits(bits: int, board: Board | str) -> None:
    """:class:`~bnnhw.errors.RequestError` for frames of so many bits that are too long for the link of a board."""
    board_link(as_board(board)).check_frame(bits)


def link_reserve(network: Network, board: Board) -> Resources:
    """What the link of a board takes of it beside a network, the frames that wait in it included."""
    return board_link(board).reserve(_frame_bits(network), board.family.technology)


def _frame_bits(network: Network) -> int:
    return network.input.elements * network.input.dtype.bits


def save_folding(folded: FoldedNetwork, path: Path | str) -> None:
    """Writes a folding file, whole or not at all; folders on the way are made."""
    path = Path(path)
    with new_folders(path.parent):
        folding_file.save(folded.foldings, folded.network, path)


def predict(folded: FoldedNetwork, board: Board | str | None = None) -> Prediction:
    """The exact cycles of a folded network: per frame, of latency, and of each unit.

    Parameters
    ----------
    board : Board or str, optional
        The board it is for; its technology decides the latency. Without one portable Verilog's.
    """
    technology = technology_of(None if board is None else as_board(board))
    return predict_graph(folded.graph(devices.technology(technology)))


def cost(folded: FoldedNetwork, board: Board | str) -> Resources:
    """About what a folded network takes of a board: LUT4, registers, block RAMs, those of its link included."""
    board = as_board(board)
    return with_link(folded.graph(board.family.technology).resources(), folded.network, board)


def fmax_estimate(folded: FoldedNetwork, board: Board | str) -> float | None:
    """About the clock that nextpnr finds for a folded network with its link, in MHz.

    Parameters
    ----------
    folded : FoldedNetwork
    board : Board or str

    Returns
    -------
    float, optional
        None for a device whose clock was never measured. docs/benchmarks.md says how far off it was for others.
    """
    board = as_board(board)
    return _fmax(folded.graph(board.family.technology), folded.network, board)


def _fmax(graph: Graph, network: Network, board: Board) -> float | None:
    return estimated_mhz(graph, with_link(graph.resources(), network, board), link_reserve(network, board), board)


def with_link(core: Resources, network: Network, board: Board) -> Resources:
    """What an accelerator takes with its link, and with what fills its SPRAM."""
    return core + link_reserve(network, board) + (flash_loader() if core.spram else NOTHING)


def estimate_json(resources: Resources) -> dict[str, int]:
    """An estimate in the words of a build's utilization."""
    return resources.as_dict()


def fold_json(
    folded: FoldedNetwork, board: Board, clock_mhz: float | None = None, technology: str | None = None
) -> dict[str, Any]:
    """What ``bnnhw fold`` says of a folding; the cycles are those of the exact model.

    Parameters
    ----------
    clock_mhz : float, optional
        The board's when not given.
    technology : str, optional
        What the hardware is made for; the board's when not given.
    """
    clock_mhz = board.clock_mhz if clock_mhz is None else clock_mhz
    technology = board.family.name if technology is None else technology
    graph = folded.graph(devices.technology(technology))
    prediction = predict_graph(graph)
    link = board_link(board)
    # Of each layer its last unit's; the units of layers at the end may be one, under the name of the last.
    end = prediction.layers[-1].cycles
    cycles = {unit.name: unit.cycles for unit in prediction.layers}
    return {
        "board": board.name,
        "layers": [
            {
                "name": layer.name,
                "pe": folding.pe,
                "simd": folding.simd,
                "engine": folding.engine,
                "memory": folding.memory,
                "thresholds": folding.thresholds,
                "planes": folding.planes,
                "vectors": folding.vectors,
                "columns": folding.columns,
                "writable": folding.writable,
                "cycles": cycles.get(layer.name, end),
            }
            for layer, folding in folded.pairs
        ],
        "units": [
            {
                "name": unit.name,
                "unit": unit.unit,
                "cycles": unit.cycles,
                "node": node.name,
                "estimate": node.unit.resources(graph.technology).as_dict(),
            }
            for node, unit in zip(graph.nodes, prediction.layers, strict=True)
        ],
        "left_out": left_out(graph.probes),
        "cycles_per_frame": prediction.cycles_per_frame,
        "latency_cycles": prediction.latency_cycles,
        "fps": clock_mhz * 1e6 / prediction.cycles_per_frame,
        "link_fps": link.frames_per_s(Frame.of(graph), clock_mhz),
        "clock_mhz": clock_mhz,
        "fmax_estimate_mhz": _fmax(graph, folded.network, board),
        "chip": chip_json(board),
        # With the link, as the design that `build` makes.
        "estimate": estimate_json(with_link(graph.resources(), folded.network, board)),
    }
