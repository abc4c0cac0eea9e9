"""The page and the pictures of the study of engines, of benchmarks/results/engines.json."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from elsewhere import ELSEWHERE
from engines_plot import Mark, picture

__all__ = ["DATASETS", "engines", "plot"]

Row = dict[str, Any]

DATASETS = {"mnist": "MNIST", "digits": "scikit-learn's digits", "ecg5000": "ECG5000", "fsdd": "Spoken digits"}


def accuracy(row: Row) -> float:
    """Percent."""
    return 100 * row["correct"] / row["images"]


def rate(row: Row) -> float | None:
    """Frames per second of the core at the row's clock; None where nextpnr has not placed it."""
    return None if row["clock"]["mhz"] is None else row["clock"]["mhz"] * 1e6 / row["cycles_per_frame"]


def numbered(rows: Sequence[Row], dataset: str) -> list[tuple[int, Row]]:
    """The rows of a data set, each with the number that it has in the diagrams."""
    return list(enumerate((row for row in rows if row["dataset"] == dataset), 1))


def plot(rows: Sequence[Row], dataset: str) -> str:
    """The SVG of a data set: accuracy over LUT4 and over frames per second."""
    size, speed = [], []
    for number, row in numbered(rows, dataset):
        about = f"{row['network']}, {row['engine']}: {accuracy(row):.2f} %"
        lut4, fps = row["cells"]["lut4"], rate(row)
        kind, label, measured = row["engine"], str(number), bool(row["clock"]["measured"])
        size.append(Mark(kind, lut4, accuracy(row), label, f"{about}, {lut4:,} LUT4 on {row['device']}"))
        if fps is not None:
            speed.append(Mark(kind, fps, accuracy(row), label, f"{about}, {fps:,.0f} frames per second", measured))
    if dataset == "mnist":
        for letter, point in zip(_letters(), ELSEWHERE, strict=False):
            about = f"{point.name}: {point.accuracy} %"
            if point.lut6 is not None:
                size.append(Mark("elsewhere", point.lut6, point.accuracy, letter, f"{about}, {point.lut6:,} LUT6"))
            if point.fps is not None:
                text = f"{about}, {point.fps:,.0f} frames per second"
                speed.append(Mark("elsewhere", point.fps, point.accuracy, letter, text))
    panels = (("look-up tables" if dataset == "mnist" else "LUT4", size), ("frames per second of the core", speed))
    return picture(f"{DATASETS[dataset]}: accuracy in percent", panels)


def _letters() -> str:
    return "abcdefghijklmnopqrstuvwxyz"


def engines(result: Row, table: Callable[..., str]) -> str:
    """The Markdown of the page; ``table`` makes a Markdown table of headings and rows."""
    rows = list(result["rows"].values())
    parts = [
        "# Three engines",
        "Made by `python benchmarks/document.py` from `benchmarks/results/engines.json`; do not edit.",
        f"Made by `{result['command']}` with " + ", ".join(f"{n} {v}" for n, v in result["tools"].items()) + ".",
        "The same data sets by the three engines ([engines.md](engines.md)): *folded*, weights in memory; *spatial*, "
        "weights as constants in the fabric; *lookup*, learned truth tables with class sums of constants behind them. "
        "Accuracy is that of the integer reference over the whole test split, which the tests hold equal to the "
        "hardware. LUT4 are those of the accelerator alone after synthesis: everything between the elements of a "
        "frame and its class, handshake included; neither the encoding of raw samples into elements of so many bits, "
        "which is the host's (or that of a `quantize` unit in front), nor the link. Weights in block RAM cost no "
        "LUT4, so block RAMs stand beside.",
        "Frames per second are those of the core: its clock by its cycles per frame. A clock is the slowest of "
        "nextpnr's seeds where this design was placed and routed, of the accelerator with a link or a store of "
        "frames, some of them earlier netlists of the same cycles; where none was, it is the clock that the "
        "design is built for, in brackets, and the mark in the diagram is hollow. One that nextpnr did not place "
        "has none. No link of these boards carries as many frames as the fast ones take ([links.md](links.md)). "
        "Seed 0 of training everywhere: differences of a few test frames say nothing about the next seed.",
        "Marks: squares are folded, triangles spatial, discs lookup, crosses published elsewhere. Numbers and letters "
        "are those of the tables.",
    ]
    for dataset, name in DATASETS.items():
        chosen = numbered(rows, dataset)
        if not chosen:
            continue
        parts += [
            f"## {name}",
            f"{chosen[0][1]['images']:,} test frames. {_extremes([row for _, row in chosen])}",
            f"![{name}: accuracy over LUT4 and over frames per second](study-engines-{dataset}.svg)",
            _table(chosen, table),
        ]
        if dataset == "mnist":
            parts += _elsewhere(table)
    return "\n\n".join(parts) + "\n"


