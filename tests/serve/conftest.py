"""The digits of the demo, imported, folded and compiled once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnnhw.flow.choose import fold
from bnnhw.flow.frames import Wanted, find_frames
from bnnhw.flow.import_ import import_model
from bnnhw.serve.app import Page, open_page
from bnnhw.serve.workbench import Workbench
from tests.needs import SIMULATION, needs


@pytest.fixture(scope="session")
def workbench(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    needs(*SIMULATION)
    network = import_model(root / "models" / "digits.onnx").network
    frames = find_frames(network, Wanted("digits"))
    return Workbench(fold(network), "digits <b>", frames, cache=tmp_path_factory.getbasetemp() / "cache" / "models")


@pytest.fixture(scope="session")
def page(workbench: Workbench) -> Iterator[Page]:
    opened = open_page(workbench, 0)
    thread = threading.Thread(target=opened.serve)
    thread.start()
    yield opened
    opened.close()
    thread.join()
