"""Networks as C, compiled and run: all of a test's in one program."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bnnhw.c import CFiles, write_c
from bnnhw.c.tables import pack
from bnnhw.ir import InputSpec, Network

STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wshadow", "-Wconversion")
CHECKED = (*STRICT, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def compile_c(folder: Path, *sources: str, flags: tuple[str, ...] = STRICT, program: str = "program") -> Path:
    """Compiles sources of a folder; what the compiler says fails the test."""
    done = subprocess.run(["cc", *flags, *sources, "-o", program], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return folder / program


def run_c(program: Path, *arguments: str, data: bytes = b"", code: int = 0) -> list[str]:
    """Lines that a program prints."""
    done = subprocess.run([program, *arguments], input=data, capture_output=True)
    assert done.returncode == code, done.stderr.decode()
    return done.stdout.decode().splitlines()


def planes(spec: InputSpec, codes: NDArray[Any], bits: int) -> bytes:
    """Elements as the header says they lie."""
    rows = codes[:, None, :] >> np.arange(spec.dtype.bits)[:, None] & 1
    return pack(rows.astype(np.uint8), bits).astype(f"<u{bits // 8}").tobytes()


_HEAD = """#include <stdio.h>
#include <string.h>
"""

_RUN = """
static int {name}_frames(long frames)
{{
    static {name}_scratch scratch;
    static {name}_score scores[{name}_SCORES];
    while (frames-- > 0) {{
        /* What was there before must not matter. */
        memset(&scratch, 0xa5, sizeof scratch);
        if (sizeof scratch != {name}_SCRATCH_BYTES || fread(scratch.words, {size}, 1, stdin) != 1)
            return 1;
        printf("%d", {name}_run(&scratch, scores));
        for (int i = 0; i < {name}_SCORES; i++)
            printf(" %lld", (long long)scores[i]);
        printf("\\n");
    }}
    return 0;
}}
"""


def results(
    folder: Path,
    networks: Mapping[str, Network],
    codes: Mapping[str, NDArray[Any]],
    word_bits: int = 32,
    flags: tuple[str, ...] = CHECKED,
) -> dict[str, tuple[list[int], list[list[int]]]]:
    """Classes and scores of elements of each network, by one program of them all."""
    harness, calls, data = [_HEAD], [], b""
    for name, network in networks.items():
        write_c(network, folder / f"{name}.c", word_bits=word_bits)
        frames = planes(network.input, codes[name], word_bits)
        # In one unit: names with prefixes never meet.
        harness.append(f'#include "{name}.c"\n' + _RUN.format(name=name, size=len(frames) // len(codes[name])))
        calls.append(f"{name}_frames({len(codes[name])})")
        data += frames
    harness.append(f"int main(void)\n{{\n    return {' | '.join(calls)};\n}}\n")
    (folder / "harness.c").write_text("".join(harness))
    program = compile_c(folder, "harness.c", flags=flags)
    lines = iter(run_c(program, data=data))
    found = {}
    for name in networks:
        rows = [list(map(int, next(lines).split())) for _ in codes[name]]
        found[name] = ([row[0] for row in rows], [row[1:] for row in rows])
    assert next(lines, None) is None
    return found


def write(network: Network, folder: Path, **options: Any) -> CFiles:
    """Writes a network as ``net.c`` and so on."""
    return write_c(network, folder / "net.c", **options)
