"""The proofs of window units: each branch of the walk, padding, strides that leave a rest, both orders."""

from __future__ import annotations

from collections.abc import Callable

from bnnhw.devices import technology
from bnnhw.ir import Window
from bnnhw.units.window.contract import WindowContract
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.rtl import WindowGenerator
from rtl_tests.formal.case import Case

__all__ = ["PROOFS"]


def _window(window: Window, lanes: int, padding_code: int, order: str = "vector") -> Callable[[], WindowGenerator]:
    model = WindowUnit(window, 1, lanes, padding_code, order, technology("generic"))
    return lambda: WindowGenerator(model)


PROOFS: dict[str, Case] = {
    "window-smallest": Case(WindowContract, _window(Window(1, 1, 1, (1, 1)), 1, 0), quick=True),
    "window-rest": Case(WindowContract, _window(Window(1, 1, 3, (1, 1), (1, 2)), 1, 0), quick=True, faults=8),
    "window": Case(WindowContract, _window(Window(1, 1, 3, (1, 2)), 1, 0), faults=8),
    # The first frame takes 5 to 9 cycles; that of the padded plane 19, of which the bound sees 12 of 16 words.
    "window-padded-13": Case(
        WindowContract, _window(Window(1, 1, 2, (1, 2), padding=(0, 1, 0, 1)), 1, 1), cycles=13, quick=True, faults=8
    ),
    "window-rest-16": Case(WindowContract, _window(Window(1, 1, 4, (1, 2), (1, 3)), 1, 0), cycles=16),
    "window-rows-16": Case(WindowContract, _window(Window(1, 2, 2, (2, 1)), 1, 0), cycles=16),
    "window-channels-16": Case(WindowContract, _window(Window(2, 1, 2, (1, 2)), 1, 0, "channels"), cycles=16),
    "window-padded-plane-16": Case(
        WindowContract, _window(Window(1, 2, 2, (2, 2), padding=(1, 0, 0, 1)), 1, 0), cycles=16
    ),
}
