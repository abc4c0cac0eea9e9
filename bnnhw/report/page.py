"""The HTML page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bnnhw.report import figures
from bnnhw.report.clocks import clock_bars, spread
from bnnhw.report.confusion import confusion
from bnnhw.report.environment import environment
from bnnhw.report.network import picture
from bnnhw.report.roofline import roofline
from bnnhw.report.units import unit_rows

__all__ = ["render"]


def render(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """The page for what :func:`bnnhw.report.collect` found; nothing in it refers to another file or host."""
    build, floorplan = sections.get("build", {}), sections.get("floorplan", {})
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            title=_title(sections),
            tiles=_tiles(sections),
            network=picture(sections.get("network", {}), sections.get("fold", {})),
            quantity=figures.quantity,
            roofline=roofline(sections.get("network", {}), sections.get("fold", {})),
            confusion=confusion(figures.judged(sections, "confusion")),
            worst=sections.get("simulate", {}).get("worst", ()),
            frame=_in_script(sections.get("simulate", {}).get("frame", ())),
            way=(Path(__file__).parent / "way.js").read_text(encoding="utf-8"),
            units=unit_rows(sections.get("fold", {}), floorplan),
            built="resources" in floorplan,
            utilization=figures.utilization(build.get("utilization") or {}),
            clocks=clock_bars(build),
            spread=spread(build),
            stages=figures.bars(_stages(sections), "s"),
            cycles=figures.cycle_rows(sections),
            classes=figures.class_rows(sections),
            floorplan=floorplan,
            regions=figures.regions(floorplan),
            hops=figures.hops(floorplan),
            # Of the places of all cells there is the picture.
            raw={
                name: json.dumps(
                    {key: section[key] for key in section if key not in _DRAWN}, indent=2, ensure_ascii=False
                )
                for name, section in sections.items()
                if section is not floorplan
            },
        )
    )


_DRAWN = ("frame", "worst")
"""What there are pictures of, and too much of to read."""


def _in_script(data: Any) -> str:
    """Data as JSON inside of a script element, which no text may end."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c") if data else ""


def _title(sections: Mapping[str, Mapping[str, Any]]) -> str:
    model = sections.get("train", {}).get("recipe") or sections.get("design", {}).get("model", {}).get("name")
    board = sections.get("build", {}).get("board") or sections.get("fold", {}).get("board")
    return " on ".join(str(part) for part in (model or "network", board) if part)


def _stages(sections: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """The demo's stages where it ran, else the build's."""
    for name in ("demo", "build"):
        stages = sections.get(name, {}).get("stages_s")
        if stages:
            return {str(stage): float(seconds) for stage, seconds in stages.items()}
    return {}


def _tiles(sections: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """``(figure, what it is, "good", "bad" or "")``."""
    tiles: list[tuple[str, str, str]] = []
    simulate, build, fold = (sections.get(name, {}) for name in ("simulate", "build", "fold"))
    # Random frames have none.
    accuracy = figures.judged(sections, "accuracy").get("accuracy", sections.get("train", {}).get("accuracy"))
    if accuracy is not None:
        tiles.append((f"{100 * accuracy:.2f} %", "test accuracy", ""))
    if "mismatches" in simulate:
        verdict = "good" if simulate["mismatches"] == 0 else "bad"
        tiles.append((f"{simulate['mismatches']:,}", f"mismatches in {simulate['images']:,} simulated frames", verdict))
    if build.get("fmax_mhz") is not None:
        verdict = "good" if build.get("timing_met") else "bad"
        tiles.append((f"{build['fmax_mhz']:.1f} MHz", f"Fmax; runs at {build['clock_mhz']:g} MHz", verdict))
    if build.get("fmax_error") is not None:
        off = f"{100 * build['fmax_error']:+.1f} %"
        tiles.append((f"{build['fmax_estimate_mhz']:.0f} MHz", f"Fmax estimated, off by {off}", ""))
    fps = build.get("fps") or fold.get("fps")
    if fps:
        tiles.append((figures.quantity(float(fps)), "frames per second", ""))
    link_fps = build.get("link_fps") or fold.get("link_fps")
    if link_fps:
        tiles.append((figures.quantity(float(link_fps)), "frames per second over the link", ""))
    if build.get("latency_us"):
        tiles.append((f"{figures.quantity(float(build['latency_us']))} µs", "latency of a frame", ""))
    off = build.get("prediction_error", {}).get("cells")
    if off is not None:
        tiles.append((f"{build['predicted']['cells']:,}", f"logic cells estimated, off by {100 * off:+.1f} %", ""))
    return tiles
