"""BNN-PYNQ parameter folders broken at random: their files' names, sizes and contents, and what is said of them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.frontend.pynq_folders import TOPOLOGY, Raw, cnv, small, small_ternary, write

Files = dict[str, bytes]

TOPOLOGIES = (TOPOLOGY, "70-8-8-3", "70-16-3", "70-4-3", "1-8-3", "700000-8-3", "70-8-999999", "x", "")
EXTREMES = (-(1 << 63), (1 << 63) - 1, -(1 << 40), 1 << 40, -10272, -1, 0, 65535)
NAMES = ("0-0-weights.bin", "1-9-thres.bin", "99999-0-weights.bin", "x.bin", "classes.txt", "0-00-thres.bin", "notes")


def _files(layers: list[Raw], classes: int | None) -> Files:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), layers, classes)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


@cache
def small_seeds() -> tuple[Files, ...]:
    """Fully connected networks of every kind, that need their topology."""
    return tuple(_files(layers, 3) for layers in (small(), small_ternary(), small_ternary(bits=2)))


@cache
def cnv_seeds() -> tuple[Files, ...]:
    """CNV of every kind, in the published foldings, and with the last layer of house numbers."""
    kinds = ((1, 1, 64, False), (2, 1, 64, False), (2, 2, 64, False), (1, 1, 12, True))
    return tuple(_files(cnv(0, *kind), 10) for kind in kinds)


def _resized(data: bytes, random: np.random.Generator) -> bytes:
    match random.integers(5):
        case 0:
            return data[: len(data) // 2]
        case 1:
            return data + data
        case 2:
            return data[: random.integers(len(data) + 1)]
        case 3:
            return data + random.bytes(8)
        case _:
            return b""


def _changed(name: str, data: bytes, random: np.random.Generator) -> bytes:
    content = bytearray(data)
    if not content:
        return data
    if "thres" in name and len(content) >= 8 and random.integers(2):
        place = 8 * int(random.integers(len(content) // 8))
        content[place : place + 8] = np.array(random.choice(np.array(EXTREMES)), "<i8").tobytes()
    elif name == "classes.txt":
        lines = int(random.choice([0, 1, 2, 3, 4, 11, 70, 5000]))
        return random.bytes(20) if random.integers(4) == 0 else b"class\r\n" * lines
    else:
        for _ in range(random.integers(1, 4)):
            content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
    return bytes(content)


def _alike(files: Files, random: np.random.Generator) -> None:
    """All files of one layer and kind resized in the same way, so that they still agree."""
    names = [name for name in files if name.endswith(".bin")]
    if not names:
        return
    stem, kind = re.sub(r"\d+-(\w+)\.bin$", "", str(random.choice(names))), str(random.choice(["weights", "thres"]))
    way: Callable[[bytes], bytes] = [
        lambda data: data[: len(data) // 16 * 8],
        lambda data: data + data,
        lambda data: data[: len(data) // 24 * 8],
    ][random.integers(3)]
    for name in names:
        if name.startswith(stem) and kind in name:
            files[name] = way(files[name])


def mutate_files(seed: Files, random: np.random.Generator) -> Files:
    """A broken copy of a folder's files."""
    files = dict(seed)
    for _ in range(random.integers(1, 4)):
        names = list(files)
        if not names:
            break
        name, other = (str(random.choice(names)) for _ in range(2))
        match random.integers(8):
            case 0:
                del files[name]
            case 1:
                files[name] = _resized(files[name], random)
            case 2 | 3:
                files[name] = _changed(name, files[name], random)
            case 4:
                _alike(files, random)
            case 5:
                files[str(random.choice(NAMES))] = files[name]
            case 6:
                files[name], files[other] = files[other], files[name]
            case _:
                files[name] = random.bytes(len(files[name]))
    return files


def put(files: Files, folder: Path, random: np.random.Generator) -> None:
    """The files in an empty folder; now and then one is a folder, or as large as no disk."""
    folder.mkdir()
    odd = str(random.choice(list(files))) if files and random.integers(20) == 0 else None
    for name, data in files.items():
        path = folder / name
        if name != odd:
            path.write_bytes(data)
        elif random.integers(2):
            path.mkdir()
        else:
            with path.open("wb") as file:
                file.truncate(1 << int(random.choice([25, 40])))


def options(random: np.random.Generator, topology: str | None) -> dict[str, Any]:
    """What a user says: mostly the right thing."""
    said = {} if topology is None else {"topology": topology}
    if random.integers(10) == 0:
        said["topology"] = str(random.choice(TOPOLOGIES))
    if random.integers(4) == 0:
        said["decode"] = str(random.choice(["highest-bit", "argmax", "x"]))
    return said
