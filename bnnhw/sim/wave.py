"""The wave of a simulation, sealed: so that the next one may take its place."""

from __future__ import annotations

from pathlib import Path

from bnnhw.files import seal, write_whole

__all__ = ["keep_wave"]

VERSION = slice(74, 74 + 128)
"""Where an FST file says, in text, what wrote it; format of GTKWave 3.3, header block."""


def keep_wave(made: Path, wave: Path) -> None:
    """Moves a wave that Verilator wrote to where it was asked for.

    Raises
    ------
    RequestError
        When something is there that bnnhw did not write.
    FileError
        When it can't be written.
    """
    data = bytearray(made.read_bytes())
    said = seal("wave").encode()
    data[VERSION] = said.ljust(128, b"\0")
    write_whole(wave, bytes(data), "wave")
