"""A small core in hand-written Verilog, and what it must return: the benches are tested without the generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bnnhw.sim.harness import Harness
from bnnhw.sim.ports import Field, Interface, Port

WORDS = 3

CORE = """
// Adds the bits of a frame's {words} words; waits {wait} cycles; offers (sum % 10, sum - {offset}).
module core(
    input clk, input rst,
    input [{msb}:0] input_payload, input input_valid, output input_ready,
    output reg [3:0] output__payload__index, output reg signed [{score_msb}:0] output__payload__score,
    output reg output_valid, input output_ready
);
    reg [1:0] word;
    reg [9:0] sum;
    reg [15:0] waited;
    integer i;
    reg [9:0] ones;
    always @* begin
        ones = 0;
        for (i = 0; i <= {msb}; i = i + 1) ones = ones + {{9'd0, input_payload[i]}};
    end
    wire full = word == {words};
    assign input_ready = !full;
    wire signed [{score_msb}:0] wide = $signed({{1'b0, sum}});
    always @(posedge clk) begin
        if (output_valid && output_ready) output_valid <= 0;
        if (input_valid && input_ready) begin
            word <= word + 1;
            sum <= sum + ones;
        end
        if (full) begin
            waited <= waited + 1;
            if (waited >= {wait} && (!output_valid || output_ready)) begin
                output__payload__index <= sum % 10;
                output__payload__score <= wide - {offset};
                output_valid <= 1;
                word <= 0;
                sum <= 0;
                waited <= 0;
            end
        end
        {fault}
        if (rst) begin
            word <= 0;
            sum <= 0;
            waited <= 0;
            output_valid <= 0;
        end
    end
endmodule
"""

Make = Callable[..., Harness]


def interface(width: int, score_width: int = 12) -> Interface:
    """Ports of the core."""
    index, score = Field("index", 4), Field("score", score_width, signed=True)
    outputs = (Port("output__payload__index", (index,)), Port("output__payload__score", (score,)))
    return Interface("core", Port.plain("input_payload", width), WORDS, outputs)


def expected(words: NDArray[np.uint32], offset: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Index and score the core must return."""
    ones = np.bitwise_count(words).sum(axis=(1, 2)).astype(np.int64)
    return ones % 10, ones - offset


def random_words(frames: int, width: int, seed: int = 0) -> NDArray[np.uint32]:
    """Words with random bits, 0 past the width."""
    bits = np.random.default_rng(seed).integers(0, 2, (frames, WORDS, -(-width // 32) * 32), np.uint8)
    bits[:, :, width:] = 0
    return np.packbits(bits, axis=2, bitorder="little").view("<u4")
