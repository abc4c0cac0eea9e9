"""What a build gave, and its report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnnhw.errors import CheckError
from bnnhw.files import write_json

__all__ = ["REPORT", "BuildResult", "write_report"]

REPORT = "report.json"


@dataclass(frozen=True)
class BuildResult:
    """A bitstream and what was measured on the way to it.

    Attributes
    ----------
    bitstream, report : Path
    fmax_mhz : float
        What the routed design reaches, by nextpnr's timing analysis.
    clock_mhz : float
        What it was built for, the frequency the clock generator really makes.
    timing_met : bool
    utilization : dict
        Resource -> ``{"used", "available"}``: ``lut4``, ``ff``, ``bram`` and ``spram`` after synthesis, then what
        nextpnr has after packing, in its words.
    estimate : dict
        After synthesis: ``lut4``, ``ff``, ``bram``, ``spram``, ``carry``, ``dsp``.
    fps, latency_us : float
        Of the accelerator at ``clock_mhz``, by the exact cycle model.
    link_fps : float
        The most frames per second the link can carry.
    link : dict
        Its name, what it was set to, and what the clock makes of that.
    link_note : str, optional
        The same as a line for people.
    stages_s : dict of str to float
        Seconds of each step, when it last ran.
    skipped : tuple of str
        The steps whose earlier result was used.
    predicted : dict
        What the folding was estimated to take before anything was synthesized: ``lut4``, ``ff``, ``cells``, ``bram``,
        ``spram``; empty where nobody said.
    prediction_error : dict
        By how much each of these is off, as a fraction of what there really is: 0.02 is 2 % too many.
    fmax_estimate_mhz : float, optional
        What the folding was estimated to reach; None where nobody said.
    fmax_error : float, optional
        By how much it is off, as a fraction of ``fmax_mhz``.
    """

    bitstream: Path
    report: Path
    fmax_mhz: float
    clock_mhz: float
    timing_met: bool
    utilization: dict[str, dict[str, int]]
    estimate: dict[str, int]
    fps: float
    latency_us: float
    link_fps: float
    link: dict[str, Any]
    link_note: str | None
    stages_s: dict[str, float]
    skipped: tuple[str, ...]
    predicted: dict[str, int] = field(default_factory=dict[str, int])
    prediction_error: dict[str, float] = field(default_factory=dict[str, float])
    fmax_estimate_mhz: float | None = None

    @property
    def fmax_error(self) -> float | None:
        known = self.fmax_estimate_mhz
        return None if known is None else round(known / self.fmax_mhz - 1, 4)

    def figures(self) -> dict[str, Any]:
        """What was measured and promised, by the words of the report and of ``bnnhw build``."""
        return {
            "fmax_mhz": self.fmax_mhz,
            "fmax_estimate_mhz": self.fmax_estimate_mhz,
            "fmax_error": self.fmax_error,
            "clock_mhz": self.clock_mhz,
            "timing_met": self.timing_met,
            "utilization": self.utilization,
            "estimate": self.estimate,
            "predicted": self.predicted,
            "prediction_error": self.prediction_error,
            "fps": self.fps,
            "latency_us": self.latency_us,
            "link_fps": self.link_fps,
            "stages_s": self.stages_s,
        }

    def check_timing(self) -> None:
        """:class:`~bnnhw.errors.CheckError` when the clock is missed."""
        if not self.timing_met:
            raise CheckError(
                f"timing missed: the design reaches {self.fmax_mhz:.2f} MHz and was built for {self.clock_mhz:g} MHz; "
                f"the artefacts are in {self.report.parent}"
            )


def prediction_error(predicted: Mapping[str, int], real: Mapping[str, int]) -> dict[str, float]:
    """By how much each figure is off, of those that both have and that are not 0."""
    return {key: round(number / real[key] - 1, 4) for key, number in predicted.items() if real.get(key)}


def write_report(result: BuildResult, extra: Mapping[str, Any]) -> None:
    """The report, written whole or not at all; paths relative to its folder."""
    content = {
        "bitstream": result.bitstream.name,
        **result.figures(),
        "skipped": list(result.skipped),
        **extra,
    }
    write_json(result.report, content, owned=True)
