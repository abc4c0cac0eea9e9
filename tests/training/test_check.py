"""The check of an export takes a slice of frames after the other, and says of all of them together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bnnhw.errors import CheckError
from bnnhw.training import check, evaluation
from bnnhw.training.check import check_export
from bnnhw.training.evaluation import evaluate_float64, scores_float64, slices
from bnnhw.training.export import to_onnx, write_onnx
from bnnhw.training.layers import BinaryLinear
from bnnhw.training.recipes import InputRecipe

from .test_conv import CONVS, SHAPE, random_model, raw_samples, toy


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Slices of 7 frames; how many frames were evaluated at once."""
    monkeypatch.setattr(evaluation, "SLICE", 7)
    seen: list[int] = []

    def evaluated(model: torch.nn.Module, samples: np.ndarray) -> object:
        seen.append(len(samples))
        return evaluate_float64(model, samples)

    monkeypatch.setattr(check, "evaluate_float64", evaluated)
    monkeypatch.setattr(evaluation, "evaluate_float64", evaluated)
    return seen


@pytest.mark.parametrize("frames", [1, 6, 7, 8, 21, 60])
def test_slices_are_all_frames(frames: int, small_slices: list[int]) -> None:
    parts = [np.arange(frames)[some] for some in slices(frames)]
    assert np.concatenate(parts).tolist() == list(range(frames))
    assert max(map(len, parts)) <= 7
    assert all(len(part) for part in parts)
    assert not small_slices


def test_scores_are_those_of_all_frames_at_once(small_slices: list[int]) -> None:
    model, samples = random_model(toy(CONVS["pools"], InputRecipe(bits=2, signed=True))), raw_samples()
    assert np.array_equal(scores_float64(model, samples), evaluate_float64(model, samples)[1])
    assert small_slices == [7] * 8 + [4]


def test_frames_that_differ_are_counted_over_all_slices(small_slices: list[int], tmp_path: Path) -> None:
    model, samples = random_model(toy(CONVS["pools"], InputRecipe(bits=2, signed=True))), raw_samples()
    path = tmp_path / "m.onnx"
    write_onnx(to_onnx(model, SHAPE, {}), path)
    check_export(model, path, samples)
    assert small_slices == [7] * 8 + [4]
    before = scores_float64(model, samples)
    last = next(module for module in reversed(list(model.modules())) if isinstance(module, BinaryLinear))
    with torch.no_grad():
        last.latent[0, 0] = -last.latent[0, 0]
    differ = int((scores_float64(model, samples) != before).any(axis=1).sum())
    assert differ > 7
    due = rf"^scores of the imported model must equal .*, and differ in {differ} of 60 frames$"
    with pytest.raises(CheckError, match=due):
        check_export(model, path, samples)
