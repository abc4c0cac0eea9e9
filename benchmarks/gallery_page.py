"""The page docs/gallery.md and its pictures, made of benchmarks/results/gallery.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bnnhw.report.environment import environment
from bnnhw.report.network import picture

__all__ = ["drawn", "gallery"]

INTRODUCTION = """# Gallery

Made by `python benchmarks/document.py` from `benchmarks/results/gallery.json`, which
`python benchmarks/measure_gallery.py --models DIR --data DIR` makes; do not edit.

{count} networks, from a file or a recipe to a bitstream. The same script leaves the report of each, one HTML page, in
`build/gallery/NAME/report.html`, and all of them side by side, with their recipes, in `build/gallery/index.html`. A
network whose commands, file, data and bnnhw are as they were is not made again. The commands are those that the script
runs, seen from the repository; DIR is the folder of data sets ([which files](datasets.md)), MODELS that of published
networks.

Accuracy is that of the integer reference over the whole test split. The frames that went through the Verilog gave the
same in every layer: {frames} frames, {mismatches} mismatches. Frames per second of the core are those at the clock that
the design is built for; beside them stand those that the board's serial link carries."""


def drawn(entry: Mapping[str, Any]) -> str:
    """The picture of a network as an SVG file."""
    template = '{% from "network.html.j2" import drawing %}{{ drawing(network, "arrow", true) }}'
    network = picture(entry["network"], entry["fold"])
    return environment().from_string(template).render(network=network).strip() + "\n"


def gallery(results: Mapping[str, Mapping[str, Any]], table: Callable[..., str]) -> str:
    """The page, given what makes a table of headings and rows; the picture of a network is ``gallery/NAME.svg``."""
    frames, mismatches = (sum(entry[key] for entry in results.values()) for key in ("frames", "mismatches"))
    parts = [
        INTRODUCTION.format(count=len(results), frames=f"{frames:,}", mismatches=mismatches),
        table(
            (
                *("network", "data set", "accuracy", "board", "cycles per frame", "latency"),
                *("frames/s, core", "frames/s, link"),
            ),
            (_rate(name, entry) for name, entry in results.items()),
        ),
        table(
            (
                *("network", "LUT4", "logic cells", "block RAM", "SPRAM", "built for, MHz", "Fmax, MHz (seed 0)"),
                *("frames simulated", "mismatches"),
            ),
            (_size(name, entry) for name, entry in results.items()),
        ),
    ]
    for name, entry in results.items():
        recipe = f"recipe `{entry['recipe']}`" if entry["recipe"] else "trained by others"
        parts += [
            f"## {name}",
            f"{entry['what'][0].upper()}{entry['what'][1:]}; {recipe}; {entry['board']} ({entry['device']}).",
            f"![{name}, layer by layer](gallery/{name}.svg)",
            "\n".join(("```sh", *entry["commands"], "```")),
        ]
    return "\n\n".join(parts)


def _rate(name: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"[{name}](#{name})",
        entry["dataset"],
        f"{100 * entry['accuracy']:.2f} % of {entry['images']:,}",
        entry["board"],
        f"{entry['cycles_per_frame']:,}",
        f"{entry['latency_cycles']:,} cycles, {entry['latency_us']:.3g} us",
        f"{entry['fps']:,.0f}",
        f"{entry['link_fps']:,.0f}",
    )


def _size(name: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    used = entry["used"]
    return (
        name,
        f"{used['lut4']['used']:,}",
        *(f"{used[key]['used']:,} of {used[key]['available']:,}" for key in ("cells", "bram", "spram")),
        f"{entry['clock_mhz']:g}",
        f"{entry['fmax_mhz']:.1f}{'' if entry['timing_met'] else ', missed'}",
        f"{entry['frames']:,}",
        f"{entry['mismatches']:,}",
    )
