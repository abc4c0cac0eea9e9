"""The serial link on a line that damages what passes: the emitted Verilog in Verilator, the host's own code.

The line (``faulty_line.cpp``) flips, loses and doubles bits and bytes, and is stuck, in both directions. Every frame
must be answered right or be reported.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bnnhw.devices import technology
from bnnhw.errors import CheckError
from bnnhw.links.packets.device import Device
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.links.uart.gateware import UartLink
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import verilog
from bnnhw.sim import model
from tests.build.networks import random_folded

__all__ = ["FAULTS", "FOLDED", "Outcome", "campaign"]

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
"""What the line does, each kind on both wires; a bit of a fault may be a start bit, a stop bit or a pause."""

FOLDED = random_folded([32, 16, 10], [(1, 4), (1, 4)], seed=5)
"""Frames of 4 bytes, 10 classes; 128 cycles per frame, a packet takes 520."""

DIVISOR = 4
EVERY = 400
"""Bits from fault to fault on each wire, on average: that of three packets."""

TIMEOUT = 40 * DIVISOR
"""The board's: 4 bytes of silence. Times stand in the order of the real ones, and are shorter."""

QUIET = 64 * DIVISOR
PATIENCE = 30 * DIVISOR
REPLY = 600 * DIVISOR
"""Cycles that the host waits: for the line to be quiet, in one read, for a reply."""

_READY = struct.Struct("<QI")


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


class _Port:
    """The host's port at the faulty line; its time is the simulation's, in cycles."""

    def __init__(self, program: Path, seed: int, every: int, kinds: int) -> None:
        self._process: Any = subprocess.Popen(
            [program, str(seed), str(every), str(kinds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._waiting = b""
        self.now = 0

    def clock(self) -> float:
        return self.now

    def write(self, data: bytes, /) -> int:
        self._waiting += b"w" + struct.pack("<I", len(data)) + data
        return len(data)

    def read(self, size: int = 1, /) -> bytes:
        del size
        self._say(b"r" + struct.pack("<Q", PATIENCE))
        self.now, count = _READY.unpack(self._process.stdout.read(_READY.size))
        return self._process.stdout.read(count)

    def faults(self) -> tuple[int, int]:
        self._say(b"s")
        there, back = struct.unpack("<QQ", self._process.stdout.read(16))
        return there, back

    def _say(self, data: bytes) -> None:
        self._process.stdin.write(self._waiting + data)
        self._process.stdin.flush()
        self._waiting = b""

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@cache
def _program() -> Path:
    """The compiled simulation."""
    # Its streams come from its signature, where a type checker can't see them.
    accelerator: Any = Accelerator(FOLDED.graph(technology("generic")))
    link = UartLink(
        accelerator, classes=FOLDED.network.output.classes, divisor=DIVISOR, timeout=TIMEOUT, identity=0xCAFE0001
    )
    main = Path(__file__).with_name("faulty_line.cpp").read_text(encoding="utf-8")
    text = main.replace("DIVISOR;", f"{DIVISOR};", 1)
    return model.build({"uart_link.v": verilog(link, "uart_link")}, "uart_link", text).program


def _hosts(port: _Port) -> Iterator[Device | None]:
    """Hosts, one after another; None where a line is so bad that one finds no board."""
    while True:
        try:
            yield Device(port, timeout_s=REPLY, quiet_s=QUIET, clock=port.clock)
        except CheckError:
            yield None


def campaign(kinds: tuple[str, ...], frames: int, seed: int, every: int = EVERY) -> Outcome:
    """Random frames through the link, on a line with faults of some kinds; every result compared with the reference."""
    network = FOLDED.network
    codes = np.random.default_rng(seed).integers(0, 2, (frames, network.input.elements)).astype(np.uint8)
    scores = evaluate(network, codes)
    right = list(zip(scores.classes.tolist(), scores.best.tolist(), strict=True))
    packed = [pack_codes(row, network.input.dtype.bits) for row in codes]
    mask = sum(1 << list(FAULTS).index(kind) for kind in kinds)
    port = _Port(_program(), seed, every, mask)
    answered = resent = reported = wrong = 0
    try:
        for host in _hosts(port):
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
