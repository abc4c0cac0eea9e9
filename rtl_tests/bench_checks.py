"""The cocotb tests that every unit goes through, as pytest tells them; a unit's ``test_bench.py`` says which units."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import pytest

from rtl_tests.case import BenchCase
from rtl_tests.top import tests_of

__all__ = ["BenchTests"]


@pytest.mark.xdist_group("rtl")
class BenchTests:
    """A unit's emitted Verilog through every scenario (:mod:`rtl_tests.cocotb_units`).

    Attributes
    ----------
    units : iterable of BenchCase
    """

    units: ClassVar[Iterable[BenchCase]]

    @classmethod
    def pytest_generate_tests(cls, metafunc: pytest.Metafunc) -> None:
        """Parametrize by the cocotb tests of the units."""
        names = [name for unit in cls.units for name in tests_of(unit)]
        metafunc.parametrize("cocotb_tests", [(name,) for name in names], ids=names)

    def test_bench(self, results: dict[str, str | None], cocotb_tests: tuple[str, ...]) -> None:
        for name in cocotb_tests:
            assert results[name] is None, results[name]
