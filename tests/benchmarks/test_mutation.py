"""Planted faults: every one changes the module, and the module that is imported has it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = '''"""Words with a 1."""
SIZES = (1, 2)
def rest(value: int, width: int = 8, *, signed: bool = False) -> int:
    """1 < 2."""
    if value < 0 and not signed:
        raise ValueError(f"{value + 1} must be at least 0")
    return -value % (width - 1)
'''
FAULTS = [
    (2, "1 -> 2"), (2, "2 -> 3"), (3, "8 -> 9"), (3, "False -> True"), (5, "condition negated"), (5, "And -> Or"),
    (5, "Lt -> LtE"), (5, "0 -> 1"), (5, "not left out"), (7, "Mod -> FloorDiv"), (7, "minus left out"),
    (7, "Sub -> Add"), (7, "1 -> 2"),
]  # fmt: skip


@pytest.fixture
def mutation(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(root / "benchmarks")


@pytest.mark.usefixtures("mutation")
def test_faults() -> None:
    from mutation.mutants import faults, planted

    assert faults(SOURCE) == FAULTS
    plain = ast.unparse(ast.parse(SOURCE))
    different = {ast.unparse(planted(SOURCE, index)) for index in range(len(FAULTS))}
    assert plain not in different
    assert len(different) == len(FAULTS)


@pytest.mark.usefixtures("mutation")
def test_what_is_left_of_a_shape_is_no_fault() -> None:
    """But for other numbers of the call, and what its array and its lengths are computed with."""
    from mutation.mutants import faults

    assert faults("a.reshape(-1, 8)") == [(1, "8 -> 9")]
    assert faults("a.reshape([-1 if b else n - 1])") == [(1, "condition negated"), (1, "Sub -> Add"), (1, "1 -> 2")]
    assert faults("f(a[-1].reshape(n, -1), -1)") == [(1, "1 -> 2"), (1, "1 -> 2")]
    assert faults("a.reshape(-1, len(b[-2]))") == [(1, "2 -> 3")]


@pytest.mark.usefixtures("mutation")
def test_lines_of_no_function_run_at_import() -> None:
    from mutation.trace import runs_at_import

    assert [runs_at_import(SOURCE, line) for line in (2, 3, 5, 7)] == [True, True, False, False]


def test_an_imported_module_has_its_fault(root: Path) -> None:
    # MAX_PLANES is one more; the file is as it was.
    code = """if True:
        from pathlib import Path
        from mutation.mutants import faults
        from mutation.plugin import Planter
        path = Path("bnnhw/ir/types.py")
        lines = path.read_text().splitlines()
        index = next(i for i, (line, _) in enumerate(faults(path.read_text())) if lines[line - 1].startswith("MAX_"))
        planter = Planter(f"bnnhw.ir.types:{index}")
        from bnnhw.ir import types
        assert planter.planted
        name, _, value = lines[faults(path.read_text())[index][0] - 1].partition(" = ")
        assert getattr(types, name) == eval(value) + 1
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "benchmarks")))}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_function_that_is_imported_already_gets_its_fault(root: Path) -> None:
    # However it is referred to; what runs at import can't be replaced, and nothing is.
    code = """if True:
        from pathlib import Path
        from bnnhw.ir.types import MAX_PLANES, DataType, narrowest as kept
        from mutation.mutants import faults
        from mutation.session import replace
        lines = Path("bnnhw/ir/types.py").read_text().splitlines()
        found = [(lines[line - 1], what) for line, what in faults(chr(10).join(lines))]
        def index(text, what):
            return next(i for i, (line, w) in enumerate(found) if text in line and w == what)
        assert kept(0, 3) == (2, False) and DataType("int", 4).minimum == -8
        assert replace(f"bnnhw.ir.types:{index('if low < 0', 'condition negated')}")
        assert kept(0, 3) == (3, True)
        assert replace(f"bnnhw.ir.types:{index('bipolar', 'Sub -> Add')}")
        assert DataType("int", 4).minimum == -32
        assert not replace(f"bnnhw.ir.types:{index('MAX_PLANES = ', f'{MAX_PLANES} -> {MAX_PLANES + 1}')}")
    """
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "benchmarks")))}
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
