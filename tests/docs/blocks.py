"""The code blocks of the documentation's pages: which are run, and what runs or holds the others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ELSEWHERE", "RUN", "Block", "blocks"]

RUN = ("start", "train", "arithmetic", "units", "api")
"""Pages whose blocks are run, one after another, in a folder of their own."""

ELSEWHERE: dict[str, dict[str, str]] = {
    "c": {
        "bnnhw export digits.bnn -o digits.c": "tests/c/test_write.py",
        "static digits_scratch scratch;": "tests/c/test_write.py",
    },
    "extending": {"": "tests/test_extending.py"},
    "gallery": {"bnnhw ": "benchmarks/measure_gallery.py, which runs them: needs data sets and published networks"},
    "links": {
        "bnnhw build digits.bnn --board icebreaker --baud": "tests/cli/test_baud.py",
        "cycles of a byte in": "a formula; tests/links/parallel/test_link.py",
        "bnnhw build digits.bnn --board tinyfpga-bx": "tests/cli/test_run_parallel.py",
        "ftconf.py": "a bridge's maker's program, for a bridge",
    },
    "models": {
        "from brevitas.export": "needs Brevitas; its files are read by tests/frontend/test_documented.py",
        "from qonnx.converters.keras": "needs QKeras; its files are read by tests/frontend/test_documented.py",
        "Gather(x, indices": "a table of nodes; tests/frontend/test_lookups.py",
        "Pad(x)": "a table of nodes; tests/frontend/test_lookups.py",
        "import numpy as np": "tests/frontend/test_table_snippets.py",
        "weights = {f": "needs Larq; its files are read by tests/frontend/test_documented.py",
    },
    "run": {
        "bnnhw run bitstream --port": "tests/cli/test_run.py",
        "bnnhw build digits.bnn --board icebreaker --store": "tests/cli/test_store.py",
        "import bnnhw": "tests/test_api.py",
        "$ bnnhw virtual": "tests/cli/test_run.py",
        "sudo usermod": "changes the operating system",
    },
    "serve": {"bnnhw serve bitstream": "tests/cli/test_serve.py"},
    "weights": {
        "bnnhw fold sfc.bnn": "benchmarks/measure_spram.py: needs the MNIST test set",
        "bnnhw build digits.bnn": "tests/sim/test_weights.py",
    },
    "verilog": {
        "bnnhw generate digits.bnn -o digits": "tests/verilog/test_fusesoc.py",
        "iverilog -o tb": "tests/verilog/test_verilog.py",
        "fusesoc --cores-root": "tests/verilog/test_fusesoc.py",
        "python examples/litex_stream.py": "tests/verilog/test_litex.py",
    },
}
"""By page and beginning: the test that runs a block, or why it is not run."""


@dataclass(frozen=True)
class Block:
    """A block of code.

    Parameters
    ----------
    page : str
    line : int
        Where it begins, from 1.
    language : str
        What stands behind its fence; nothing of one that is indented.
    text : str
    note : str
        The comment in the line before it: ``slow: why`` or ``file: name``.
    """

    page: str
    line: int
    language: str
    text: str
    note: str = ""

    def __str__(self) -> str:
        return f"{self.page}.md:{self.line}"


def blocks(folder: Path) -> Iterator[Block]:
    """All blocks of a folder's pages, but directives of the site."""
    for path in sorted(folder.glob("*.md")):
        lines = path.read_text(encoding="utf-8").split("\n")
        number = 0
        while number < len(lines):
            start, line = number, lines[number]
            number += 1
            if fence := re.fullmatch(r"```(\{?[\w-]*\}?).*", line):
                while lines[number] != "```":
                    number += 1
                note = re.fullmatch(r"<!-- (.*) -->", lines[start - 1]) if start else None
                if not fence[1].startswith("{"):
                    text = "\n".join(lines[start + 1 : number]) + "\n"
                    yield Block(path.stem, start + 1, fence[1], text, note[1] if note else "")
                number += 1
            elif line.startswith("    ") and not lines[start - 1].strip():
                while number < len(lines) and (lines[number].startswith("    ") or not lines[number]):
                    number += 1
                text = "\n".join(line[4:] for line in lines[start:number]).rstrip() + "\n"
                yield Block(path.stem, start + 1, "", text)
