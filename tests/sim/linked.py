"""Frames through the pins of a simulated board, by the host of its link."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bnnhw import reference
from bnnhw.errors import CheckError
from bnnhw.links import BoardLink
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.sim.board import SimulatedPort
from tests.build.networks import source
from tests.sim.virtual import FOLDED, NETWORK

__all__ = ["check_frames"]


def check_frames(port: SimulatedPort, link: BoardLink, frames: int = 20) -> float:
    """Random frames: every class and score is the reference's; simulated seconds per frame."""
    device: Any = link.host(port, port.clock)
    # The family decides what the network is made of, and the first 32 bits of the identity are of the network.
    assert device.info.identity == int(source(FOLDED, "ice40").identity[:8], 16)
    codes = np.random.default_rng(5).integers(0, 16, (frames, 64)).astype(np.uint8)
    due = reference.evaluate(NETWORK, codes)
    start = port.clock()
    found = list(device.run(pack_codes(row, 4) for row in codes))
    assert [answer.index for answer in found] == due.classes.tolist()
    assert [answer.score for answer in found] == due.scores.max(axis=1).tolist()
    assert (device.resent, port.faults) == (0, 0)
    with pytest.raises(CheckError, match=r"program it first$"):
        device.check(1, 32, 10)
    return (port.clock() - start) / frames
