"""The sidecar says all that a stranger needs to send frames: a frame is packed, and a result read, by it alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw import reference
from bnnhw.files.folder import LIST
from bnnhw.flow.generate import generate
from tests.verilog.networks import NETWORKS


def beats_of(stream: dict[str, Any], value: int) -> list[int]:
    """A string of bits in beats, as the sidecar describes them."""
    width = stream["beat_bits"]
    return [value >> beat * width & (1 << width) - 1 for beat in range(stream["beats"])]


@pytest.mark.parametrize(
    "network, options",
    [
        ("multi-bit", {}),
        ("multi-bit", {"link": "axis", "data_width": 8, "result_width": 16}),
        ("signal", {"link": "axis"}),
        ("signal", {"scores": True}),
        ("multi-bit", {"link": "axis", "result_width": 32, "scores": True}),
        ("single", {}),
    ],
)
def test_frames_by_the_sidecar_alone(network: str, options: dict[str, Any], tmp_path: Path) -> None:
    folded = NETWORKS[network]()
    design = generate(folded, tmp_path / "design", **options)
    sidecar = json.loads((design.folder / "design.json").read_text())
    stream, element = sidecar["interface"]["input"], sidecar["interface"]["input"]["element"]
    top = sidecar["top"]
    table = [int(line, 16) for line in (design.folder / f"{top}_tb_frames.hex").read_text().split()]
    results = [int(line, 16) for line in (design.folder / f"{top}_tb_results.hex").read_text().split()]
    assert len(table) == 12 * stream["beats"]
    assert stream["bits"] == element["bits"] * element["count"]
    assert stream["last_beat_bits"] == stream["bits"] - (stream["beats"] - 1) * stream["beat_bits"]

    def joined(words: list[int], width: int) -> int:
        return sum(word << width * place for place, word in enumerate(words))

    codes = np.array(
        [
            [
                joined(table[frame : frame + stream["beats"]], stream["beat_bits"]) >> element["bits"] * place
                & (1 << element["bits"]) - 1
                for place in range(element["count"])
            ]
            for frame in range(0, len(table), stream["beats"])
        ],
        np.uint8,
    )
    assert {0, (1 << element["bits"]) - 1} <= set(codes.flat)
    scores = reference.evaluate(folded.network, codes)
    out = sidecar["interface"]["output"]
    assert out["class"].startswith("1 where" if network == "single" else "that of the highest")
    for frame in range(12):
        value = joined(results[frame * out["beats"] : (frame + 1) * out["beats"]], out["beat_bits"])
        fields = {}
        for field in out["fields"]:
            number = value >> field["offset"] & (1 << field["bits"]) - 1
            fields[field["name"]] = number - (number >> field["bits"] - 1 << field["bits"]) * field["signed"]
        index = int(scores.classes[frame])
        assert (fields["index"], fields["score"]) == (index, scores.scores[frame].max())
        every = [fields[f"score_{n}"] for n in range(scores.scores.shape[1])] if options.get("scores") else None
        assert every in (None, scores.scores[frame].tolist()) and len(fields) == 2 + len(every or [])
    for role, port in (*stream["ports"].items(), *out["ports"].items()):
        width = {"data": stream["beat_bits"] if port in stream["ports"].values() else out["beat_bits"]}.get(role)
        assert sidecar["ports"][port]["width"] == (width or sidecar["ports"][port]["width"])


def test_samples_to_elements(tmp_path: Path) -> None:
    """What a raw sample becomes is said too: order, type, thresholds."""
    design = generate(NETWORKS["conv"](), tmp_path / "design")
    element = design.sidecar["interface"]["input"]["element"]
    assert element == {
        "count": 3 * 6 * 7,
        "bits": 2,
        "type": "uint2",
        "code": "the value",
        "shape": [3, 6, 7],
        "order": ["height", "width", "channel"],
        "layout": "chw",
        "thresholds": None,
        "thresholds_per": None,
        "falling": [],
    }


def test_every_file_is_told(tmp_path: Path) -> None:
    design = generate(NETWORKS["dense"](), tmp_path / "design", board="icebreaker", link="axis")
    there = {str(path.relative_to(design.folder)) for path in design.folder.rglob("*") if path.is_file()}
    assert set(design.sidecar["files"]) == there - {LIST}
