"""The bench of a stream core: frames in, one output word per frame out, every cycle counted.

The bench is a C++ program (``harness.cpp.j2``) that reads the words of all frames from a file and
writes what the core returns to another. It also holds the core to its stream contract: an offered
word stays, unchanged, until it is taken; none is invented; something moves within the watchdog's time.
Where the core shows streams inside it, their words are compared with expected ones as they pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bnnhw.files import scratch
from bnnhw.sim import model
from bnnhw.sim.journal import Journal
from bnnhw.sim.ports import Interface, ProbePort, limbs_of
from bnnhw.sim.process import Process, failure
from bnnhw.sim.wave import keep_wave
from bnnhw.sim.words import decode

__all__ = ["Harness", "Recording", "ProbeRecord", "Watch"]

RESET_CYCLES = 4
"""Cycles of reset before the first word; one would do."""
SPLIT_FRAMES = 512
"""Frames a process must have for a second one to be worth its start."""
SPLIT_WORDS = 1 << 14
"""Input words that are worth it too, of however few frames."""
HALF_PS = 5_000
"""Of a clock of 100 MHz."""
EXPECTED_FRAMES = 64
"""Frames whose expected words are made at once."""


@dataclass(frozen=True, eq=False)
class ProbeRecord:
    """What passed on a watched stream.

    Parameters
    ----------
    words : int
        How many.
    wrong : int
        How many were not as expected.
    first : tuple of (int, uint32 array (limbs,))
        The first of these: number of the word, over all frames, and what it was.
    """

    words: int
    wrong: int
    first: tuple[tuple[int, NDArray[np.uint32]], ...]


class Watch(Protocol):
    """What is expected on the probes of an interface."""

    def expected(self, first: int, last: int) -> Sequence[NDArray[np.uint32]]:
        """Words of each probe, (frames, words, limbs), of the frames ``first .. last - 1``."""
        ...

    def finding(self, records: Sequence[ProbeRecord]) -> str | None:
        """The first difference in words, or None."""
        ...


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
    probes : tuple of ProbeRecord
        Of each probe of the interface.
    journal : Journal, optional
        Of the first part, where the interface has one.
    """

    outputs: dict[str, NDArray[np.int64]]
    accepted: NDArray[np.int64]
    offered: NDArray[np.int64]
    taken: NDArray[np.int64]
    parts: tuple[int, ...]
    probes: tuple[ProbeRecord, ...] = ()
    journal: Journal | None = None


