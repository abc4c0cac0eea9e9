"""XNOR and popcount: how many lanes of two words agree."""

from __future__ import annotations

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology
from bnnhw.rtl.emit import shared
from bnnhw.rtl.popcount_plan import CounterPlan, plan
from bnnhw.rtl.registers import delayed

__all__ = ["Popcount"]


class _Cell(wiring.Component):
    """A few LUT4 of a popcount, a module of its own.

    The module boundary is the point: mapped alone, each becomes exactly the LUT4 its plan counts; in one sea of logic
    the technology mapper finds structures 10 % larger.

    Parameters
    ----------
    lanes : int
        Lanes it takes.
    bits : int
        Plain bits of the same weight it adds to them; lanes + bits is at most 3.

    Members
    -------
    x, w : In(lanes)
    b : In(bits)
    count : Out(2), or Out(1) of a single lane
    """

    clocked = False

    def __init__(self, lanes: int, bits: int) -> None:
        self._lanes, self._bits = lanes, bits
        super().__init__({"x": In(lanes), "w": In(lanes), "b": In(bits), "count": Out(1 if lanes + bits == 1 else 2)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_count_{self._lanes}_lanes_{self._bits}_bits"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        terms: list[Value] = [*self.b, *(~(self.x[i] ^ self.w[i]) for i in range(self._lanes))]
        if len(terms) == 1:
            m.d.comb += self.count.eq(terms[0])
        elif len(terms) == 2:
            m.d.comb += self.count.eq(Cat(terms[0] ^ terms[1], terms[0] & terms[1]))
        else:
            a, b, c = terms
            m.d.comb += self.count.eq(Cat(a ^ b ^ c, (a & b) | (c & (a ^ b))))
        return m


class Popcount(wiring.Component):
    """Counts the lanes in which two words agree: ``count = popcount(XNOR(x, w))``.

    Free running: a new pair of words is accepted in every cycle (II = 1), without handshake or reset.

    Lanes may be due later than the first ones: lane ``l`` of the words of cycle ``t`` must be given in cycle
    ``t + plan.lane_stages[l]``, because a lane that joins the sum late then needs no register to wait in.

    Parameters
    ----------
    lanes : int
        Width of the words.
    technology : Technology
        Decides the structure, :func:`bnnhw.rtl.popcount_plan.plan`, and so LUT4 and latency.

    Members
    -------
    x, w : In(lanes)
        The words.
    count : Out(bits of ``lanes``)
        Offered ``latency = plan.latency`` cycles later. Storage: one register on each count that crosses a cycle.
    """

    clocked = True

    def __init__(self, lanes: int, technology: Technology) -> None:
        self.plan = plan(lanes, technology)
        self.technology = technology
        super().__init__({"x": In(lanes), "w": In(lanes), "count": Out(self.plan.bits)})

    @property
    def module_name(self) -> str:
        return f"bnnhw_popcount_{self.plan.lanes}_{self.technology.name}"

    @property
    def latency(self) -> int:
        return self.plan.latency

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        position = 0
        serial = 0

        def cell(lanes: int, bits: tuple[Value, ...]) -> Signal:
            """Count the next ``lanes`` lanes and these bits, in a module of its own."""
            nonlocal position, serial
            serial += 1
            unit = _Cell(lanes, len(bits))
            m.submodules[f"cell_{serial}"] = shared(platform, unit)
            own = slice(position, position + lanes)
            position += lanes
            if lanes:
                m.d.comb += [unit.x.eq(self.x[own]), unit.w.eq(self.w[own])]
            if bits:
                m.d.comb += unit.b.eq(Cat(*bits))
            return unit.count

        def ripple(a: Value, b: Value) -> Value:
            """Add two counts and one lane."""
            long, short = (a, b) if len(a) >= len(b) else (b, a)
            step = cell(1, (long[0], short[0]))
            total = [step[0]]
            for i in range(1, len(long)):
                step = cell(0, (long[i], *short[i : i + 1], step[1]))
                total.append(step[0])
            return Cat(*total, step[1])

        def build(node: CounterPlan) -> Value:
            nonlocal serial
            inputs = [build(child) for child in node.children]
            serial += 1
            name = f"{node.kind}_{serial}"
            # Counts made in an earlier cycle than this node's wait in registers; a chain's own cycle is the next one.
            inputs = [
                delayed(m, value, node.stage - child.stage, f"{name}_in{i}", reset_less=True)
                for i, (value, child) in enumerate(zip(inputs, node.children, strict=True))
            ]
            count = Signal(node.bits, name=f"{name}_count")
            if node.kind == "chain":
                value = inputs[0] + inputs[1]
            elif node.kind == "ripple":
                value = ripple(inputs[0], inputs[1])
            else:
                value = cell(node.lanes, ())
            m.d.comb += count.eq(value)
            return count

        register = Signal(self.plan.bits, name="count_register", reset_less=True)
        m.d.sync += register.eq(build(self.plan))
        m.d.comb += self.count.eq(register)
        return m
