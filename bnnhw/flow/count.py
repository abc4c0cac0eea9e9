"""Frames on the chip of a board that runs: at the accelerator's own rate, counted there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bnnhw.errors import CheckError, RequestError
from bnnhw.flow.store import KnownFrames, open_store
from bnnhw.links.packets.packet import MAX_CYCLES

if TYPE_CHECKING:
    from bnnhw.flow.built import Built
    from bnnhw.links import Host

__all__ = ["Counted", "check_count", "count_frames", "count_json"]


@dataclass(frozen=True, eq=False)
class Counted:
    """What a board counted of frames on its chip.

    Attributes
    ----------
    frames : int
        How many went through the accelerator, round and round.
    wrong : int, optional
        Of these, how many were given another class than their label; None of frames without labels.
    different : int
        How many were given another class than the reference gives them.
    cycles : int
        From the first word accepted to the last result offered.
    latency_cycles : int
        The same of one frame alone.
    known : KnownFrames
    clock_mhz : float
        What the board was built for.
    """

    frames: int
    wrong: int | None
    different: int
    cycles: int
    latency_cycles: int
    known: KnownFrames
    clock_mhz: float

    @property
    def frames_per_s(self) -> float:
        """Frames / cycles * clock, of the run as it was, its first frame's latency included."""
        return self.frames / self.cycles * self.clock_mhz * 1e6

    @property
    def cycles_per_frame(self) -> float | None:
        """Cycles that each frame behind the first took more; None of a run of one."""
        return (self.cycles - self.latency_cycles) / (self.frames - 1) if self.frames > 1 else None


def count_frames(host: Host, built: Built, frames: int | None = None) -> Counted:
    """Has a board run so many of its frames, after one alone; as many as it has, when not given.

    Raises
    ------
    RequestError
        When the board takes its frames over the link, and for more frames than can be counted.
    CheckError
        When the link fails again and again.
    """
    report, said = built.report, built.store
    if said is None:
        raise RequestError(f"{built.folder}: has no frames on the chip; build it with them (bnnhw build --store)")
    known = open_store(built.folder, built.network, str(said.get("dataset")))
    frames = len(known.due) if frames is None else frames
    clock, per_frame, latency = (report[key] for key in ("clock_mhz", "cycles_per_frame", "latency_cycles"))
    due = latency + frames * per_frame
    if due > MAX_CYCLES:
        raise RequestError(f"frames must be at most {(MAX_CYCLES - latency) // per_frame}, not {frames}")
    first = host.count(1, latency / clock * 1e-6)
    found = first if frames == 1 else host.count(frames, due / clock * 1e-6)
    wrong = None if known.labels is None else found.wrong
    return Counted(found.frames, wrong, found.different, found.cycles, first.cycles, known, clock)


def count_json(built: Built, port: str, found: Counted) -> dict[str, Any]:
    """What ``bnnhw run`` says of it; ``links`` has the frames per second that links of the board would carry."""
    report, link = built.report, built.link
    return {
        "frames": found.frames,
        "stored": len(found.known.due),
        "dataset": found.known.dataset,
        "wrong": found.wrong,
        "reference_wrong": found.known.wrong(found.frames),
        "accuracy": None if found.wrong is None else 1 - found.wrong / found.frames,
        "differences": found.different,
        "cycles": found.cycles,
        "cycles_per_frame": found.cycles_per_frame,
        "predicted_cycles_per_frame": report["cycles_per_frame"],
        "latency_cycles": found.latency_cycles,
        "predicted_latency_cycles": report["latency_cycles"],
        "clock_mhz": found.clock_mhz,
        "frames_per_s": found.frames_per_s,
        "fps": report["fps"],
        "link_fps": report["link_fps"],
        "links": (built.store or {}).get("links", {}),
        "link": {"name": link.name, "port": port, **link.settings},
    }


def check_count(data: dict[str, Any]) -> None:
    """:class:`~bnnhw.errors.CheckError` when a board's counts differ from the reference's."""
    if data["differences"]:
        raise CheckError(
            f"{data['differences']} of {data['frames']} frames were given another class than the reference"
        )
    if data["wrong"] != data["reference_wrong"]:
        raise CheckError(
            f"{data['wrong']} of {data['frames']} frames were given another class than their label, and the reference "
            f"is wrong about {data['reference_wrong']}"
        )
