"""Every unit has everything: model, logic, contract, and in its folder here the tests of each."""

from __future__ import annotations

from pathlib import Path

import pytest

import bnnhw.units
from bnnhw.units import KINDS

SOURCES = ("model.py", "rtl.py", "contract.py")
TESTS = ("test_model.py", "test_rtl.py", "bench.py", "test_bench.py", "proofs.py", "test_proofs.py")
SHARED = ("fifo", "popcount", "rom", "threshold")
"""What units share, a folder each here as well."""

UNITS = Path(bnnhw.units.__file__).parent
HERE = Path(__file__).parent


def lacking(units: Path, tests: Path, kind: str) -> list[str]:
    """The files that the unit of a kind should have and has not."""
    folders = ((units, f"bnnhw/units/{kind}", SOURCES), (tests, f"rtl_tests/{kind}", TESTS))
    return [f"{name}/{file}" for root, name, files in folders for file in files if not (root / kind / file).is_file()]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_unit_is_complete(kind: str) -> None:
    assert lacking(UNITS, HERE, kind) == []


def test_every_folder_is_a_unit() -> None:
    folders = {path.parent.name for path in UNITS.glob("*/__init__.py")}
    assert folders == set(KINDS)


@pytest.mark.parametrize("name", SHARED)
def test_shared_part_has_its_tests(name: str) -> None:
    assert (HERE / name / "test_rtl.py").is_file()


@pytest.mark.parametrize(
    "file", [*(f"bnnhw/units/twist/{f}" for f in SOURCES), *(f"rtl_tests/twist/{f}" for f in TESTS)]
)
def test_what_a_unit_lacks_is_named(tmp_path: Path, file: str) -> None:
    """A unit of the test's own, whole but for one file."""
    for name in SOURCES:
        _touch(tmp_path / "bnnhw" / "units" / "twist" / name)
    for name in TESTS:
        _touch(tmp_path / "rtl_tests" / "twist" / name)
    units, tests = tmp_path / "bnnhw" / "units", tmp_path / "rtl_tests"
    assert lacking(units, tests, "twist") == []
    (tmp_path / file).unlink()
    assert lacking(units, tests, "twist") == [file]


def _touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
