"""The geometry of a window that a node slides over a map: ONNX's attributes -> :class:`~bnnhw.ir.window.Window`."""

from __future__ import annotations

from collections.abc import Sequence

from bnnhw.frontend.onnx.call import Call
from bnnhw.ir.window import Window

__all__ = ["window_of"]

MAX_SIZE = 1 << 20


def _numbers(call: Call, name: str, default: tuple[int, ...], least: int) -> tuple[int, ...]:
    values = call.attribute(name, ()) or default
    if len(values) != len(default) or any(not least <= value < MAX_SIZE for value in values):
        raise call.unsupported(
            f"its {name} must be {len(default)} numbers of at least {least} and below {MAX_SIZE}, not {values!s:.60}"
        )
    return values


def _ceiling(size: int, before: int, behind: int, span: int, stride: int) -> int:
    """The padding behind with which rounding down counts as many windows as rounding up without it.

    A window must begin inside the map or before it (PyTorch's rule, which ONNX has since operator set 19).
    """
    count = -(-(size + before + behind - span) // stride) + 1
    if (count - 1) * stride >= size + before:
        count -= 1
    return max(behind, (count - 1) * stride + span - size - before)


def window_of(
    call: Call,
    shape: tuple[int, int, int],
    axes: tuple[int, int],
    kernel: Sequence[int],
    added: Sequence[tuple[int, int]] = (),
    ceil_mode: bool = False,
) -> Window:
    """The window of a convolution or a pool.

    Parameters
    ----------
    call : Call
        Its strides, dilations, pads and auto_pad are read.
    shape : (int, int, int)
        Channels, height and width of the map.
    axes : (int, int)
        As :func:`bnnhw.frontend.onnx.streams.as_map` gives them.
    kernel : sequence of int
        One size, or two.
    added : sequence of (int, int)
        Padding before the node's own, before and behind along each dimension.
    ceil_mode : bool
        Whether a window may reach beyond the map's end.

    Raises
    ------
    UnsupportedError
    NetworkError
        The window does not fit the map.
    """
    rank = len(kernel)
    strides = _numbers(call, "strides", (1,) * rank, 1)
    dilations = _numbers(call, "dilations", (1,) * rank, 1)
    pads = list(_numbers(call, "pads", (0,) * (2 * rank), 0))
    auto = call.attribute("auto_pad", "NOTSET")
    call.require("auto_pad", auto, "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
    if auto != "NOTSET" and any(pads):
        raise call.unsupported(f"its pads must be left out with auto_pad {auto}")
    # In the order of the graph's dimensions, as all that the node says is.
    sizes = [size for axis, size in sorted(zip(axes, shape[1:], strict=True)) if axis >= 0]
    for i, (size, before_and_behind) in enumerate(zip(sizes, added or [(0, 0)] * rank, strict=True)):
        span = dilations[i] * (kernel[i] - 1) + 1
        size += sum(before_and_behind)
        if auto.startswith("SAME"):
            missing = max(0, (-(-size // strides[i]) - 1) * strides[i] + span - size)
            pads[i], pads[rank + i] = missing // 2, missing - missing // 2
            if auto == "SAME_LOWER":
                pads[i], pads[rank + i] = pads[rank + i], pads[i]
        if ceil_mode:
            pads[rank + i] = _ceiling(size, pads[i], pads[rank + i], span, strides[i])
        pads[i] += before_and_behind[0]
        pads[rank + i] += before_and_behind[1]

    def both(values: Sequence[int], other: int) -> tuple[int, int]:
        height, width = (values[axis - 1] if axis > 0 else other for axis in axes)
        return height, width

    top_left, bottom_right = both(pads[:rank], 0), both(pads[rank:], 0)
    return Window(*shape, both(tuple(kernel), 1), both(strides, 1), both(dilations, 1), (*top_left, *bottom_right))
