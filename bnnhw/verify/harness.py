"""The bench of a stream core: frames in, one output word a frame out, every cycle counted.

The bench is a C++ program (``harness.cpp.j2``) that reads the words of all frames from a file and
writes what the core returns to another. It also holds the core to its stream contract: an offered
word stays, unchanged, until it is taken; none is invented; something moves within the watchdog's time.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bnnhw.errors import CheckError
from bnnhw.verify import model

__all__ = ["Field", "Harness", "Interface", "Port", "Recording", "pack_frames"]

RESET_CYCLES = 4
"""Cycles of reset before the first word; one would do."""
SPLIT_FRAMES = 512
"""Frames a process must have for a second one to be worth its start."""


def _limbs(width: int) -> int:
    return -(-width // 32)


def _cpp_name(name: str) -> str:
    """The name Verilator gives a port in C++: it writes the second of two underscores as ``__05F``."""
    return name.replace("__", "___05F")


@dataclass(frozen=True)
class Field:
    """Bits of a port that are one number."""

    name: str
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Port:
    """A port and the fields it is made of, the least significant first."""

    name: str
    fields: tuple[Field, ...]

    @property
    def width(self) -> int:
        return sum(field.width for field in self.fields)

    @classmethod
    def plain(cls, name: str, width: int, signed: bool = False) -> Port:
        """A port that is one number, with the port's name."""
        return cls(name, (Field(name, width, signed),))


@dataclass(frozen=True)
class Interface:
    """The ports of a stream core.

    Parameters
    ----------
    top : str
        Name of the module.
    input : Port
        Payload of the input stream.
    input_words : int
        Words a frame.
    outputs : tuple of Port
        Payload of the output stream, in one port or one for each field; it has one word a frame.
    clock, reset, input_valid, input_ready, output_valid, output_ready : str
        Names of the other ports; ``reset`` may be None.
    """

    top: str
    input: Port
    input_words: int
    outputs: tuple[Port, ...]
    clock: str = "clk"
    reset: str | None = "rst"
    input_valid: str = "input_valid"
    input_ready: str = "input_ready"
    output_valid: str = "output_valid"
    output_ready: str = "output_ready"

    def __post_init__(self) -> None:
        for field in (field for port in self.outputs for field in port.fields):
            if not 1 <= field.width <= 64 - (not field.signed):
                raise ValueError(f"output field {field.name} must have 1 to 63 bits, 64 if signed, not {field.width}")

    @property
    def output_limbs(self) -> int:
        """32-bit limbs of an output word: each port starts at a new one."""
        return sum(_limbs(port.width) for port in self.outputs)

    def main(self, wave: bool) -> str:
        """The C++ main of the bench."""
        offset, outputs = 0, []
        for port in self.outputs:
            outputs.append({"name": _cpp_name(port.name), "offset": offset})
            offset += _limbs(port.width)
        names = ("clock", "input_valid", "input_ready", "output_valid", "output_ready")
        return model.render(
            "harness.cpp.j2",
            wave=wave,
            words_per_frame=self.input_words,
            input_limbs=_limbs(self.input.width),
            output_limbs=offset,
            input_mask=(1 << ((self.input.width - 1) % 32 + 1)) - 1,
            input_payload=_cpp_name(self.input.name),
            reset=None if self.reset is None else _cpp_name(self.reset),
            outputs=outputs,
            **{name: _cpp_name(getattr(self, name)) for name in names},
        )


@dataclass(frozen=True, eq=False)
class Recording:
    """What a core returned.

    Parameters
    ----------
    outputs : dict of str to int64 array (frames,)
        By field name.
    accepted, offered, taken : int64 array (frames,)
        Cycle in which a frame's first input word was accepted, its output word first offered, and
        taken; counted from the end of the reset, anew in each part.
    parts : tuple of int
        First frame of each part: frames of different parts ran in different processes.
    """

    outputs: dict[str, NDArray[np.int64]]
    accepted: NDArray[np.int64]
    offered: NDArray[np.int64]
    taken: NDArray[np.int64]
    parts: tuple[int, ...]


