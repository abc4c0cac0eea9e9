"""What tests of requests that are wrong share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from bnnhw.folding import LayerFolding
from bnnhw.folding import file as folding_file
from tests.cli.conftest import make_network

Refused = Callable[..., str]


def write_folding(path: Path, *layers: tuple[int, int]) -> Path:
    """A folding file; written as the verb would, then edited as a person would."""
    network = make_network()
    folding_file.save(tuple(LayerFolding(1, 1) for _ in layers), network, path)
    data = json.loads(path.read_text())
    for entry, (pe, simd) in zip(data["layers"], layers, strict=True):
        entry["pe"], entry["simd"] = pe, simd
    path.write_text(json.dumps(data))
    return path
