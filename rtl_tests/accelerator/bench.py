"""What is simulated of a whole accelerator."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnhw.dataflow import Graph
from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork
from bnnhw.folding.predict import predict
from bnnhw.reference import evaluate
from bnnhw.rtl.accelerator import Accelerator
from rtl_tests.accelerator.network import FOLDED
from rtl_tests.case import StreamUnit
from rtl_tests.lanes import Expected, join_words, split_words

__all__ = ["UNITS"]


@dataclass(frozen=True)
class AcceleratorModel:
    folded: FoldedNetwork
    graph: Graph

    def frame(self, rng: random.Random) -> list[int]:
        stream = self.graph.input
        codes = [rng.randrange(self.folded.network.input.dtype.levels) for _ in range(stream.frame)]
        return join_words(codes, stream.bits, stream.lanes, rng)

    def result(self, words: Sequence[int]) -> list[Expected]:
        stream, result = self.graph.input, self.graph.result
        codes = split_words(words, stream.bits, stream.lanes, stream.frame)
        scores = evaluate(self.folded.network, np.array([codes], np.uint8))
        index, mask = int(scores.classes[0]), (1 << result.width) - 1
        return [Expected((index | int(scores.best[0]) << result.index_bits) & mask, mask)]


def _accelerator() -> StreamUnit:
    graph = FOLDED.graph(technology("generic"))
    prediction = predict(graph)
    return StreamUnit(
        "accelerator",
        lambda: Accelerator(graph),
        AcceleratorModel(FOLDED, graph),
        prediction.cycles_per_frame,
        prediction.latency_cycles,
        None,
    )


UNITS = (_accelerator(),)