def pack_frames(codes: NDArray[np.uint8], bits: int, width: int, seed: int = 0) -> NDArray[np.uint32]:
    """Codes of elements -> the words of each frame.

    Element ``e`` is lane ``e % (width // bits)`` of word ``e // (width // bits)``; lane ``l`` has the bits
    ``[l * bits, (l + 1) * bits)``. Lanes past the last element are filled at random: they must not matter.

    Parameters
    ----------
    codes : uint8 array (frames, elements)
    bits : int
        Width of an element.
    width : int
        Width of a word; a multiple of ``bits``.
    seed : int
        Of the filling.

    Returns
    -------
    uint32 array (frames, words, limbs)
        Limb 0 has the least significant bits.
    """
    if width % bits:
        raise ValueError(f"width must be a multiple of {bits}, not {width}")
    frames, elements = codes.shape
    words = -(-elements * bits // width)
    planes = np.unpackbits(codes[..., None], axis=2, count=bits, bitorder="little").reshape(frames, elements * bits)
    filling = np.random.default_rng(seed).integers(0, 2, (frames, words * width - elements * bits), np.uint8)
    lanes = np.concatenate([planes, filling], axis=1).reshape(frames, words, width)
    padded = np.pad(lanes, ((0, 0), (0, 0), (0, _limbs(width) * 32 - width)))
    return np.packbits(padded, axis=2, bitorder="little").view("<u4").reshape(frames, words, _limbs(width))


def _decode(raw: NDArray[np.uint32], outputs: tuple[Port, ...]) -> dict[str, NDArray[np.int64]]:
    """Limbs (frames, limbs) -> the fields, signed ones sign-extended."""
    values: dict[str, NDArray[np.int64]] = {}
    first = 0
    for port in outputs:
        last = first + _limbs(port.width)
        limbs = np.ascontiguousarray(raw[:, first:last])
        bits = np.unpackbits(limbs.view(np.uint8), axis=1, bitorder="little")
        offset = 0
        for field in port.fields:
            padded = np.zeros((len(raw), 64), np.uint8)
            padded[:, : field.width] = bits[:, offset : offset + field.width]
            if field.signed:
                padded[:, field.width :] = padded[:, field.width - 1 : field.width]
            values[field.name] = np.packbits(padded, axis=1, bitorder="little").view("<i8")[:, 0]
            offset += field.width
        first = last
    return values


class _Process:
    """One run of the program over a range of frames."""

    def __init__(
        self, arguments: list[str], folder: Path, first: int, count: int, on_progress: Callable[[], None] | None
    ) -> None:
        self.folder, self.first, self.count, self.done = folder, first, count, 0
        self._errors = (folder / "errors").open("w+b")
        self._process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self._errors, text=True)
        self._on_progress = on_progress
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.done = int(line)
            if self._on_progress is not None:
                self._on_progress()

    def kill(self) -> None:
        """End it, whatever it does, and wait for it."""
        self._process.kill()
        self._thread.join()
        self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._errors.close()

    def wait(self) -> tuple[int, str]:
        """Exit status and last line of its errors."""
        self._thread.join()
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return status, lines[-1] if lines else ""


