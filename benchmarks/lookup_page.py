"""The section of docs/benchmarks.md on networks that take a frame per cycle, made of benchmarks/results/lookup.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["lookup"]

_CELLS = ("ICESTORM_LC", "TRELLIS_COMB")


def lookup(results: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    rows = [_row(entry) for entry in results.values() if "top" in entry and "simulated" in entry]
    return "\n\n".join(
        [
            "## A frame per cycle",
            "Made by `python benchmarks/measure_lookup.py N.bnn --board B --data DIR -o benchmarks/results/lookup.json`"
            ", `N` the recipe that trained the network, or its published name; networks of truth tables "
            "(`mnist-lookup-*`), and of constant weights, all layers by the engine `spatial`. *RTL* are the images "
            "that went through the Verilog, every layer's stream compared, and how many differed. "
            "*Core* is the accelerator with its handshake, tables, "
            "class sums and class included: LUT4 and registers after synthesis, and cells as nextpnr packs them "
            "(iCE40: of a LUT4 and a register; ECP5: LUT4 and carry cells). *With the store* it is what was placed: "
            "256 frames in block RAM (iCE40) or 16 in LUT4 (ECP5), of the bits that the network reads, and a counter "
            "of wrong classes. Fmax is nextpnr's, a figure for each seed, with its default options or those named; "
            "frames per second and latency are of the slowest.",
            table(
                (
                    *("network", "neurons", "accuracy", "RTL", "board", "core: LUT4, registers", "cells"),
                    *("with the store", "nextpnr", "Fmax, MHz", "million frames/s, core", "frames/s, link", "latency"),
                ),
                rows,
            ),
            "No link of these boards carries as many frames as the core takes: *link* is the board's own serial port "
            "at its usual rate. What links carry stands in [boards.md](boards.md) and [links.md](links.md).",
        ]
    )


def _row(entry: dict[str, Any]) -> tuple[object, ...]:
    core, top, simulated = entry["core"], entry["top"], entry["simulated"]
    (used,) = {
        (found["used"], found["available"])
        for utilization in top["utilization"].values()
        for name, found in utilization.items()
        if name in _CELLS
    }
    clocks = ", ".join(f"{mhz:.1f}" for mhz in top["fmax_mhz"].values())
    return (
        f"`{entry['network']}`",
        " + ".join(f"{neurons:,}" for neurons in entry["neurons"]),
        f"{100 * simulated['accuracy']:.2f} %",
        f"{simulated['frames']:,}, {simulated['mismatches']}",
        entry["board"],
        f"{core['lut4']:,}, {core['ff']:,}",
        f"{core['packed']:,}",
        f"{used[0]:,} of {used[1]:,}",
        entry.get("chosen_options") or "default",
        clocks,
        f"{entry['frames_per_s'] / 1e6:.1f}",
        f"{entry['link_frames_per_s']:,.0f}",
        f"{entry['latency_cycles']} cycles, {entry['latency_ns']:.0f} ns",
    )
