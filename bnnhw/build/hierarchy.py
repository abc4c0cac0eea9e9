"""Which modules of a design are worth keeping apart until they are mapped."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["repeated_modules"]

_LINE = re.compile(r"(?m)^(?:module|  cell) (\\\S+)")


def repeated_modules(texts: Iterable[str], top: str) -> tuple[str, ...]:
    """Modules that are instantiated more than once, but not those that occur only inside such a module.

    Synthesis that maps these once each and flattens everything else before mapping does no work twice, and
    still optimizes across all other boundaries: with every boundary kept, a 64-128-64-10 network took
    3149 LUT4, with these kept 3046, flat 2893.

    Parameters
    ----------
    texts : iterable of str
        RTLIL; cells of modules that none of them holds are primitives.

    Returns
    -------
    tuple of str
        RTLIL names (with their backslash), sorted.
    """
    children: dict[str, list[str]] = {}
    for text in texts:
        module: list[str] = []
        for match in _LINE.finditer(text):
            if match[0].startswith("module"):
                module = children.setdefault(match[1], [])
            else:
                module.append(match[1])
    instances: Counter[str] = Counter(cell for cells in children.values() for cell in cells if cell in children)
    kept: set[str] = set()
    seen: set[str] = set()
    waiting = [f"\\{top}"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for cell in children.get(name, ()):
            if instances[cell] > 1:
                kept.add(cell)
            elif cell in children:
                waiting.append(cell)
    return tuple(sorted(kept))
