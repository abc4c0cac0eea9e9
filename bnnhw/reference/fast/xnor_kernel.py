"""The compiled part of :mod:`bnnhw.reference.fast.xnor`: importing it imports numba.

The inner loop is written in LLVM's vector types, so that a tile of counters stays in registers: numba's own loops
are vectorized along one dimension only, and then every counter goes through memory. Two ways of counting:

- *direct*: XOR, ``ctpop`` of the vector, add. One instruction each where the processor counts bits in vectors
  (AVX-512 VPOPCNTDQ, NEON); elsewhere LLVM makes about nine of a ``ctpop`` (nibble tables).
- *carry-save*: eight words go through a tree of full adders into one word of weight 8, and only that is counted
  (R. Harley and D. Seal; W. Mula, N. Kurz, D. Lemire, "Faster Population Counts Using AVX2 Instructions", 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import binding
from llvmlite import ir as llvm
from numba import config, njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = ["PANEL", "carry_save", "counts_bits_in_vectors", "direct"]

PANEL = 32
"""Neurons side by side in a panel of weights: four vectors of 512 bits."""

_BLOCK = 1 << 15
"""Words of rows that meet every panel before the next rows do: 256 KiB, a part of a core's second cache."""

_ADDERS = 8
"""Words that a tree of full adders takes at once."""

_Builder = Any
_Value = Any
_WORD = llvm.IntType(64)
_HALF = llvm.IntType(32)


def counts_bits_in_vectors() -> bool:
    """Whether the processor that numba compiles for has an instruction that counts the bits of vector elements."""
    if not binding.get_default_triple().startswith(("x86_64", "i686")):
        return True
    features: str | None = vars(config)["CPU_FEATURES"]
    if features is None:
        return binding.get_host_cpu_features().get("avx512vpopcntdq", False)
    return "+avx512vpopcntdq" in features.split(",")


def _ones(builder: _Builder, value: _Value) -> _Value:
    """How many bits of each element are 1."""
    kind = value.type
    name = f"llvm.ctpop.v{kind.count}i64"
    return builder.call(cgutils.get_or_insert_function(builder.module, llvm.FunctionType(kind, [kind]), name), [value])


def _full_adder(builder: _Builder, a: _Value, b: _Value, c: _Value) -> tuple[_Value, _Value]:
    """Sum and carry of three bits, in every bit."""
    half = builder.xor(a, b)
    return builder.xor(half, c), builder.or_(builder.and_(a, b), builder.and_(half, c))


