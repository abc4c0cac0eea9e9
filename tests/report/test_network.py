"""The network as a graph: where boxes are, how branches fork and meet."""

from __future__ import annotations

from bnnhw.flow.show import describe
from bnnhw.report.network import APART, GAP, HEIGHT, JOIN, WIDTH, WIRE, picture
from tests.report.residual import residual_network
from tests.report.test_report import FOLD, NETWORK


def test_boxes_share_the_slowest_layer() -> None:
    drawn = picture(NETWORK, FOLD)
    first, second = drawn.boxes
    assert (first.share, second.share) == (1.0, 4 / 512)
    assert (first.rows, first.columns, second.rows, second.columns) == (4, 4, 8, 8)
    assert (second.x, second.y) == (WIDTH + GAP, 0)
    assert (first.folding, second.folding) == ("PE 4 × SIMD 4, block", "PE 10 × SIMD 32, lut, bit-serial")
    assert (drawn.width, drawn.height, drawn.joins) == (2 * WIDTH + GAP, HEIGHT, [])
    assert picture({}, {}).boxes == []


def test_branches_are_below_each_other() -> None:
    drawn = picture(describe(residual_network().folded().network), {})
    boxes = {box.name: box for box in drawn.boxes}
    # An identity is a wire below the body.
    assert (boxes["residual0_body_quantize0"].x, boxes["residual0_body_quantize0"].y) == (GAP, 0)
    plus = drawn.joins[0]
    assert (plus.sign, plus.title) == ("+", "residual0")
    assert (plus.x, plus.y) == (GAP + 2 * WIDTH + 2 * GAP + JOIN, HEIGHT // 2)
    low = HEIGHT + APART + WIRE - WIRE // 2
    assert (
        f"M{GAP} {low} H{plus.x - 12} Q{plus.x} {low} {plus.x} {low - 12} V{plus.y + JOIN + 3}",
        True,
    ) in drawn.wires
    # A shortcut with a layer begins where the body does.
    body, shortcut = boxes["residual2_body_quantize0"], boxes["residual2_shortcut_quantize0"]
    assert (shortcut.x, shortcut.y) == (body.x, HEIGHT + APART)
    # Branches inside of branches: the second one is below all of the first.
    first, second = boxes["concat4_first_residual0_body_quantize0"], boxes["concat4_second_quantize0"]
    assert (second.x, second.y) == (first.x, HEIGHT + APART + WIRE + APART)
    assert [join.title for join in drawn.joins] == ["residual0", "residual2", "concat4_first_residual0", "concat4"]
    assert drawn.joins[-1].sign == "‖"
    assert drawn.height == second.y + HEIGHT
    assert boxes["concat4_first_residual0_body_quantize0"].title == "…al0_body_quantize0"
    # No two boxes on each other, all inside.
    places = [(box.x, box.y) for box in drawn.boxes]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) + WIDTH == drawn.width


def test_a_branch_that_begins_the_network() -> None:
    rows = [
        {"name": "r", "kind": "residual", "inputs": 4, "outputs": 4, "residual": None, "branch": None},
        {"name": "a", "kind": "conv", "inputs": 4, "outputs": 4, "residual": "r", "branch": "body"},
    ]
    drawn = picture({"layers": rows}, {})
    assert drawn.wires[0] == (f"M0 {HEIGHT // 2} H{GAP - 3}", True)
