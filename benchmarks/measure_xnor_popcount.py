"""Speed of the XNOR-popcount loops against torch's float32 matmul: processor time of one core, in one run.

    python benchmarks/measure_xnor_popcount.py [--runs 9] [--data DIR] [--cnv FOLDER --lfc FOLDER]

Products of 1024 x 1024 x 1024 and 4096 x 4096 x 4096: torch, then popcounts of packed words, in turn, each once before
the runs that count; and popcounts with the rows packed anew each time. Then the same in processes told to compile for
AVX2 (MKL is told so too), with both ways of counting. With --data and a BNN-PYNQ model, also the reference over a
whole test set: floating point against packed bits. A few minutes on one core; writes
benchmarks/results/xnor_popcount.json.
"""

# pyright: reportPrivateUsage=false
# Both ways of counting are timed, one of which a processor is never given.
from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
import torch
from llvmlite import binding
from numpy.typing import NDArray

from bnnhw.datasets import load
from bnnhw.frontend import read_model
from bnnhw.ir.network import Network
from bnnhw.reference.fast import Packed, xnor_kernel
from bnnhw.reference.fast.xnor import Panels, pack, ready
from bnnhw.reference.kernels import PLAIN
from bnnhw.reference.streamlined import evaluate
from bnnhw.streamline import streamline

RESULT = Path(__file__).parent / "results" / "xnor_popcount.json"
SIZES = (1024, 4096)
FEATURES = ("avx2", "avx512f", "avx512bw", "avx512vpopcntdq", "avx512bitalg", "neon", "sve")
AVX2 = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+sse3,+ssse3,+sse4.1,+sse4.2,+popcnt,+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt",
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}
"""Hides everything newer than AVX2 from numba, torch and, where it obeys, MKL."""


def medians_s(functions: dict[str, Callable[[], Any]], runs: int) -> dict[str, float]:
    """Median seconds of processor time of some runs of each, in turn, after one of each that does not count.

    Of this thread: all of them compute on one, and what else the machine does meanwhile is not counted.
    """
    found: dict[str, list[float]] = {name: [] for name in functions}
    for run in range(runs + 1):
        for name, function in functions.items():
            start = time.thread_time()
            function()
            if run:
                found[name].append(time.thread_time() - start)
    return {f"{name}_s": statistics.median(seconds) for name, seconds in found.items()}


def product(size: int, runs: int) -> dict[str, Any]:
    """One size: seconds of torch and of both ways of counting, which are compared with torch's result."""
    random = np.random.default_rng(0)
    x, w = (random.integers(0, 2, (size, size), np.uint8) for _ in range(2))
    signs = [torch.from_numpy(bits.astype(np.float32) * 2 - 1) for bits in (x, w.T)]
    dots = torch.mm(*signs)
    words, panels = pack(x), {name: Panels(pack(w)) for name in ("chosen", "direct", "carry_save")}
    for name in ("direct", "carry_save"):
        panels[name]._count = getattr(xnor_kernel, name)
        found = panels[name].popcounts(words, size)
        if not np.array_equal(2 * found.astype(np.int64) - size, dots.numpy().astype(np.int64)):
            raise SystemExit(f"{name} at {size}: popcounts differ from torch's dot products")
    # Both write to arrays that are there: a fresh one of 64 MiB costs more page faults than popcounts.
    counts = np.zeros((size, size), np.int32)
    seconds = medians_s(
        {
            "torch": lambda: torch.mm(signs[0], signs[1], out=dots),
            "direct": lambda: panels["direct"].popcounts(words, size, out=counts),
            "carry_save": lambda: panels["carry_save"].popcounts(words, size, out=counts),
            "with_packing": lambda: panels["chosen"].popcounts(pack(x), size, out=counts),
        },
        runs,
    )
    way = "direct" if panels["chosen"]._count is xnor_kernel.direct else "carry_save"
    return {"size": size, **seconds, "way": way, "ratio": seconds["torch_s"] / seconds[f"{way}_s"]}


def products(runs: int) -> dict[str, Any]:
    """Both sizes, and what torch and numba took the processor for."""
    torch.set_num_threads(1)
    return {
        "torch_capability": torch.backends.cpu.get_cpu_capability(),
        "numba_cpu": os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name(),
        "vector_popcount": xnor_kernel.counts_bits_in_vectors(),
        "rows": [product(size, runs) for size in SIZES],
    }


def whole_set(name: str, network: Network, dataset: str, data: Path, runs: int) -> dict[str, Any]:
    """Median seconds of processor time of the reference over a test set, both ways; the scores must be equal."""
    if not network.streamlined:
        network = streamline(network).network
    samples = load(dataset, data).x_test
    codes = network.input.encode(samples.reshape(len(samples), *network.input.shape))

    def scores(take: bool) -> NDArray[np.int64]:
        return evaluate(network, codes, kernels=Packed() if take else PLAIN).scores

    if not np.array_equal(scores(True), scores(False)):
        raise SystemExit(f"{name}: scores differ")
    seconds = medians_s({"float": lambda: scores(False), "packed": lambda: scores(True)}, runs)
    ratio = seconds["float_s"] / seconds["packed_s"]
    return {"network": name, "frames": len(codes), **seconds, "ratio": ratio}


def start_s(runs: int) -> dict[str, float]:
    """Median seconds of processor time that a fresh process spends before the first popcount, compiled already."""
    source = (
        "import time, numpy as np\n"
        "from bnnhw.reference.fast.xnor import xnor_popcounts\n"
        "word, start = np.zeros((1, 1), np.uint64), time.process_time()\n"
        "xnor_popcounts(word, word, 64)\n"
        "print(time.process_time() - start)\n"
    )
    found = [float(subprocess.check_output([sys.executable, "-c", source])) for _ in range(runs)]
    return {"cpu_s": statistics.median(found)}


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=RESULT)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data", type=Path, help="root of the data sets")
    parser.add_argument("--lfc", type=Path, help="folder of BNN-PYNQ's LFC: over MNIST's test set")
    parser.add_argument("--cnv", type=Path, help="folder of BNN-PYNQ's CNV: over CIFAR-10's test set")
    parser.add_argument("--products-only", action="store_true", help="print the products of this process as JSON")
    options = parser.parse_args()
    if options.products_only:
        print(json.dumps(products(options.runs)))
        return
    assert ready()
    host = binding.get_host_cpu_features()
    result: dict[str, Any] = {
        "command": "python benchmarks/measure_xnor_popcount.py --data DIR --lfc FOLDER --cnv FOLDER",
        "tools": {
            "torch": torch.__version__,
            "numba": numba.__version__,
            "llvmlite": llvmlite.__version__,
            "numpy": np.__version__,
        },
        "machine": {
            "processor": processor(),
            "llvm_name": binding.get_host_cpu_name(),
            "features": [name for name in FEATURES if host.get(name)],
        },
        "runs": options.runs,
        "native": products(options.runs),
    }
    print(json.dumps(result["native"]), flush=True)
    command = [sys.executable, __file__, "--products-only", "--runs", str(options.runs)]
    result["avx2"] = json.loads(subprocess.check_output(command, env=os.environ | AVX2))
    print(json.dumps(result["avx2"]), flush=True)
    result["start"] = start_s(options.runs)
    result["sets"] = []
    for folder, name, dataset in ((options.lfc, "LFC-W1A1", "mnist"), (options.cnv, "CNV-W1A1", "cifar10")):
        if folder and options.data:
            row = whole_set(name, read_model(folder).network, dataset, options.data, 3)
            result["sets"].append({"dataset": dataset, **row})
            print(json.dumps(row), flush=True)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
