"""The plans of popcounts: what they cost is recounted from their trees, apart from the search that made them."""

from __future__ import annotations

import re

import pytest

from bnnhw.devices import FAMILIES, Technology, technology
from bnnhw.rtl.popcount_plan import CounterPlan, plan

WIDTHS = [*range(1, 73), 96, 100, 128, 144, 256]
OWN_LANES = {"lane": 1, "pair": 2, "triple": 3, "ripple": 1, "chain": 0}
CHILDREN = {"lane": 0, "pair": 0, "triple": 0, "ripple": 2, "chain": 2}

each_technology = pytest.mark.parametrize("tech", [f.technology for f in FAMILIES.values()], ids=lambda t: t.name)


def nodes(node: CounterPlan) -> list[CounterPlan]:
    return [node, *(below for child in node.children for below in nodes(child))]


def luts(node: CounterPlan, tech: Technology) -> int:
    """LUT4 by the three facts of the module's docstring, applied to a tree."""
    below = sum(luts(child, tech) for child in node.children)
    if node.kind == "chain":
        cells = -(-node.lanes.bit_length() // tech.chain_cell)
        return below + cells * tech.chain_cell
    if node.kind == "ripple":
        # A sum bit and a carry for each bit of the longer count, but no carry out that the count has no room for.
        longer = max(child.bits for child in node.children)
        return below + 2 * longer - (node.bits == longer)
    return {"lane": 1, "pair": 2, "triple": 4}[node.kind]


@each_technology
def test_a_plan_counts_every_lane_once(tech: Technology) -> None:
    for lanes in WIDTHS:
        top = plan(lanes, tech)
        assert top.lanes == lanes == sum(OWN_LANES[node.kind] for node in nodes(top))
        assert len(top.lane_stages) == lanes
        for node in nodes(top):
            assert node.own_lanes == OWN_LANES[node.kind]
            assert len(node.children) == CHILDREN[node.kind]
            assert node.bits == len(f"{node.lanes:b}")


@each_technology
def test_registers_cut_the_logic_into_levels(tech: Technology) -> None:
    """No path between two registers is longer than the technology's; nothing is consumed before it is made."""
    for lanes in WIDTHS:
        top = plan(lanes, tech)
        assert top.latency == top.stage + 1
        assert min(top.lane_stages) == 0
        assert max(top.lane_stages) <= top.stage
        for node in nodes(top):
            arriving = [child.level for child in node.children if child.stage == node.stage]
            if node.kind == "chain":
                assert all(child.stage < node.stage for child in node.children)
            else:
                assert node.level == max(arriving, default=0) + node.levels <= tech.levels
                assert all(child.stage <= node.stage for child in node.children)


@each_technology
def test_cost(tech: Technology) -> None:
    costs = []
    for lanes in WIDTHS:
        costs.append(plan(lanes, tech).luts)
        assert costs[-1] == luts(plan(lanes, tech), tech)
    assert costs == sorted(costs), "a wider popcount must not be cheaper"


@each_technology
def test_no_split_is_cheaper(tech: Technology) -> None:
    """Joining any two plans by a carry chain costs at least as much as the plan itself."""
    for lanes in range(4, 65):
        for left in range(1, lanes):
            right = lanes - left
            joined = plan(left, tech).luts + plan(right, tech).luts
            bits = lanes.bit_length()
            assert plan(lanes, tech).luts <= joined + -(-bits // tech.chain_cell) * tech.chain_cell


@pytest.mark.parametrize("lanes, cost", [(3, 4), (7, 12), (15, 30)])
def test_groups_of_the_docstring(lanes: int, cost: int) -> None:
    assert plan(lanes, technology("ice40")).luts == cost


@pytest.mark.parametrize("name", ["ice40", "ecp5"])
@pytest.mark.parametrize("lanes", [32, 64])
def test_at_most_2_4_luts_a_lane(name: str, lanes: int) -> None:
    assert plan(lanes, technology(name)).luts <= 2.4 * lanes


def test_errors() -> None:
    with pytest.raises(ValueError, match=r"^lanes must be positive, not 0$"):
        plan(0, technology("ice40"))
    message = re.escape(f"technology must be one of {', '.join(FAMILIES)}, not 'virtex'")
    with pytest.raises(ValueError, match=rf"^{message}$"):
        technology("virtex")