class Harness:
    """A compiled core with its bench.

    Parameters
    ----------
    sources : mapping of str to str
        File name -> text; see :func:`bnnhw.sim.model.build`.
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
        half_ps: int = HALF_PS,
        progress: Callable[[int, int], None] | None = None,
        watch: Watch | None = None,
        load: bytes = b"",
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
        half_ps : int
            Picoseconds of half a cycle, in the wave.
        progress : callable, optional
            Called with frames done and frames, from another thread.
        watch : Watch, optional
            What is expected on the interface's probes; must be given if it has any.
        load : bytes
            The words of an image, which are loaded before the first frame, of an interface that has a load bus; cycles
            are counted from the end of that.

        Raises
        ------
        CheckError
            When the core hangs or breaks the stream contract; the message names the frame and the cycle, and the
            first difference on a probe.
        """
        interface = self.interface
        if words.shape[1:] != (interface.input_words, limbs_of(interface.input.width)):
            raise ValueError(
                f"words must have shape (frames, {interface.input_words}, "
                f"{limbs_of(interface.input.width)}), not {words.shape}"
            )
        if not 0 <= stall < 1:
            raise ValueError(f"stall must be at least 0 and less than 1, not {stall!r}")
        if wave is not None and not self.wave:
            raise ValueError("wave must be None for a model built without one")
        if (watch is None) != (not interface.probes):
            raise ValueError("watch must be given if and only if the interface has probes")
        frames = len(words)
        worth = max(frames // SPLIT_FRAMES, frames * interface.input_words // SPLIT_WORDS)
        parts = 1 if self.wave else max(1, min(jobs, worth, frames))
        bounds = [frames * part // parts for part in range(parts + 1)]
        limit = int(watchdog / (1 - stall) ** 2)
        with scratch() as whole:
            processes: list[Process] = []

            def report() -> None:
                if progress is not None:
                    progress(sum(process.done for process in processes), frames)

            try:
                for part in range(parts):
                    folder = whole / str(part)
                    folder.mkdir()
                    first, last = bounds[part], bounds[part + 1]
                    words[first:last].astype("<u4", copy=False).tofile(folder / "input")
                    if interface.loads:
                        (folder / "input.load").write_bytes(load)
                    if watch is not None:
                        _write_expected(folder, watch, first, last)
                    files = [str(folder / file) for file in ("input", "output", "stamps", "probe")]
                    numbers = (last - first, stall, seed + part, reset_cycles, limit, drain)
                    arguments = [str(self.model.program), *files, *map(str, numbers)]
                    if self.wave:
                        target = folder / "wave.fst"
                        arguments += [str(target), str(wave_frames), str(half_ps)]
                    processes.append(Process(arguments, folder, first, last - first, report))
                raw, stamps, journal = [], [], None
                passed: list[list[ProbeRecord]] = []
                for process in processes:
                    status, message = process.wait()
                    passed.append(_read_probes(process.folder, process.first, interface.probes, interface.probe_limbs))
                    if wave is not None and (process.folder / "wave.fst").is_file():
                        keep_wave(process.folder / "wave.fst", wave)
                    if status != 0:
                        found = watch.finding(passed[-1]) if watch is not None and passed[-1] else None
                        raise failure(status, message, process, interface.top, found)
                    raw.append(np.fromfile(process.folder / "output", "<u4").reshape(-1, interface.output_limbs))
                    stamps.append(np.fromfile(process.folder / "stamps", "<i8").reshape(-1, 3))
                    if interface.journal and journal is None:
                        journal = Journal.read(process.folder / "probejournal", interface.journal)
            finally:
                for process in processes:
                    process.kill()
        if progress is not None:
            progress(frames, frames)
        accepted, offered, taken = np.concatenate(stamps).T.copy()
        outputs = decode(np.concatenate(raw), interface.outputs)
        probes = tuple(
            ProbeRecord(
                sum(record.words for record in records),
                sum(record.wrong for record in records),
                tuple(word for record in records for word in record.first),
            )
            for records in zip(*passed, strict=True)
        )
        return Recording(outputs, accepted, offered, taken, tuple(bounds[:-1]), probes, journal)


def _write_expected(folder: Path, watch: Watch, first: int, last: int) -> None:
    """The files ``probe0``, ``probe1`` and so on of a part's frames."""
    for start in range(first, last, EXPECTED_FRAMES):
        for number, words in enumerate(watch.expected(start, min(start + EXPECTED_FRAMES, last))):
            with (folder / f"probe{number}").open("ab") as file:
                file.write(words.astype("<u4", copy=False).tobytes())


def _read_probes(folder: Path, first: int, probes: Sequence[ProbePort], limbs: int) -> list[ProbeRecord]:
    """What the bench wrote to ``probe``; nothing where it did not come that far."""
    path = folder / "probe"
    raw = path.read_bytes() if probes and path.is_file() else b""
    counts = np.frombuffer(raw, "<u8", min(2 * len(probes), len(raw) // 8)).reshape(-1, 2)
    differing = np.frombuffer(
        raw[counts.nbytes :], np.dtype([("probe", "<u4"), ("word", "<u8"), ("got", "<u4", (limbs,))])
    )
    return [
        ProbeRecord(
            int(words),
            int(wrong),
            tuple(
                (first * probes[number].words + int(entry["word"]), entry["got"][: probes[number].limbs])
                for entry in differing[differing["probe"] == number]
            ),
        )
        for number, (words, wrong) in enumerate(counts)
    ]
