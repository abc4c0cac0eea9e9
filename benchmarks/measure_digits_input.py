"""Which input and which widths suit the digits: accuracies on a validation part of the training split.

    python benchmarks/measure_digits_input.py

A quarter of the training split, stratified, validates; the test split is not touched. Prints the
tables of docs/decisions/0003-digits-input.md and writes every figure as JSON. About 6 minutes on one core.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from bnnhw import datasets
from bnnhw.training.evaluation import evaluate_float64, weight_bits
from bnnhw.training.models import input_quantizer, mlp
from bnnhw.training.optimize import fit
from bnnhw.training.recipes import InputRecipe, Recipe, find_recipe

RESULT = Path(__file__).parent / "results" / "digits_input.json"
VALIDATION = 0.25
SPLIT_SEED = 1
INPUTS = {
    "1 bit, x >= 4": InputRecipe(threshold=4.0),
    "1 bit, x >= 6": InputRecipe(threshold=6.0),
    "1 bit, x >= 8": InputRecipe(threshold=8.0),
    "3 bits, clip(x, 0, 7)": InputRecipe(bits=3),
    "4 bits, clip(x, 0, 15)": InputRecipe(bits=4),
    "5 bits, x as it is": InputRecipe(bits=5),
}
WIDTHS = ((32, 32), (64, 64), (128,), (96, 64), (128, 64))


def measure(recipe: Recipe, split: list[NDArray[np.float32]], classes: int, seeds: range) -> dict[str, Any]:
    """Validation accuracy in percent for each seed, seconds of one core a run, weight bits."""
    x, x_validation, y, y_validation = split
    accuracies, seconds, bits = [], [], 0
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        model = mlp(input_quantizer(recipe.input), x.shape[1], recipe.widths, classes, generator)
        start = time.process_time()
        fit(model, torch.from_numpy(x), torch.from_numpy(y), recipe.settings, generator)
        seconds.append(time.process_time() - start)
        _, scores = evaluate_float64(model, x_validation)
        accuracies.append(round(100 * float((scores.argmax(axis=1) == y_validation).mean()), 2))
        bits = weight_bits(model)
    return {
        "accuracies": accuracies,
        "median": statistics.median(accuracies),
        "mean": round(statistics.mean(accuracies), 2),
        "cpu_s": round(statistics.median(seconds), 1),
        "weight_bits": bits,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=RESULT, help="JSON file to write")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    # As training does: sums over threads would depend on how many there are.
    torch.set_num_threads(1)
    recipe = find_recipe("digits")
    data = datasets.load("digits", None)
    x = np.ascontiguousarray(data.x_train, np.float32).reshape(len(data.x_train), -1)
    y = np.asarray(data.y_train, np.int64)
    split: list[Any] = train_test_split(x, y, test_size=VALIDATION, stratify=y, random_state=SPLIT_SEED)
    seeds = range(options.seeds)
    result: dict[str, object] = {"frames": [len(split[0]), len(split[1])], "seeds": list(seeds)}
    tables = {
        "input": {name: dataclasses.replace(recipe, input=value) for name, value in INPUTS.items()},
        "hidden": {"-".join(map(str, value)): dataclasses.replace(recipe, widths=value) for value in WIDTHS},
    }
    print(f"{len(split[0])} training frames, {len(split[1])} validation frames")
    for title, variants in tables.items():
        print(f"\n| {title} | weight bits | validation accuracy by seed, % | median | mean | CPU s |")
        print("|---|---|---|---|---|---|")
        rows: dict[str, dict[str, Any]] = {}
        result[title] = rows
        for name, variant in variants.items():
            row = rows[name] = measure(variant, split, data.classes, seeds)
            by_seed = ", ".join(f"{value:.2f}" for value in row["accuracies"])
            print(
                f"| {name} | {row['weight_bits']:,} | {by_seed} | {row['median']:.2f} | {row['mean']:.2f} "
                f"| {row['cpu_s']} |",
                flush=True,
            )
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
