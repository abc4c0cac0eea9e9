"""What keeps of scores only their order: Softmax, ArgMax, TopK and their kin, which can but end a graph.

A network ends in scores, so these nodes leave nothing in it: the class that they say is that of the highest score, the
lowest index on a tie, before them as well as behind them. What may stand behind them stands in :data:`BEHIND`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from bnnhw.errors import UnsupportedError
from bnnhw.frontend.onnx.call import HANDLERS, QUANT_DOMAINS, Call, handles
from bnnhw.frontend.onnx.stepped import add_step
from bnnhw.frontend.onnx.streams import as_integers
from bnnhw.frontend.onnx.values import Constant, Elements, Integers, Product, Ranked, Streamed, Value
from bnnhw.ir.steps import Scale

__all__ = ["BEHIND", "behind"]


def _scores(call: Call) -> tuple[Streamed, tuple[str, ...]]:
    """The scores that a node compares, and what was said of them."""
    value = call.take(0, "input", Product, Integers, Elements, Ranked)
    if not isinstance(value, Ranked):
        return value, ()
    if value.chosen:
        raise call.unsupported(f"its input must be one number per class, not what {value.what} gives")
    return value.scores, value.notes


def _check_axis(call: Call, scores: Streamed, default: int, coerced: bool = False) -> None:
    """Refuse a node that does not compare all the classes of a frame.

    Parameters
    ----------
    call : Call
    scores : Streamed
    default : int
        Of the axis.
    coerced : bool
        Whether the axes behind it count too, as of a Softmax before opset 13.
    """
    frame = scores.index.shape
    rank = 1 + len(frame)
    axis = call.attribute("axis", default)
    if not -rank <= axis < rank:
        raise call.unsupported(f"its axis must be in {-rank}..{rank - 1}, not {axis}")
    sizes = ("batch", *frame)
    along = frame[axis % rank - 1 :] if coerced else frame[axis % rank - 1 : axis % rank]
    if axis % rank == 0 or np.prod(along) != scores.index.size:
        what = "frames" if axis % rank == 0 else f"{int(np.prod(along))} of {scores.index.size} numbers"
        raise call.unsupported(
            f"its axis must be that of the classes; {axis} of ({', '.join(map(str, sizes))}) compares {what} with each "
            "other"
        )
    if scores.index.size == 1:
        raise call.unsupported(
            "of a single score it always gives the same: end the graph before it, and the class is 1 where the score "
            "is not negative"
        )


@handles("Softmax", "LogSoftmax")
def _softmax(call: Call) -> Value:
    """Rises with every score, by the same for all classes."""
    scores, notes = _scores(call)
    coerced = call.opset < 13
    _check_axis(call, scores, 1 if coerced else -1, coerced)
    return Ranked(scores, str(call.node), notes=notes)


def _turned(call: Call, scores: Streamed) -> Streamed:
    """The negated scores."""
    integers = as_integers(call, scores)
    return add_step(call, integers, Scale(np.full(integers.neurons, -1.0)))


@handles("ArgMax", "ArgMin")
def _arg_max(call: Call) -> Value:
    """The class itself; of the lowest score that of the highest of the negated ones."""
    scores, notes = _scores(call)
    _check_axis(call, scores, 0)
    call.require("keepdims", call.attribute("keepdims", 1), 0, 1)
    if call.attribute("select_last_index", 0):
        raise call.unsupported(
            "its select_last_index must be 0: of equal scores the class with the lowest index counts"
        )
    scores = _turned(call, scores) if call.node.kind == "ArgMin" else scores
    return Ranked(scores, str(call.node), chosen=True, notes=notes)


@handles("TopK", outputs=2)
def _top_k(call: Call) -> Value:
    """The highest scores and their classes, of which a network gives the first."""
    scores, notes = _scores(call)
    _check_axis(call, scores, -1)
    if not call.attribute("largest", 1):
        raise call.unsupported("its largest must be 1: a network's class is that of its highest score")
    call.require("sorted", call.attribute("sorted", 1), 0, 1)
    k = call.scalar(1, "k") if call.input(1) is not None else call.attribute("k", 0)
    if not 1 <= k <= scores.index.size:
        raise call.unsupported(f"its k must be in 1..{scores.index.size}, not {k}")
    if k > 1 and not call.attribute("sorted", 1):
        raise call.unsupported("its sorted must be 1 for a k above 1: the first of the classes must be the best")
    return Ranked(scores, str(call.node), chosen=True, notes=notes)


BEHIND: dict[str, Callable[[Call, Ranked], Value]] = {}
"""What may stand behind a node that ranks classes, by operator."""


def _behind(*kinds: str) -> Callable[..., Callable[[Call, Ranked], Value]]:
    def register(convert: Callable[[Call, Ranked], Value]) -> Callable[[Call, Ranked], Value]:
        BEHIND.update(dict.fromkeys(kinds, convert))
        return convert

    return register


def behind(call: Call, ranked: Ranked) -> Value:
    """What a node makes of what is ranked."""
    convert = BEHIND.get(call.node.kind)
    if convert is None and ranked.refusal:
        raise UnsupportedError(ranked.refusal)
    if convert is None:
        raise call.unsupported(f"behind {ranked.what} a graph must end")
    return convert(call, ranked)


@_behind("Softmax", "LogSoftmax", "ArgMax", "ArgMin", "TopK")
def _again(call: Call, _: Ranked) -> Value:
    return HANDLERS[call.node.kind].convert(call)


@_behind("Identity", "Dropout", "Cast", "Flatten", "Reshape", "Transpose", "Squeeze", "Unsqueeze")
def _moved(call: Call, ranked: Ranked) -> Value:
    """Chosen classes in any shape; one number per class as its scores would lie."""
    if ranked.chosen:
        return ranked
    inner = HANDLERS[call.node.kind].convert(replace(call, inputs=(ranked.scores, *call.inputs[1:])))
    if not isinstance(inner, Streamed):
        raise call.unsupported(f"behind {ranked.what} a graph must end")
    return replace(ranked, scores=inner)


@_behind("Gather")
def _first(call: Call, ranked: Ranked) -> Value:
    """The first of the chosen classes."""
    if not ranked.chosen:
        raise call.unsupported("it must not pick classes: end the graph before it")
    indices = call.take(1, "index", Constant).array
    if indices.dtype.kind != "i" or indices.size != 1 or indices.reshape(()) != 0:
        raise call.unsupported("its index must be 0, the best class")
    return ranked


@_behind("Mul", "Div", "Add", "Sub")
def _scaled(call: Call, ranked: Ranked) -> Value:
    """One number for all classes, which must leave their order."""
    place = 1 if call.input(0) is ranked else 0
    if ranked.chosen or call.constant(place, "other input").size != 1:
        raise call.unsupported(f"behind {ranked.what} it must treat all classes alike: end the graph before it")
    number = Fraction(call.scalar(place, "other input"))
    falls = (call.node.kind == "Sub" and place == 0) or (call.node.kind in ("Mul", "Div") and number <= 0)
    if falls or (call.node.kind == "Div" and place == 0):
        raise call.unsupported(f"it must not turn the order of the classes round that {ranked.what} gives")
    return ranked


@_behind("Log", "Sigmoid", "Tanh")
def _rising(call: Call, ranked: Ranked) -> Value:
    """One rising function of all classes."""
    if ranked.chosen:
        raise call.unsupported(f"behind {ranked.what} a graph must end")
    return ranked


@_behind("Quant", "IntQuant", "BipolarQuant", "MultiThreshold")
def _quantized(call: Call, ranked: Ranked) -> Value:
    """A quantizer of probabilities is no function of a score: it is left out, and that is said."""
    if ranked.chosen:
        raise call.unsupported(f"behind {ranked.what} a graph must end")
    if call.node.domain not in QUANT_DOMAINS:
        raise call.unsupported(f"its domain must be one of {', '.join(QUANT_DOMAINS)}, not {call.node.domain!r:.60}")
    parameters = call.constant(1, "thresholds or scale")
    rows = parameters.reshape(1, -1) if call.node.kind == "MultiThreshold" and parameters.ndim != 2 else parameters
    one = (rows == rows[:1]).all() if call.node.kind == "MultiThreshold" else len(np.unique(rows)) == 1
    scale = call.attribute("out_scale", 1.0) if call.node.kind == "MultiThreshold" else float(np.min(rows, initial=1.0))
    if not one or scale <= 0:
        raise call.unsupported(
            f"behind {ranked.what} it must treat all classes alike, and have a positive scale: end the graph before it"
        )
    note = (
        f"{call.node}: it is left out: classes that it makes equal behind {ranked.what} are told apart by their "
        "scores; end the graph before it and nothing is left out"
    )
    return replace(ranked, notes=(*ranked.notes, note))
