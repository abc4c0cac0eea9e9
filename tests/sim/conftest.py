"""Compiled models that the tests of this folder share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bnnhw.sim.harness import Harness
from tests.needs import needs
from tests.sim.core import CORE, WORDS, Make, interface


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of compiled models that all tests share, of all workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "models"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def make_core(cache: Path) -> Make:
    """Builds the core: its width, the cycles it waits, the offset of its score, and a fault to plant in it."""
    needs("verilator", "c++")

    def make(
        width: int, wait: int = 5, offset: int = 20, score_width: int = 12, fault: str = "", wave: bool = False
    ) -> Harness:
        text = CORE.format(words=WORDS, wait=wait, offset=offset, msb=width - 1, score_msb=score_width - 1, fault=fault)
        return Harness({"core.v": text}, interface(width, score_width), cache=cache, wave=wave)

    return make
