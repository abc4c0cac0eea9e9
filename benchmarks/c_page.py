"""The section of docs/benchmarks.md on networks as C, made of benchmarks/results/c.json."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["c_code"]

FLASH, RAM = 2 << 20, 264 << 10
"""Bytes of a board with an RP2040, and of the RP2040."""


def c_code(result: dict[str, Any], table: Callable[..., str]) -> str:
    """The section, given what makes a table of headings and rows."""
    tools, networks = result["tools"], result["networks"]
    equal, speed, small = [], [], []
    for name, entry in networks.items():
        found = entry["differences"]
        equal.append(
            (
                name,
                entry["what"],
                entry["dataset"],
                f"{entry['frames']:,}",
                *(found[way] for way in ("portable", "popcount", "sanitized", "popcount64")),
            )
        )
        fps = {key.removesuffix("_fps"): value for key, value in entry["speed"].items()}
        best = max(fps["torch_1"], fps["torch_256"])
        speed.append(
            (
                name,
                *(
                    f"{fps[way]:,.0f}"
                    for way in ("torch_1", "torch_256", "reference", "portable", "popcount", "popcount64")
                ),
                f"{fps['portable'] / fps['torch_1']:.1f}",
                *(f"{fps['popcount'] / other:.1f}" for other in (fps["torch_1"], best, fps["reference"])),
            )
        )
        arm = entry.get("cortex_m0plus")
        if arm is not None:
            ram = arm["scratch_bytes"] + arm["static_ram_os"] + arm["stack_below_os"]
            assert arm["flash_o2"] < FLASH and ram < RAM
            small.append(
                (
                    name,
                    f"{arm['table_bytes']:,}",
                    *(f"{arm[key]:,}" for key in ("flash_os", "flash_o2", "scratch_bytes", "stack_below_os")),
                    f"{100 * arm['flash_os'] / FLASH:.1f} %",
                    f"{100 * ram / RAM:.1f} %",
                    *(f"{arm[key]:,}" if key in arm else "-" for key in ("instructions_os", "instructions_o2")),
                )
            )
    return "\n\n".join(
        [
            "## Networks as C",
            "Made by `python benchmarks/measure_c.py --models DIR --data DIR` on "
            f"{tools['processor']} with {tools['cc']}, torch {tools['torch']}"
            + (f", arm-none-eabi-gcc {tools['arm_gcc']}" if "arm_gcc" in tools else "")
            + ".",
            "Frames of the whole test set whose class or any score differs from the reference. All were compiled with "
            "`-std=c99 -Wall -Wextra -pedantic -Werror`: *portable*, words of 32 bits and the program's own popcount, "
            "`-O2`; *popcount*, the processor's, `-O3 -march=native`; *sanitized*, that with "
            "`-fsanitize=address,undefined`; *popcount, 64*, words of 64 bits, `-O2 -march=native`.",
            table(
                ("network", "kind", "data set", "frames", "portable", "popcount", "sanitized", "popcount, 64"), equal
            ),
            "Frames per second of processor time on one core, in one run, in turn, medians of 5. *torch* computes the "
            "same network in float32, one frame at a time or 256; it and the reference, which takes 1,000 at a time, "
            "are given elements, C encodes raw samples too. The other columns are ratios of frames per second.",
            table(
                (
                    *("network", "torch, 1", "torch, 256", "reference", "C, portable", "C, popcount"),
                    "C, popcount, 64",
                    *("portable / torch, 1", "popcount / torch, 1", "popcount / best torch", "popcount / reference"),
                ),
                speed,
            ),
            "Bytes on a Cortex-M0+ (`-mcpu=cortex-m0plus -mthumb`, `arm-none-eabi-size`): tables, all flash with "
            "`-Os` and `-O2`, the scratch memory that the caller brings, and the stack of all functions together, "
            "which is more than any call takes; the program has no memory of its own. Shares are of 2 MB of flash and "
            "of the RP2040's 264 KB of RAM. *Instructions* are those of a frame of elements, counted by QEMU, which "
            "gave the reference's class and scores; a Cortex-M0+ takes one to two cycles for each.",
            table(
                (
                    *("network", "tables", "flash, -Os", "flash, -O2", "scratch", "stack below", "of flash", "of RAM"),
                    *("instructions, -Os", "instructions, -O2"),
                ),
                small,
            ),
        ]
    )
