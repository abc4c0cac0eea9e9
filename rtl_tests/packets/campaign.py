"""A link of packets on a line that damages what passes: the emitted Verilog in Verilator, the host's own code.

The line (``faults.cpp``, and what a link brings) flips, loses and doubles bits and bytes, and is stuck, in both
directions. Every frame must be answered right or be reported.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from amaranth.lib import wiring

from bnnhw.devices import technology
from bnnhw.errors import CheckError
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from bnnhw.sim import model
from tests.build.networks import random_folded

__all__ = ["EVERY", "FAULTS", "FOLDED", "FaultyLine", "Outcome", "Pipes", "campaign", "compiled"]

FAULTS = {
    "flip": "one bit inverted",
    "flips": "a bit and about 5 of the 59 behind it inverted",
    "burst": "2 to 32 bits, the first, the last and half of the others inverted",
    "noise": "33 to 432 bits at random",
    "drop": "1 to 3 bits lost",
    "double": "1 to 3 bits doubled",
    "low": "stuck at 0 for 1 to 400 bits",
    "high": "stuck at 1 for 1 to 400 bits",
    "lose byte": "1 to 3 bytes lost",
    "double byte": "1 to 3 bytes doubled",
}
"""What a line does, each kind in both directions; the order is that of ``Kind`` in ``faults.cpp``."""

FOLDED = random_folded([32, 16, 10], [(1, 4), (1, 4)], seed=5)
"""Frames of 4 bytes, 10 classes; 128 cycles per frame."""

EVERY = 400
"""Bits from fault to fault in each direction, on average: that of three packets."""


@dataclass(frozen=True)
class Outcome:
    """What became of the frames of a campaign.

    Parameters
    ----------
    frames : int
        All of them were answered in the end.
    faults_in, faults_out : int
        That the line had.
    resent : int
        Frames that were sent more than once, each time counted.
    reported : int
        Errors that the host raised; its frames without an answer were sent by another host.
    wrong : int
        Results taken as right that were not.
    """

    frames: int
    faults_in: int
    faults_out: int
    resent: int
    reported: int
    wrong: int

    def as_dict(self) -> dict[str, int]:
        """The figures by their names."""
        return asdict(self)


class Pipes:
    """A simulated line, over its standard input and output."""

    def __init__(self, program: Path, seed: int, every: int, kinds: int) -> None:
        self._process: Any = subprocess.Popen(
            [program, str(seed), str(every), str(kinds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def say(self, data: bytes) -> None:
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def hear(self, size: int) -> bytes:
        return self._process.stdout.read(size)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class LinePort(Protocol):
    """The port of a host at a faulty line."""

    def faults(self) -> tuple[int, int]: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class FaultyLine:
    """A link on a faulty line.

    Parameters
    ----------
    faults : dict of str to str
        What its line does, in the order of ``Kind``.
    open : callable
        Seed, bits between faults and a mask of kinds -> the port.
    host : callable
        A host at that port; :class:`~bnnhw.errors.CheckError` where a line is so bad that it finds no board.
    """

    faults: dict[str, str]
    open: Callable[[int, int, int], Any]
    host: Callable[[Any], Device]

    def hosts(self, port: Any) -> Iterator[Device | None]:
        """Hosts, one after another; None for one that finds no board."""
        while True:
            try:
                yield self.host(port)
            except CheckError:
                yield None


def compiled(name: str, make: Callable[[Any], wiring.Component], main: str) -> Path:
    """The simulation of a link around the campaign's accelerator; ``main`` is C++ behind ``faults.cpp``."""
    link = make(Accelerator(FOLDED.graph(technology("generic"))))
    faults = Path(__file__).with_name("faults.cpp").read_text(encoding="utf-8")
    return model.build({f"{name}.v": verilog(link, name)}, name, faults + main).program


def campaign(line: FaultyLine, kinds: tuple[str, ...], frames: int, seed: int, every: int = EVERY) -> Outcome:
    """Random frames through a link, on a line with faults of some kinds; every result compared with the reference."""
    network = FOLDED.network
    codes = np.random.default_rng(seed).integers(0, 2, (frames, network.input.elements)).astype(np.uint8)
    scores = evaluate(network, codes)
    right = list(zip(scores.classes.tolist(), scores.best.tolist(), strict=True))
    packed = [pack_codes(row, network.input.dtype.bits) for row in codes]
    port = line.open(seed, every, sum(1 << list(line.faults).index(kind) for kind in kinds))
    answered = resent = reported = wrong = 0
    try:
        for host in line.hosts(port):
            if host is None:
                reported += 1
                continue
            try:
                for result in host.run(iter(packed[answered:])):
                    wrong += (result.index, result.score) != right[answered]
                    answered += 1
            except CheckError:
                reported += 1
            resent += host.resent
            if answered == frames:
                break
        return Outcome(frames, *port.faults(), resent, reported, wrong)
    finally:
        port.close()
