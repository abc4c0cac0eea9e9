"""Mutated model files: each is read or refused in one line, soon, and within a little memory.

They are read in a process of their own, whose address space is limited: an allocation beyond it fails there, and a
crash ends that process alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SLOWEST = 5.0
"""Seconds for one file; a whole one takes milliseconds."""

MEMORY = 512 << 20
"""Bytes of address space beyond what the process has before the first file."""

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from bnnhw.errors import BnnhwError
from bnnhw.frontend import read_model
from bnnhw.streamline import streamline
from tests.frontend.mutate import mutate, seeds

first, number, folder, memory = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
models = seeds()
path = folder / "m.onnx"
for data in models:
    path.write_bytes(data)
    streamline(read_model(path).network)
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + memory
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
read = refused = 0
slowest = 0.0
for i in range(first, first + number):
    path.write_bytes(mutate(models[i % len(models)], np.random.default_rng(i)))
    start = time.perf_counter()
    try:
        streamline(read_model(path).network)
        read += 1
    except BnnhwError as error:
        lines = str(error).splitlines()
        assert len(lines) == 1 and len(lines[0]) < 1000, (i, lines)
        refused += 1
    except Exception as error:
        raise SystemExit(f"mutation {i}: {type(error).__name__}: {error}") from error
    slowest = max(slowest, time.perf_counter() - start)
print(json.dumps({"read": read, "refused": refused, "slowest": slowest}))
"""


def fuzz(folder: Path, first: int, number: int) -> dict[str, float]:
    """Reads mutations ``first .. first + number - 1``; how many were read, how many refused, the slowest."""
    arguments = [str(first), str(number), str(folder), str(MEMORY)]
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", PROGRAM, *arguments]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SLOWEST * 60, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space are Linux's")
@pytest.mark.parametrize(
    "first, number", [(0, 500), *(pytest.param(i, 2000, marks=pytest.mark.slow) for i in range(0, 10_000, 2000))]
)
def test_mutations(tmp_path: Path, first: int, number: int) -> None:
    result = fuzz(tmp_path, first, number)
    assert result["read"] + result["refused"] == number
    # Most are broken, some only in a way that does not matter.
    assert result["refused"] > number // 2
    assert result["read"] > number // 50
    assert result["slowest"] < SLOWEST
