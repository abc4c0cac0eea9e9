"""The faults that can be planted in a module: an operator, a comparison, a constant, a sign, a condition."""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["faults", "planted"]

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd, ast.Pow: ast.Mult,
}  # fmt: skip
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


class _Places(ast.NodeVisitor):
    """The expressions of a module that are computed: not annotations, not texts of errors, not ``__all__``.

    Nor the -1 of a reshape: NumPy takes any negative length for what is left.
    """

    def __init__(self) -> None:
        self.found: list[ast.AST] = []
        self._shape = False

    def generic_visit(self, node: ast.AST) -> None:
        self.found.append(node)
        super().generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        pass

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        pass

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not (isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"):
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        defaults = [default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None]
        for child in (*defaults, *node.body):
            self.visit(child)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for child in node.body:
            self.visit(child)

    def visit_keyword(self, node: ast.keyword) -> None:
        # Lengths that differ are an error nobody means to meet.
        if node.arg != "strict":
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.found.append(node)
        self.visit(node.func)
        outside = self._shape
        self._shape = isinstance(node.func, ast.Attribute) and node.func.attr == "reshape"
        for argument in (*node.args, *node.keywords):
            self.visit(argument)
        self._shape = outside

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if not (self._shape and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)):
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        pass


def _becomes(old: object, new: type) -> str:
    return f"{type(old).__name__} -> {new.__name__}"


def _faults(node: Any) -> Iterator[tuple[str, Callable[[Any], None]]]:
    """What can be done to one node: words, and the function that does it."""
    match node:
        case ast.Compare():
            for i, operator in enumerate(node.ops):
                other = COMPARISONS[type(operator)]
                yield _becomes(operator, other), lambda n, i=i, other=other: n.ops.__setitem__(i, other())
        case ast.BinOp() if type(node.op) in OPERATORS and not isinstance(node.left, ast.Constant | ast.JoinedStr):
            swapped = OPERATORS[type(node.op)]
            yield _becomes(node.op, swapped), lambda n: setattr(n, "op", swapped())
        case ast.BoolOp():
            joined = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield _becomes(node.op, joined), lambda n: setattr(n, "op", joined())
        case ast.Constant(value=bool() as value):
            yield f"{value} -> {not value}", lambda n: setattr(n, "value", not value)
        case ast.Constant(value=int() as value):
            yield f"{value} -> {value + 1}", lambda n: setattr(n, "value", value + 1)
        case ast.UnaryOp(op=ast.Not()):
            yield "not left out", lambda n: setattr(n, "operand", ast.UnaryOp(ast.Not(), n.operand))
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield "minus left out", lambda n: setattr(n, "op", ast.UAdd())
        case ast.If() | ast.IfExp() | ast.While():
            yield "condition negated", lambda n: setattr(n, "test", ast.UnaryOp(ast.Not(), n.test))
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            yield f"{name} -> {CALLS[name]}", lambda n: setattr(n.func, "id", CALLS[name])
        case _:
            return


def _planters(tree: ast.Module) -> Iterator[tuple[int, str, Callable[[], None]]]:
    places = _Places()
    places.visit(tree)
    for node in places.found:
        for what, plant in _faults(node):
            yield node.lineno, what, functools.partial(plant, node)  # type: ignore[attr-defined]


def faults(source: str) -> list[tuple[int, str]]:
    """Line and words of every fault that a module can have, in the order of its text."""
    return [(line, what) for line, what, _ in _planters(ast.parse(source))]


def planted(source: str, index: int) -> ast.Module:
    """The module with one of its :func:`faults`."""
    tree = ast.parse(source)
    next(itertools.islice(_planters(tree), index, None))[2]()
    return ast.fix_missing_locations(tree)
