"""Makes docs/benchmarks.md, docs/boards.md, docs/gallery.md, docs/study*.md and their pictures, and a
section of docs/run.md.

All of them are made from benchmarks/results/*.json.

python benchmarks/document.py
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from boards_page import page as boards_page
from c_page import c_code
from clock_page import clock
from costs_page import costs
from engines_page import DATASETS, engines
from engines_page import plot as engines_plot
from fastest_page import fastest
from gallery_page import drawn, gallery
from lookup_page import lookup
from measure_xnor_lane import DEVICES, FOLDS, random_layer
from multipliers_page import multipliers
from mutants_page import mutants
from spram_page import spram
from study_page import page, plot
from thresholds_page import thresholds
from vectors_page import vectors
from virtual_page import replaced, virtual_section

from bnnhw.folding import LayerFolding
from bnnhw.units.mvu.model import MvuUnit

ROOT = Path(__file__).parent
DOCS = ROOT.parent / "docs"
TARGET = DOCS / "benchmarks.md"
LANE_GOAL = 2.4
FMAX_GOALS = {"iCE40 HX8K": 150, "ECP5-85F, speed 6": 180}


def table(headings: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    names = list(headings)
    lines = [names, ["---"] * len(names), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def estimated_lut4(row: dict[str, Any]) -> int:
    """What the cost model gives for the unit of a row."""
    technology = DEVICES[row["device"]][0].family.technology
    layer = random_layer(row["pe"] * FOLDS, row["simd"] * FOLDS)
    folding = LayerFolding(row["pe"], row["simd"], "lut")
    return MvuUnit(layer, folding, technology).resources(technology).lut4


def xnor_lane(result: dict[str, Any]) -> str:
    """The section on the XNOR lane."""
    parts = [
        "## An XNOR lane",
        f"Made by `{result['command']}` with " + ", ".join(f"{n} {v}" for n, v in result["tools"].items()) + ".",
        "A matrix-vector unit of PE x SIMD lanes, random weights in logic (SF = NF = 4: 16 words deep, one LUT4 a "
        "weight bit). *Popcount* is XNOR and popcount alone, synthesized alone; *unit* is everything: weights, "
        "accumulators, thresholds, replay buffer, output queue, control. Fmax is nextpnr's, of the unit between "
        "registers, one figure a seed, the clock asked for being 160 MHz (HX8K) and 200 MHz (ECP5).",
    ]
    for device in DEVICES:
        rows = [row for row in result["rows"] if row["device"] == device]
        parts.append(f"### {device}")
        parts.append(
            table(
                (
                    "PE",
                    "SIMD",
                    "popcount, LUT4 per lane",
                    "unit, LUT4 per lane",
                    "LUT4",
                    "estimated",
                    "FF",
                    "block RAM",
                    "Fmax, MHz",
                    "median",
                ),
                (
                    (
                        row["pe"],
                        row["simd"],
                        f"{row['lut4_per_lane_popcount']:.2f}",
                        f"{row['lut4_per_lane_unit']:.2f}",
                        row["lut4"],
                        estimated_lut4(row),
                        row["ff"],
                        row["bram"],
                        ", ".join(f"{f:.1f}" for f in row["fmax_mhz"]),
                        f"{row['fmax_median_mhz']:.1f}",
                    )
                    for row in rows
                ),
            )
        )
        lanes = [row["lut4_per_lane_popcount"] for row in rows]
        largest = max(rows, key=lambda row: (row["pe"], row["simd"]))
        parts.append(
            f"Goals: at most {LANE_GOAL} LUT4 per lane of XNOR and popcount: {min(lanes):.2f} to {max(lanes):.2f}. "
            f"A {largest['pe']} x {largest['simd']} unit at {FMAX_GOALS[device]} MHz: "
            f"{min(largest['fmax_mhz']):.1f} to {max(largest['fmax_mhz']):.1f} MHz over "
            f"{len(largest['fmax_mhz'])} seeds."
        )
    scale = result["scale"]
    parts += [
        "## Generation and synthesis",
        f"A {scale['pe']} x {scale['simd']} unit for the ECP5, weights in block RAM (64 words deep): "
        f"generated in {scale['generate_s']} s, synthesized in {scale['synthesize_s']} s to {scale['lut4']} LUT4, "
        f"{scale['ff']} FF and {scale['bram']} block RAMs. Goals: 10 s and 60 s.",
    ]
    return "\n\n".join(parts)


def xnor_popcount(result: dict[str, Any]) -> str:
    """The section on binary matrix products in software."""
    machine, native, avx2 = result["machine"], result["native"], result["avx2"]
    heads = ("M = K = N", "torch, ms", "direct, ms", "carry-save, ms", "taken", "with packing, ms", "torch / taken")
    rows = [
        (
            f"{row['size']}, {name}",
            *(f"{1000 * row[key]:.2f}" for key in ("torch_s", "direct_s", "carry_save_s")),
            row["way"].replace("_", "-"),
            f"{1000 * row['with_packing_s']:.2f}",
            f"{row['ratio']:.1f}",
        )
        for name, run in ((native["numba_cpu"], native), ("AVX2 only", avx2))
        for row in run["rows"]
    ]
    ratios = {name: [row["ratio"] for row in run["rows"]] for name, run in (("native", native), ("avx2", avx2))}
    parts = [
        "## XNOR and popcount in software",
        f"Made by `{result['command']}` with " + ", ".join(f"{n} {v}" for n, v in result["tools"].items()) + f", on "
        f"{machine['processor']} (LLVM: {machine['llvm_name']}; {', '.join(machine['features'])}).",
        f"Binary products of M x K by K x N on one core: torch's float32 matmul on one thread (its kernels: "
        f"{native['torch_capability']}) against popcounts of packed 64-bit words (`bnnhw.reference.fast.xnor`), in one "
        f"run, in turn, medians of {result['runs']} runs, seconds of processor time. *Direct* counts each vector of "
        "words, "
        "*carry-save* counts the carries of trees of full adders; the second is taken where the processor counts no "
        "bits in vectors. The products were equal. *With packing* packs the M rows from bytes too. In the rows *AVX2 "
        f"only* numba compiled for Haswell and torch was told to keep to {avx2['torch_capability']}; this MKL may not "
        "obey on every processor.",
        table(heads, rows),
        f"Goal: 7 times torch: {min(ratios['native']):.1f} to {max(ratios['native']):.1f}; for AVX2 "
        f"{min(ratios['avx2']):.1f} to {max(ratios['avx2']):.1f}.",
        "### The reference over whole test sets",
        "Processor time on one core, packing, thresholds and pooling included; equal scores.",
        table(
            ("network", "data set", "frames", "float32 (BLAS), s", "packed, s", "ratio"),
            (
                (
                    row["network"],
                    row["dataset"],
                    row["frames"],
                    f"{row['float_s']:.2f}",
                    f"{row['packed_s']:.2f}",
                    f"{row['ratio']:.1f}",
                )
                for row in result["sets"]
            ),
        ),
        f"A process that has not counted yet spends {result['start']['cpu_s']:.2f} s on importing numba and loading "
        "the compiled loops, so that LFC's test set alone does not start them: the reference does from 2^35 products, "
        "and always once they are started. The first layer of CNV (27 synapses of 8 bits) stays in floating point: "
        "8 planes of a word a tap are 4,608 bits to count for 27 products.",
    ]
    return "\n\n".join(parts)


def _resources(utilization: dict[str, dict[str, int]]) -> str:
    """What a design takes of its chip."""
    cells = next(name for name in ("TRELLIS_COMB", "ICESTORM_LC") if name in utilization)
    rams = next(name for name in ("DP16KD", "ICESTORM_RAM") if name in utilization)
    registers = f"{utilization['TRELLIS_FF']['used']} registers, " if cells == "TRELLIS_COMB" else ""
    of = {name: f"{utilization[name]['used']} of {utilization[name]['available']}" for name in (cells, rams)}
    return f"{of[cells]} cells, {registers}{of[rams]} block RAMs"


def published(results: dict[str, dict[str, Any]]) -> str:
    """The section on whole networks."""
    verified, built = [], []
    for name, result in results.items():
        calm, stalled, seeds = result["simulate"], result["simulate_stalled"], result["build"]
        verified.append(
            (
                name,
                result["dataset"],
                f"{100 * result['evaluate']['accuracy']:.2f} % of {result['evaluate']['images']}",
                f"{calm['images']}, {stalled['images']}",
                calm["mismatches"] + stalled["mismatches"],
                calm["layers"],
                f"{calm['cycles_per_frame']} ({calm['predicted_cycles_per_frame']})",
                f"{calm['latency_cycles']} ({calm['predicted_latency_cycles']})",
                f"{calm['frames_per_s']:.1f}",
            )
        )
        if not seeds:
            continue
        one = next(iter(seeds.values()))
        minutes = [sum(build["stages_s"].values()) / 60 for build in seeds.values()]
        built.append(
            (
                name,
                result["board"],
                _resources(one["utilization"]),
                f"{one['clock_mhz']:g}",
                ", ".join(f"{build['fmax_mhz']:.1f}" for build in seeds.values()),
                f"{one['fps']:,.0f}",
                f"{one['link_fps']:,.0f}",
                f"{one['latency_us']:.1f}",
                f"{min(minutes):.1f} to {max(minutes):.1f}",
            )
        )
    return "\n\n".join(
        [
            "## Whole networks",
            "Made by `python benchmarks/measure_published.py --models DIR --data DIR`, from file to bitstream.",
            "Images that went through the Verilog at full speed, and with random stalls; every word of every layer's "
            "stream compared. Cycles measured there, those predicted in brackets.",
            table(
                (
                    *("network", "data set", "reference", "images, stalled", "mismatches", "layers"),
                    *("cycles per frame", "latency, cycles", "images/s simulated"),
                ),
                verified,
            ),
            "Built with their serial link; one Fmax for each of nextpnr's seeds. Frames/s and latency are the "
            "accelerator's at the clock built for; beside them the frames/s that the link carries.",
            table(
                (
                    *("network", "board", "resources", "built for, MHz", "Fmax, MHz"),
                    *("frames/s", "over the link", "latency, us", "minutes"),
                ),
                built,
            ),
        ]
    )


def main() -> None:
    sections = ["# Benchmarks", "Made by `python benchmarks/document.py` from `benchmarks/results/`; do not edit."]
    sections.append(xnor_lane(json.loads((ROOT / "results" / "xnor_lane.json").read_text())))
    sections.append(xnor_popcount(json.loads((ROOT / "results" / "xnor_popcount.json").read_text())))
    sections.append(published(json.loads((ROOT / "results" / "published.json").read_text())))
    sections.append(lookup(json.loads((ROOT / "results" / "lookup.json").read_text()), table))
    sections.append(costs(json.loads((ROOT / "results" / "costs.json").read_text()), table))
    sections.append(fastest(json.loads((ROOT / "results" / "fastest.json").read_text()), table))
    speeds = json.loads((ROOT.parent / "bnnhw" / "devices" / "prices" / "clock.json").read_text())
    sections.append(clock(json.loads((ROOT / "results" / "clock.json").read_text()), speeds, table))
    sections.append(spram(json.loads((ROOT / "results" / "spram.json").read_text()), table))
    sections.append(thresholds(json.loads((ROOT / "results" / "thresholds.json").read_text()), table))
    sections.append(vectors(json.loads((ROOT / "results" / "vectors.json").read_text()), table))
    sections.append(multipliers(json.loads((ROOT / "results" / "multipliers.json").read_text()), table))
    sections.append(c_code(json.loads((ROOT / "results" / "c.json").read_text()), table))
    sections.append(mutants(json.loads((ROOT / "results" / "mutants.json").read_text()), table))
    TARGET.write_text("\n\n".join(sections) + "\n")
    boards = json.loads((ROOT / "results" / "boards.json").read_text())
    (DOCS / "boards.md").write_text(boards_page(boards, table) + "\n")
    run = DOCS / "run.md"
    virtual = json.loads((ROOT / "results" / "virtual.json").read_text())
    run.write_text(replaced(run.read_text(), virtual_section(virtual, table)))
    made = json.loads((ROOT / "results" / "gallery.json").read_text())
    (DOCS / "gallery.md").write_text(gallery(made, table) + "\n")
    (DOCS / "gallery").mkdir(exist_ok=True)
    for name, entry in made.items():
        (DOCS / "gallery" / f"{name}.svg").write_text(drawn(entry), encoding="utf-8")
    measured = json.loads((ROOT / "results" / "engines.json").read_text())
    (DOCS / "study-engines.md").write_text(engines(measured, table))
    for dataset in DATASETS:
        (DOCS / f"study-engines-{dataset}.svg").write_text(engines_plot(list(measured["rows"].values()), dataset))
    study = json.loads((ROOT / "results" / "study.json").read_text())
    (DOCS / "study.md").write_text(page(study, table))
    for dataset in {row["dataset"] for row in study["rows"]}:
        rows = [row for row in study["rows"] if row["dataset"] == dataset and row["fits"]]
        (DOCS / f"study-{dataset}.svg").write_text(plot(rows, dataset))


if __name__ == "__main__":
    main()