class _Tile:
    """Emits a tile: ``rows`` rows against ``vectors * lanes`` neurons of a panel, all words of K.

    Addresses and strides are in bytes, of 64-bit words (rows, panel) and of 32-bit counts (result).
    """

    def __init__(self, builder: _Builder, rows: int, vectors: int, lanes: int) -> None:
        self.builder = builder
        self.rows, self.vectors, self.lanes = rows, vectors, lanes
        self.vector = llvm.VectorType(_WORD, lanes)

    def counters(self) -> list[list[_Value]]:
        """A vector of zeros for each row and vector of the tile."""
        builder = self.builder
        made = [[cgutils.alloca_once(builder, self.vector) for _ in range(self.vectors)] for _ in range(self.rows)]
        for row in made:
            for counter in row:
                builder.store(self.constant(0), counter)
        return made

    def constant(self, value: int) -> _Value:
        """A vector of one value."""
        return llvm.Constant(self.vector, [value] * self.lanes)

    def spread(self, value: _Value) -> _Value:
        """A vector of one value, found at run time."""
        first = self.builder.insert_element(llvm.Constant(self.vector, llvm.Undefined), value, _HALF(0))
        zeros = llvm.Constant(llvm.VectorType(_HALF, self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, first, zeros)

    def load(self, address: _Value, kind: Any) -> _Value:
        return self.builder.load(self.builder.inttoptr(address, kind.as_pointer()), align=8)

    def add(self, counter: _Value, value: _Value) -> None:
        self.builder.store(self.builder.add(self.builder.load(counter), value), counter)

    def differences(self, x: _Value, stride: _Value, panel: _Value, word: _Value) -> list[list[_Value]]:
        """XOR of word number ``word`` of each row with that of each neuron."""
        builder = self.builder
        of_row = builder.add(x, builder.shl(word, _WORD(3)))
        of_panel = builder.add(panel, builder.mul(word, _WORD(8 * PANEL)))
        weights = [
            self.load(builder.add(of_panel, _WORD(8 * v * self.lanes)), self.vector) for v in range(self.vectors)
        ]
        found = []
        for row in range(self.rows):
            one = self.load(builder.add(of_row, builder.mul(stride, _WORD(row))), _WORD)
            spread = self.spread(one)
            found.append([builder.xor(spread, weight) for weight in weights])
        return found

    def store(self, totals: list[list[_Value]], columns: _Value, out: _Value, stride: _Value) -> None:
        """Matches: ``columns`` less the differences."""
        builder = self.builder
        kind = llvm.VectorType(_HALF, self.lanes)
        for row, counters in enumerate(totals):
            for v, total in enumerate(counters):
                matches = builder.sub(self.spread(columns), total)
                address = builder.add(out, builder.add(builder.mul(stride, _WORD(row)), _WORD(4 * v * self.lanes)))
                pointer = builder.inttoptr(address, kind.as_pointer())
                builder.store(builder.trunc(matches, kind), pointer, align=4)


def _direct_tile(tile: _Tile, args: list[_Value]) -> None:
    x, x_stride, panel, words, columns, out, out_stride = args
    builder = tile.builder
    counters = tile.counters()
    with cgutils.for_range(builder, words) as loop:
        for row, found in zip(counters, tile.differences(x, x_stride, panel, loop.index), strict=True):
            for counter, value in zip(row, found, strict=True):
                tile.add(counter, _ones(builder, value))
    tile.store([[builder.load(counter) for counter in row] for row in counters], columns, out, out_stride)


def _carry_save_tile(tile: _Tile, args: list[_Value]) -> None:
    x, x_stride, panel, words, columns, out, out_stride = args
    builder = tile.builder
    rest, eights, ones, twos, fours = (tile.counters() for _ in range(5))
    blocks = builder.lshr(words, _WORD(3))
    with cgutils.for_range(builder, blocks) as loop:
        first = builder.shl(loop.index, _WORD(3))
        words_of = [tile.differences(x, x_stride, panel, builder.add(first, _WORD(i))) for i in range(_ADDERS)]
        for row in range(tile.rows):
            for v in range(tile.vectors):
                level = [found[row][v] for found in words_of]
                for state in (ones, twos, fours):
                    total, carries = builder.load(state[row][v]), []
                    for a, b in zip(level[::2], level[1::2], strict=True):
                        total, carry = _full_adder(builder, total, a, b)
                        carries.append(carry)
                    builder.store(total, state[row][v])
                    level = carries
                tile.add(eights[row][v], _ones(builder, level[0]))
    with cgutils.for_range_slice(builder, builder.shl(blocks, _WORD(3)), words, _WORD(1)) as (word, _):
        for row, found in zip(rest, tile.differences(x, x_stride, panel, word), strict=True):
            for counter, value in zip(row, found, strict=True):
                tile.add(counter, _ones(builder, value))
    for row in range(tile.rows):
        for v in range(tile.vectors):
            for weight, state in ((1, ones), (2, twos), (4, fours)):
                ones_left = _ones(builder, builder.load(state[row][v]))
                tile.add(rest[row][v], builder.mul(ones_left, tile.constant(weight)))
            tile.add(rest[row][v], builder.mul(builder.load(eights[row][v]), tile.constant(_ADDERS)))
    tile.store([[builder.load(counter) for counter in row] for row in rest], columns, out, out_stride)


def _tile(emit: Callable[[_Tile, list[_Value]], None], rows: int, vectors: int, lanes: int) -> Any:
    """A function for compiled code: (x, x stride, panel, words, columns, out, out stride) -> nothing."""

    # numba reads the number of arguments off this signature, and hands their values to generate().
    @intrinsic
    def tile(_: Any, x: Any, x_stride: Any, panel: Any, words: Any, columns: Any, out: Any, out_stride: Any) -> Any:  # noqa: ARG001
        def generate(context: Any, builder: _Builder, _: Any, args: list[_Value]) -> _Value:
            emit(_Tile(builder, rows, vectors, lanes), args)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 7), generate

    return tile


