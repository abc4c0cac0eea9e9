"""A pytest plugin that plants one fault as the module is imported: ``BNNHW_MUTANT=bnnhw.ir.types:17``.

Nothing on disk changes, so that a run that is cut short leaves nothing behind.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from mutation.mutants import planted

__all__: list[str] = []


class _Loader(SourceFileLoader):
    """Compiles the module with its fault, past the cache of compiled files."""

    def __init__(self, name: str, path: str, index: int) -> None:
        super().__init__(name, path)
        self.index = index

    def get_code(self, fullname: str) -> CodeType:
        return compile(planted(Path(self.path).read_text(), self.index), self.path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, name: str, index: int) -> None:
        self.name, self.index = name, index

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self.index)
        return spec


_name, _, _index = os.environ["BNNHW_MUTANT"].partition(":")
assert _name not in sys.modules, f"{_name} was imported before its fault could be planted"
sys.meta_path.insert(0, _Finder(_name, int(_index)))
