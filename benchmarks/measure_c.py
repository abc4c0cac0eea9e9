"""Networks as C: equal to the reference on whole test sets, how fast, and what they take of a microcontroller.

    python benchmarks/measure_c.py --models DIR --data DIR [--only NAME]

Each network is compiled strictly: with words of 32 bits and its own popcount, with the processor's, with that and the
sanitizers of addresses and undefined behaviour, and with words of 64 bits and the processor's popcount. The example of
each reads the raw samples of the whole test set, and every class and every score is compared. Then processor time of
one core, in one run, in turn: torch's float32 (one frame at a time, and 256), the reference, and C in three ways. With
arm-none-eabi-gcc the sizes for a Cortex-M0+ are taken, and with qemu-system-arm and newlib the instructions of a frame
counted. Results are kept in benchmarks/results/c.json network by network; delete an entry to measure it again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from c_float32 import float32_network
from c_networks import CASES, Case
from measure_xnor_popcount import processor
from numpy.typing import NDArray

import bnnhw
from bnnhw import reference
from bnnhw.c import SAMPLE_TYPES, CFiles
from bnnhw.flow.evaluate import encode
from bnnhw.ir import Network

ROOT = Path(__file__).resolve().parent
RESULT = ROOT / "results" / "c.json"
WORK = ROOT.parent / "build" / "c"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror")
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
NATIVE = ("-O3", "-march=native", "-Dnet_POPCOUNT=__builtin_popcount")
WAYS: dict[str, tuple[int, tuple[str, ...]]] = {
    "portable": (32, ("-O2",)),
    "popcount": (32, NATIVE),
    "sanitized": (32, (*NATIVE, *SANITIZED)),
    "popcount64": (64, ("-O2", "-march=native", "-Dnet_POPCOUNT=__builtin_popcountll")),
}
"""Bits of a word, and flags."""
ARM = ("arm-none-eabi-gcc", "-mcpu=cortex-m0plus", "-mthumb", *STRICT)
QEMU = ("qemu-system-arm", "-M", "mps2-an385", "-nographic", "-icount", "shift=0")
RUNS = 5
FRAMES = 1000
LONG_S = 0.3
"""Seconds of processor time that are measured well."""


def run(*command: str | Path, cwd: Path, stdin: Path | None = None) -> str:
    """What a program prints."""
    with stdin.open("rb") if stdin else open(os.devnull, "rb") as given:  # noqa: PTH123 - a device
        done = subprocess.run(command, cwd=cwd, stdin=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def differences(text: str, found: reference.Scores) -> int:
    """Frames whose class or scores, as the example prints them, are not the reference's."""
    rows = np.array([line.replace(":", "").split() for line in text.splitlines()], np.int64)
    expected = np.column_stack([found.classes, found.scores])
    if rows.shape != expected.shape:
        raise SystemExit(f"{len(rows)} frames of {len(expected)}")
    return int((rows != expected).any(axis=1).sum())


def seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def speed(network: Network, codes: NDArray[np.uint8], programs: list[Path], samples: Path) -> dict[str, float]:
    """Median frames per second of each way, in turn, the first round not counted."""
    count = min(FRAMES, len(codes))
    few = max(1, count // 10)
    values, module = float32_network(network)
    whole = values(codes[:count])
    batches = list(whole.split(256))
    single = list(whole[:few].split(1))
    rounds_of: dict[str, int] = {}
    times: dict[str, list[float]] = {
        name: [] for name in ("torch_1", "torch_256", "reference", *(program.name for program in programs))
    }
    with torch.inference_mode():
        emitted = module(whole).numpy().astype(np.int64)
        scores = network.output.multiplier * emitted.reshape(count, -1) + network.output.offset
        if not np.array_equal(scores, reference.evaluate(network, codes[:count]).scores):
            raise SystemExit("torch's scores differ")
        for number in range(RUNS + 1):
            found = {
                "torch_1": seconds(lambda: [module(x) for x in single]) / few,
                "torch_256": seconds(lambda: [module(x) for x in batches]) / count,
                "reference": seconds(lambda: reference.evaluate(network, codes[:count])) / count,
            }
            for program in programs:
                # A clock may tick in hundredths of a second: as many rounds as take longer.
                rounds = rounds_of.setdefault(program.name, 1)
                told = run(program, samples, str(count), str(rounds), cwd=program.parent)
                taken = sum(map(float, told.split())) / rounds
                rounds_of[program.name] = max(1, min(100, round(LONG_S / max(taken, 0.001))))
                found[program.name] = taken / count
            if number:
                for name, value in found.items():
                    times[name].append(value)
    return {f"{name}_fps": 1 / statistics.median(each) for name, each in times.items()}


def microcontroller(files: CFiles, sample: NDArray[Any], found: reference.Scores, folder: Path) -> dict[str, int]:
    """Bytes for a Cortex-M0+; instructions of the first frame, whose class and scores must be the reference's."""
    result = {}
    for level in ("-Os", "-O2"):
        run(*ARM, level, "-fstack-usage", "-c", "net.c", "-o", "net.o", cwd=folder)
        text, data, bss = map(int, run("arm-none-eabi-size", "net.o", cwd=folder).splitlines()[1].split()[:3])
        frames = [int(line.split("\t")[1]) for line in (folder / "net.su").read_text().splitlines()]
        name = level.lstrip("-").lower()
        result |= {f"flash_{name}": text + data, f"static_ram_{name}": data + bss, f"stack_below_{name}": sum(frames)}
    result["scratch_bytes"], result["table_bytes"] = files.code.scratch_bytes, files.code.table_bytes
    result["sample_bytes"] = sample.nbytes
    if shutil.which(QEMU[0]) is None:
        return result
    numbers = ", ".join(str(value) if sample.dtype.kind != "f" else f"{value!r}" for value in sample.tolist())
    (folder / "m0_sample.h").write_text(f"static const net_sample sample[net_SAMPLES] = {{{numbers}}};\n")
    for level in ("-Os", "-O2"):
        program = ("--specs=rdimon.specs", "-T", ROOT / "c" / "m0.ld", f"-I{folder}", ROOT / "c" / "m0.c")
        run(*ARM[:3], "-std=c99", level, *program, "net.c", "-o", "m0.elf", cwd=folder)
        told = run(*QEMU, "-semihosting-config", "enable=on,target=native", "-kernel", "m0.elf", cwd=folder)
        encoded, counted, label, *scores = map(int, told.split())
        if (label, scores) != (int(found.classes[0]), found.scores[0].tolist()):
            raise SystemExit(f"Cortex-M0+: {told}")
        name = level.lstrip("-").lower()
        result |= {f"instructions_encode_{name}": encoded, f"instructions_{name}": counted}
    return result


def measure(case: Case, models: Path, data: Path) -> dict[str, Any]:
    """All figures of one network."""
    network = case.make(models)
    raw, labels = bnnhw.datasets.load_split(case.dataset, "test", data)
    kind = SAMPLE_TYPES[case.samples]
    flat = np.ascontiguousarray(raw.reshape(len(raw), -1).astype(kind.dtype))
    codes = encode(network, flat.reshape(raw.shape))
    found = reference.evaluate(network, codes)
    WORK.mkdir(parents=True, exist_ok=True)
    samples = WORK / f"{case.dataset}.bin"
    flat.tofile(samples)
    result: dict[str, Any] = {"what": case.what, "dataset": case.dataset, "frames": len(flat), "differences": {}}
    result["correct"] = int((found.classes == labels).sum())
    programs: list[Path] = []
    for name, (bits, flags) in WAYS.items():
        folder = WORK / f"{case.name}-{bits}"
        files = bnnhw.export(network, folder / "net.c", name="net", word_bits=bits, samples=case.samples)
        assert files is not None
        run("cc", *STRICT, *flags, "net.c", "net_main.c", "-o", f"{name}_main", cwd=folder)
        run(folder / f"{name}_main", cwd=folder)
        told = run(folder / f"{name}_main", "-b", cwd=folder, stdin=samples)
        result["differences"][name] = differences(told, found)
        if name == "portable" and shutil.which(ARM[0]) is not None:
            result["cortex_m0plus"] = microcontroller(files, flat[0], found, folder)
        if name != "sanitized":
            run("cc", *STRICT, *flags, f"-I{folder}", ROOT / "c" / "time.c", "net.c", "-o", name, cwd=folder)
            programs.append(folder / name)
    result["speed"] = speed(network, codes, programs, samples)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT.parent.parent / "shared" / "models")
    parser.add_argument("--data", type=Path, default=ROOT.parent.parent / "shared" / "datasets")
    parser.add_argument("--only", choices=[case.name for case in CASES], action="append")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {"networks": {}}
    results["tools"] = {
        "processor": processor(),
        "cc": run("cc", "--version", cwd=ROOT).splitlines()[0],
        "torch": torch.__version__,
    }
    if shutil.which(ARM[0]) is not None:
        version = re.search(r"\d+\.\d+\.\d+", run(ARM[0], "--version", cwd=ROOT))
        results["tools"]["arm_gcc"] = version[0] if version else "unknown"
    for case in CASES:
        if arguments.only and case.name not in arguments.only:
            continue
        if case.name in results["networks"] and not arguments.only:
            continue
        try:
            entry = measure(case, arguments.models, arguments.data)
        except bnnhw.BnnhwError as error:
            print(f"{case.name}: {error}; left out", file=sys.stderr)
            continue
        # Others may have been measured meanwhile.
        results["networks"] = json.loads(RESULT.read_text())["networks"] if RESULT.exists() else {}
        results["networks"][case.name] = entry
        print(case.name, json.dumps(entry), flush=True)
        RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
