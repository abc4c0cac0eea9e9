"""A simulated board behind a pseudo-terminal: any program may open it as it opens a serial port."""

from __future__ import annotations

import os
import select
from collections.abc import Generator
from contextlib import contextmanager

from bnnhw.errors import RequestError
from bnnhw.links.host import Listened

__all__ = ["IDLE_S", "SLICE_S", "pseudo_terminal", "serve"]

IDLE_S = 0.25
"""Simulated seconds without a byte after which the board stands still until one comes: above all of its timeouts."""

SLICE_S = 0.001
"""Simulated seconds between two looks at the terminal."""


@contextmanager
def pseudo_terminal() -> Generator[tuple[int, str]]:
    """Yields our end of a pseudo-terminal that hands bytes through as they are, and the name of the other end.

    Raises
    ------
    RequestError
        Where the operating system has none.
    """
    if not hasattr(os, "openpty"):
        raise RequestError("this operating system has no pseudo-terminals; bnnhw run --virtual needs none")
    import tty

    ours, theirs = os.openpty()
    try:
        tty.setraw(theirs)
        os.set_blocking(ours, False)
        # Theirs stays open here too: a program that closes it must not end it.
        yield ours, os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def serve(port: Listened, terminal: int) -> None:
    """Hands bytes between a simulated board and a terminal, until a signal ends it."""
    heard = port.clock()
    waiting = b""
    while True:
        idle = port.clock() - heard > IDLE_S
        readable, _, _ = select.select([terminal], [], [], None if idle and not waiting else 0)
        if readable:
            port.write(os.read(terminal, 4096))
            heard = port.clock()
        if received := port.read(256, wait_s=SLICE_S):
            heard = port.clock()
            waiting += received
        if waiting:
            try:
                waiting = waiting[os.write(terminal, waiting) :]
            except BlockingIOError:
                # Nobody reads: what a terminal does not hold is kept, as far as a bridge's memory goes.
                waiting = waiting[-4096:]
                if idle:
                    select.select([terminal], [terminal], [])