class Harness:
    """A compiled core with its bench.

    Parameters
    ----------
    sources : mapping of str to str
        File name -> text; see :func:`bnnhw.verify.model.build`.
    interface : Interface
    wave : bool
        Whether :meth:`run` can write a wave.
    defines : tuple of str
        Verilog macros to define.
    cache : Path, optional
        Folder of compiled models.
    """

    def __init__(
        self,
        sources: Mapping[str, str],
        interface: Interface,
        *,
        wave: bool = False,
        defines: tuple[str, ...] = (),
        cache: Path | None = None,
    ) -> None:
        self.interface = interface
        self.wave = wave
        self.model = model.build(sources, interface.top, interface.main(wave), wave=wave, defines=defines, cache=cache)

    def run(
        self,
        words: NDArray[np.uint32],
        *,
        stall: float = 0.0,
        seed: int = 1,
        reset_cycles: int = RESET_CYCLES,
        watchdog: int = 100_000,
        drain: int = 1_000,
        jobs: int = 1,
        wave: Path | None = None,
        wave_frames: int = 2,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recording:
        """Send frames through the core.

        Parameters
        ----------
        words : uint32 array (frames, words, limbs)
            From :func:`pack_frames`.
        stall : float
            Probability, each cycle and on either side, of not offering the next word and of not
            taking one; in [0, 1).
        seed : int
            Of the stalls and of the state that has no initial value.
        reset_cycles : int
            0: the core starts as it powers up.
        watchdog : int
            Cycles without a word moving on either side (stalled ones not counted) that make a hang.
        drain : int
            Cycles after the last output word in which no other may come.
        jobs : int
            Processes at most; each takes a part of the frames and starts with a reset.
        wave : Path, optional
            FST file to write of the first ``wave_frames`` frames; makes it one process.
        progress : callable, optional
            Called with frames done and frames, from another thread.

        Raises
        ------
        CheckError
            When the core hangs or breaks the stream contract; the message names the frame and the cycle.
        """
        interface = self.interface
        if words.shape[1:] != (interface.input_words, _limbs(interface.input.width)):
            raise ValueError(
                f"words must have shape (frames, {interface.input_words}, "
                f"{_limbs(interface.input.width)}), not {words.shape}"
            )
        if not 0 <= stall < 1:
            raise ValueError(f"stall must be at least 0 and less than 1, not {stall!r}")
        if wave is not None and not self.wave:
            raise ValueError("wave must be None for a model built without one")
        frames = len(words)
        parts = 1 if self.wave else max(1, min(jobs, frames // SPLIT_FRAMES))
        bounds = [frames * part // parts for part in range(parts + 1)]
        limit = int(watchdog / (1 - stall) ** 2)
        with tempfile.TemporaryDirectory(prefix="bnnhw-") as name:
            processes: list[_Process] = []

            def report() -> None:
                if progress is not None:
                    progress(sum(process.done for process in processes), frames)

            try:
                for part in range(parts):
                    folder = Path(name) / str(part)
                    folder.mkdir()
                    first, last = bounds[part], bounds[part + 1]
                    words[first:last].astype("<u4", copy=False).tofile(folder / "input")
                    files = [str(folder / file) for file in ("input", "output", "stamps")]
                    numbers = (last - first, stall, seed + part, reset_cycles, limit, drain)
                    arguments = [str(self.model.program), *files, *map(str, numbers)]
                    if self.wave:
                        target = folder / "wave.fst"
                        arguments += [str(target), str(wave_frames)]
                    processes.append(_Process(arguments, folder, first, last - first, report))
                raw, stamps = [], []
                for process in processes:
                    status, message = process.wait()
                    if wave is not None and (process.folder / "wave.fst").is_file():
                        _move(process.folder / "wave.fst", wave)
                    if status != 0:
                        raise _error(status, message, process, interface)
                    raw.append(np.fromfile(process.folder / "output", "<u4").reshape(-1, interface.output_limbs))
                    stamps.append(np.fromfile(process.folder / "stamps", "<i8").reshape(-1, 3))
            finally:
                for process in processes:
                    process.kill()
        if progress is not None:
            progress(frames, frames)
        accepted, offered, taken = np.concatenate(stamps).T.copy()
        outputs = _decode(np.concatenate(raw), interface.outputs)
        return Recording(outputs, accepted, offered, taken, tuple(bounds[:-1]))


def _move(source: Path, target: Path) -> None:
    """Move a file to where it may be another file system, whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def _error(status: int, message: str, process: _Process, interface: Interface) -> Exception:
    """What a run that failed means."""
    if status != 3:
        return RuntimeError(f"the simulation ended with status {status}: {message}")
    kind, frame, cycle = message.split()
    where = f"frame {process.first + int(frame)}, cycle {cycle}"
    if kind == "stuck":
        return CheckError(f"{interface.top}: stuck at {where}: no word moved on either side")
    if kind == "invented":
        return CheckError(f"{interface.top}: offers a word after the last of {process.count} frames")
    change = {"changed": "changed an output word", "withdrawn": "withdrew an output word"}[kind]
    return CheckError(f"{interface.top}: {change} before it was taken at {where}")
