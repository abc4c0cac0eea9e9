"""Counters that know where they end, and values some cycles later."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

__all__ = ["delayed", "reaches_end", "skew", "successor"]


def successor(counter: Signal, size: int) -> Value:
    """The next value of a counter that runs over ``0 .. size - 1``."""
    if size & (size - 1) == 0:
        return (counter + 1)[: len(counter)]
    return Mux(counter == size - 1, 0, counter + 1)


def reaches_end(counter: Signal, at_end: Signal, size: int) -> Value:
    """Whether a counter over ``0 .. size - 1`` steps to its last value; ``at_end`` tells that it stands there."""
    return Const(1) if size == 1 else (~at_end if size == 2 else ~at_end & (counter == size - 2))


def delayed(m: Module, value: Value, cycles: int, name: str, *, reset_less: bool = False) -> Value:
    """A value some cycles later."""
    for i in range(cycles):
        register = Signal(len(value), name=f"{name}_{i + 1}", reset_less=reset_less)
        m.d.sync += register.eq(value)
        value = register
    return value


def skew(m: Module, lanes: list[Value], stages: tuple[int, ...], name: str) -> list[Value]:
    """Each lane as many cycles later as its stage says."""
    late = list(lanes)
    for stage in range(1, max(stages) + 1):
        chosen = [k for k, s in enumerate(stages) if s >= stage]
        register = Signal(len(chosen), name=f"{name}_{stage}", reset_less=True)
        m.d.sync += register.eq(Cat(*(late[k] for k in chosen)))
        for i, k in enumerate(chosen):
            late[k] = register[i]
    return late