def _compiled(function: Callable[..., None]) -> Callable[..., None]:
    """The function compiled at its first call, kept on disk if there is a folder to keep it in."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:
        # "cannot cache function: no locator available": neither this folder nor the user's cache can be written.
        return njit(nogil=True)(function)


# Counters that fit the registers: 16 of 32 of 512 bits; of the carry-save state 2 x 5 of 16 of 256 bits.
_D_ROWS, _D_VECTORS, _D_LANES = 4, 4, 8
_C_ROWS, _C_VECTORS, _C_LANES = 1, 2, 4
_direct_rows = _tile(_direct_tile, _D_ROWS, _D_VECTORS, _D_LANES)
_direct_row = _tile(_direct_tile, 1, _D_VECTORS, _D_LANES)
_carry_save_row = _tile(_carry_save_tile, _C_ROWS, _C_VECTORS, _C_LANES)


@_compiled
def direct(x: NDArray[np.uint64], panels: NDArray[np.uint64], columns: int, out: NDArray[np.int32]) -> None:
    """Counts into ``out`` (rows, neurons), C-contiguous, of rows (rows, words) and panels (panels, words, PANEL)."""
    rows, words = x.shape
    neurons = out.shape[1]
    edge = np.empty((_D_ROWS, PANEL), np.int32)
    block = max(_D_ROWS, _BLOCK // words // _D_ROWS * _D_ROWS)
    base, base_w, base_o, base_e = x.ctypes.data, panels.ctypes.data, out.ctypes.data, edge.ctypes.data
    for start in range(0, rows, block):
        stop = min(rows, start + block)
        for p in range(panels.shape[0]):
            panel = base_w + p * words * PANEL * 8
            left = neurons - p * PANEL
            row = start
            while row < stop:
                to, stride = base_o + (row * neurons + p * PANEL) * 4, neurons * 4
                if left < PANEL:
                    to, stride = base_e, PANEL * 4
                if stop - row >= _D_ROWS:
                    count = _D_ROWS
                    _direct_rows(base + row * words * 8, words * 8, panel, words, columns, to, stride)
                else:
                    count = 1
                    _direct_row(base + row * words * 8, words * 8, panel, words, columns, to, stride)
                if left < PANEL:
                    for r in range(count):
                        for n in range(left):
                            out[row + r, p * PANEL + n] = edge[r, n]
                row += count


@_compiled
def carry_save(x: NDArray[np.uint64], panels: NDArray[np.uint64], columns: int, out: NDArray[np.int32]) -> None:
    """As :func:`direct`, by trees of full adders."""
    rows, words = x.shape
    neurons = out.shape[1]
    width = _C_VECTORS * _C_LANES
    edge = np.empty((1, width), np.int32)
    block = max(1, _BLOCK // words)
    base, base_w, base_o, base_e = x.ctypes.data, panels.ctypes.data, out.ctypes.data, edge.ctypes.data
    for start in range(0, rows, block):
        stop = min(rows, start + block)
        for first in range(0, neurons, width):
            panel = base_w + (first // PANEL * words * PANEL + first % PANEL) * 8
            left = neurons - first
            for row in range(start, stop):
                to = base_o + (row * neurons + first) * 4 if left >= width else base_e
                _carry_save_row(base + row * words * 8, words * 8, panel, words, columns, to, 0)
                if left < width:
                    for n in range(left):
                        out[row, first + n] = edge[0, n]