def _extremes(rows: Sequence[Row]) -> str:
    """Which is the most accurate, the smallest and the fastest; of equals the one of fewest LUT4."""

    def said(row: Row, figure: str) -> str:
        return f"`{row['network']}`, {row['engine']} ({figure})"

    def size(row: Row) -> int:
        return row["cells"]["lut4"]

    best = max(rows, key=lambda row: (accuracy(row), -size(row)))
    least = min(rows, key=size)
    fastest = max(rows, key=lambda row: (rate(row) or 0, -size(row)))
    return (
        f"Most accurate: {said(best, f'{accuracy(best):.2f} %')}. Fewest LUT4: {said(least, f'{size(least):,}')}. "
        f"Most frames per second: {said(fastest, f'{(rate(fastest) or 0) / 1e6:.1f} million')}."
    )


def _table(rows: Sequence[tuple[int, Row]], table: Callable[..., str]) -> str:
    heads = (
        *("", "network", "engine", "device", "accuracy, %", "LUT4", "registers", "block RAM"),
        *("cycles per frame", "latency, cycles", "clock, MHz", "frames per second, core", "LUT4 from"),
    )
    return table(heads, (_cells(number, row) for number, row in rows))


def _cells(number: int, row: Row) -> tuple[object, ...]:
    cells, clock, fps = row["cells"], row["clock"], rate(row)
    mhz = "not placed" if fps is None else f"{clock['mhz']:.1f}"
    return (
        number,
        f"`{row['network']}`, input of {row['input_bits']} bit{'s' if row['input_bits'] > 1 else ''}",
        row["engine"],
        row["device"],
        f"{accuracy(row):.2f}",
        f"{cells['lut4']:,}",
        f"{cells['ff']:,}",
        cells["bram"],
        f"{row['cycles_per_frame']:,}",
        f"{row['latency_cycles']:,}",
        mhz if clock["measured"] or fps is None else f"({mhz})",
        "" if fps is None else f"{fps:,.0f}",
        row["cells_source"].removeprefix("benchmarks/results/"),
    )


def _elsewhere(table: Callable[..., str]) -> list[str]:
    heads = (
        *("", "network", "source", "accuracy, %", "size", "frames per second"),
        *("encoder counted", "class sums", "highest class", "link"),
    )
    cells = [
        (
            letter if point.lut6 or point.fps else "",
            point.name,
            point.source,
            f"{point.accuracy:g}",
            point.size,
            f"{point.fps:,.0f}" if point.fps else "",
            point.encoder,
            point.sums,
            point.argmax,
            point.link,
        )
        for letter, point in zip(_letters(), ELSEWHERE, strict=False)
    ]
    return [
        "### Published elsewhere",
        "As the sources give them; *not said* is what was not found in what we read of them, not a claim about the "
        "design, and a star is at figures quoted from memory. A LUT6 holds more than a LUT4: the two are drawn over "
        "one axis, and can't be converted by a factor. Ours count class sums, the highest class and the handshake, "
        "no link; they take black-and-white pixels, so their encoder is a comparison per pixel, outside. The DWN "
        "cores read several thresholds per pixel, compared outside too: counted, that encoder is 21 to 72 % of the "
        "designs of dwn-fpga-study.",
        table(heads, cells),
    ]
