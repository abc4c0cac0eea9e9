# amaranth: UnusedElaboratable=no
"""The words that the contract asks for are those that the walk reads, which test_model.py holds to `Window.taps`."""

from __future__ import annotations

import numpy as np
import pytest

from bnnhw.devices import technology
from bnnhw.ir import Window
from bnnhw.units.window.contract import WindowContract
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.rtl import WindowGenerator


@pytest.mark.parametrize("order", ["vector", "channels"])
@pytest.mark.parametrize(
    "window", [Window(4, 3, 4, (2, 2)), Window(4, 3, 4, (2, 3), (1, 2), (2, 1), (1, 1, 1, 1)), Window(2, 1, 5, (1, 2))]
)
def test_words_under_the_window(window: Window, order: str) -> None:
    contract = WindowContract(WindowGenerator(WindowUnit(window, 1, 2, 0, order, technology("generic"))))
    timing = contract._model.timing
    assert contract._taps() == np.where(timing.inside, timing.values("index"), -1).tolist()
