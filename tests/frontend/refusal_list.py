"""The messages with which ONNX graphs are refused, as the code has them: the reason, and what to change if it says so.

    python -m tests.frontend.refusal_list

prints those that docs/models.md lacks.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

__all__ = ["documented", "raised"]

ROOT = Path(__file__).parents[2]
ERRORS = ("unsupported", "UnsupportedError", "FileError", "NetworkError")
ADVICE = (
    *("add", "compute", "end", "export", "flatten", "give", "join", "keep", "multiply", "name", "only", "pad", "put"),
    *("quantize", "reshape", "round", "save", "train", "transpose", "use"),
)
"""First words of what to change, where a message goes on with it behind a colon or a semicolon."""


def _text(node: ast.expr) -> list[str]:
    """The texts that an expression may be, what is filled in as dots."""
    match node:
        case ast.Constant():
            return [str(node.value)]
        case ast.JoinedStr():
            return ["".join(value.value if isinstance(value, ast.Constant) else "…" for value in node.values)]  # type: ignore[misc]
        case ast.BinOp():
            return [a + b for a in _text(node.left) for b in _text(node.right)]
        case ast.IfExp():
            return [*_text(node.body), *_text(node.orelse)]
        case _:
            return ["…"]


def _parts(text: str) -> tuple[str, str]:
    """The reason, and what to change."""
    place = max(text.rfind(": "), text.rfind("; "))
    advice = text[place + 2 :]
    if place > 0 and advice.split(" ", 1)[0].rstrip(",") in ADVICE:
        return text[:place], advice
    return text, ""


def raised() -> dict[str, str]:
    """What to change, or nothing, by the reason."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "bnnhw" / "frontend" / "onnx").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in ERRORS:
                found.update(_parts(text) for text in _text(node.args[0]) if re.search(r"[a-z]{3}", text))
    return found


def documented() -> dict[str, str]:
    """The same of docs/models.md."""
    text = (ROOT / "docs" / "models.md").read_text().partition("\n## Refusals")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")][1:]
    return {row[0].strip().replace("\\|", "|"): row[1].strip() for row in rows}


if __name__ == "__main__":
    for reason, advice in raised().items():
        if reason not in documented():
            sys.stdout.write(f"| {reason} | {advice} |\n")
