"""The structure of an XNOR-popcount: which lanes are counted together, by what, and in which cycle.

The cost of counting ``n`` lanes ``XNOR(x, w)`` in 4-input look-up tables is decided by three facts:

- A full adder of three bits is two LUT4, and one of its inputs may be a lane: ``XNOR(x, w)`` is absorbed, because
  ``a, b, x, w`` are four inputs. A lane that is no third input of such an adder costs a LUT4 of its own.
- Joining two k-bit counts by such adders costs ``2k`` LUT4 and counts one lane more ("ripple"); on a carry chain it
  costs one cell per output bit and counts none ("chain").
- So groups of 3, 7 and 15 lanes are built by ripples (4, 12 and 30 LUT4: 1.33, 1.71 and 2.00 a lane), and wider ones
  by chains.

Where ``w`` is a constant a lane is a bit, inverted or not, and costs nothing by itself: three of them are a full adder
of two LUT4, and groups of 3, 7 and 15 take 2, 8 and 22 (0.67, 1.14 and 1.47 a lane). A chain may count a lane more as
well, by its carry input, for one cell ("carry").

:func:`plan` searches the cheapest structure for a width; :mod:`bnnhw.rtl.popcount` builds exactly that structure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from bnnhw.devices import Technology

__all__ = ["CounterPlan", "plan"]


@dataclass(frozen=True)
class CounterPlan:
    """One node of the structure; counts ``lanes`` lanes, taken in order: children's first, its own last.

    Parameters
    ----------
    kind : str
        A leaf: ``"lane"``, ``"pair"``, ``"triple"``. Two children and one lane: ``"ripple"``, ``"carry"``. Two:
        ``"chain"``.
    lanes : int
    children : tuple of CounterPlan
    luts : int
        LUT4, this node and everything below it.
    levels : int
        LUT4 levels of this node alone; 0 for a chain of either kind, which has a cycle of its own.
    stage : int
        Cycle, counted from the lanes' own, in which this node's inputs are consumed.
    level : int
        LUT4 levels passed in that cycle when this node's output is ready.
    waiting : int
        Of lanes of constant weights: registers in which lanes and counts wait without a LUT4 in front, this node and
        everything below it.
    """

    kind: str
    lanes: int
    children: tuple[CounterPlan, ...]
    luts: int
    levels: int
    stage: int
    level: int
    waiting: int = 0

    @property
    def bits(self) -> int:
        """Width of the count."""
        return self.lanes.bit_length()

    @property
    def chains(self) -> int:
        """Carry chains, this node's and those below it."""
        return (self.kind in ("chain", "carry")) + sum(child.chains for child in self.children)

    @property
    def latency(self) -> int:
        """Cycles from the lanes to the registered count."""
        return self.stage + 1

    @property
    def lane_stages(self) -> tuple[int, ...]:
        """In which cycle, counted from the first, each lane is due."""
        below = tuple(stage for child in self.children for stage in child.lane_stages)
        return below + (self.stage,) * self.own_lanes

    @property
    def own_lanes(self) -> int:
        """Lanes this node takes itself."""
        return self.lanes - sum(child.lanes for child in self.children)


def _join(kind: str, left: CounterPlan, right: CounterPlan, tech: Technology, most: int) -> CounterPlan:
    """``most``: LUT4 between two registers."""
    stage = max(left.stage, right.stage)
    level = max(c.level for c in (left, right) if c.stage == stage)
    lanes = left.lanes + right.lanes + (kind != "chain")
    bits = lanes.bit_length()
    if kind != "ripple":
        cost, levels = -(-(bits + (kind == "carry")) // tech.chain_cell) * tech.chain_cell, 0
        # A chain consumes registered counts, and its own sum is registered again.
        made = CounterPlan(kind, lanes, (left, right), left.luts + right.luts + cost, levels, stage + 1, most)
        return replace(made, waiting=_waiting(made))
    width = max(left.bits, right.bits)
    cost, levels = width + bits - 1, width
    if level + levels > most:
        stage, level = stage + 1, 0
    made = CounterPlan(kind, lanes, (left, right), left.luts + right.luts + cost, levels, stage, level + levels)
    return replace(made, waiting=_waiting(made))


def _waiting(node: CounterPlan) -> int:
    """Registers of a node's lanes, and of its children's counts but for the first behind each, and those below."""
    found = node.own_lanes * node.stage
    for child in node.children:
        cycles = node.stage - child.stage
        found += child.waiting + child.bits * (cycles if child.kind == "lane" else max(cycles - 1, 0))
    return found


def _leaf(kind: str, lanes: int, luts: int, levels: int) -> CounterPlan:
    return CounterPlan(kind, lanes, (), luts, levels, 0, levels)


_LEAVES = {
    # LUT4 and levels of one, two and three lanes; of constant weights a lane is a wire.
    False: (("lane", 1, 1), ("pair", 2, 1), ("triple", 4, 3)),
    True: (("lane", 0, 0), ("pair", 2, 1), ("triple", 2, 1)),
}


@cache
def plan(lanes: int, tech: Technology, constant: bool = False) -> CounterPlan:
    """The cheapest structure that counts ``lanes`` lanes; of equally cheap ones the one with the least latency.

    ``constant``: whether weights are constants. Then a register that only waits costs what it does on the technology.
    """
    if lanes < 1:
        raise ValueError(f"lanes must be positive, not {lanes}")
    if lanes <= 3:
        kind, luts, levels = _LEAVES[constant][lanes - 1]
        return _leaf(kind, lanes, luts, levels)
    most = tech.quick_levels if constant else tech.levels
    candidates: list[CounterPlan] = []
    # Past 64 lanes only near-even splits and those on whole groups of 15 can be cheapest; the rest is not searched.
    for kind, rest in (("ripple", lanes - 1), ("chain", lanes), *([("carry", lanes - 1)] if constant else [])):
        if kind == "ripple" and lanes > 31:
            continue
        for left in range(-(-rest // 2), rest):
            if kind == "ripple" and max(plan(part, tech, constant).bits for part in (left, rest - left)) > most:
                continue
            if lanes <= 64 or left - rest // 2 <= 16 or (left % 15 == 0 and rest - left <= 64):
                parts = plan(left, tech, constant), plan(rest - left, tech, constant)
                candidates.append(_join(kind, *parts, tech, most))
    if not constant:
        return min(candidates, key=lambda c: (c.luts, c.stage, c.children[0].lanes))

    def cost(made: CounterPlan) -> int:
        return made.luts + tech.lone_register * made.waiting + tech.chain_start * made.chains

    return min(candidates, key=lambda c: (cost(c), c.stage, c.children[0].lanes))
