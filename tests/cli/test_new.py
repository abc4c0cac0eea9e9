"""From files of one's own to a network: new, train, import, evaluate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.ir import archive
from bnnhw.training.suggest import candidates
from tests.cli.conftest import run
from tests.datasets.writers import tone, write_image, write_wav


def told(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "-q", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def pictures(root: Path, each: int = 30) -> Path:
    """Bars that lie, and bars that stand, anywhere, on noise."""
    random = np.random.default_rng(0)
    for i in range(each):
        for name, axis in (("lying", 0), ("standing", 1)):
            image = random.integers(0, 90, (12, 12, 3))
            place, end = random.integers(1, 9), random.integers(0, 4)
            bar = image if axis == 0 else image.transpose(1, 0, 2)
            bar[place : place + 2, end : end + 8] += 120
            write_image(root / name / f"{i:02}.png", image.astype(np.uint8))
    return root


def table(path: Path, each: int = 30) -> Path:
    """Three kinds of tree by numbers in different units, with a number of the sample besides."""
    random = np.random.default_rng(0)
    lines = ["id,height,width,mass,kind"]
    for i in range(3 * each):
        height, width, mass = np.array([[2, 10, 3000], [2.5, 30, 900], [4, 20, 2000]][i % 3]) * random.normal(
            1, 0.08, 3
        )
        lines.append(f"{i},{height:.3f},{width:.2f},{mass:.1f},{('oak', 'elm', 'ash')[i % 3]}")
    path.write_text("\n".join(lines))
    return path


def test_from_pictures_to_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "bars")
    made = told("new", "--dataset", "bars", "--board", "icebreaker", "-o", "bars.toml")
    assert (made["kind"], made["classes"], made["train"], made["test"]) == ("images", ["lying", "standing"], 48, 12)
    assert made["fps"] > made["link_fps"] > 0
    assert made["estimate"]["lut4"] < 5280 and made["shape"] == [3, 12, 12]
    trained = told("train", "bars.toml", "--epochs", "30", "--device", "cpu", "-o", "bars.onnx")
    assert (trained["recipe"], trained["classes"]) == ("bars", ["lying", "standing"])
    told("import", "bars.onnx", "-o", "bars.bnn")
    network = archive.load(tmp_path / "bars.bnn")
    assert json.loads(network.provenance["classes"]) == ["lying", "standing"]
    assert json.loads(network.provenance["reading"]) == {"fraction": 0.2, "seed": 0, "colour": "rgb"}
    found = told("evaluate", "bars.bnn", "--dataset", "bars")
    assert found["accuracy"] == trained["accuracy"] and found["images"] == 12
    assert found["accuracy"] >= 0.75
    assert [row["name"] for row in found["classes"]] == ["lying", "standing"]
    assert told("fold", "bars.bnn", "--board", "icebreaker")["estimate"]["lut4"] < 5280
    # What was trained on another split is evaluated on that split.
    other = told("train", "bars.toml", "--epochs", "1", "--device", "cpu", "--split-seed", "5", "-o", "o.onnx")
    told("import", "o.onnx", "-o", "o.bnn")
    assert told("evaluate", "o.bnn", "--dataset", "bars")["accuracy"] == other["accuracy"]


def test_from_a_table_to_a_network(tmp_path: Path) -> None:
    trees, recipe = table(tmp_path / "trees.csv"), tmp_path / "recipes" / "trees.toml"
    made = told("new", "--dataset", trees, "--ignore", "id", "--board", "icebreaker", "-o", recipe)
    assert made["shape"] == [3] and made["classes"] == ["ash", "elm", "oak"]
    assert f'dataset = "{trees}"' in recipe.read_text() and 'ignore = ["id"]' in recipe.read_text()
    model = tmp_path / "trees.onnx"
    trained = told("train", recipe, "--epochs", "30", "--device", "cpu", "-o", model)
    told("import", model, "-o", tmp_path / "trees.bnn")
    # The column that was left out is left out again.
    found = told("evaluate", tmp_path / "trees.bnn", "--dataset", trees)
    assert found["accuracy"] == trained["accuracy"] >= 0.9


def test_another_set_for_a_recipe(tmp_path: Path, refused: Callable[..., str]) -> None:
    shown = run("recipes", "show", "digits")
    recipe = tmp_path / "mine.toml"
    recipe.write_text(shown.stdout)
    random = np.random.default_rng(0)
    np.savez(tmp_path / "d.npz", x=random.integers(0, 17, (40, 64)), y=np.arange(40) % 4)
    trained = told("train", recipe, "--dataset", tmp_path / "d.npz", "--epochs", "1", "-o", tmp_path / "m.onnx")
    assert len(trained["classes"]) == 4 and trained["dataset"] == str(tmp_path / "d.npz")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(shown.stdout.replace("epochs = 200", "epochs = 0"))
    line = 1 + shown.stdout.splitlines().index(next(x for x in shown.stdout.splitlines() if x.startswith("epochs")))
    message = refused(2, "train", wrong, "-o", tmp_path / "x.onnx")
    assert message.startswith(f"{wrong}:{line}: epochs must be from 1 to ")
    text = shown.stdout + "\n[[convs]]\nchannels = 4\nkernel = [3, 3]\n"
    wrong.write_text(text)
    message = refused(2, "train", wrong, "-o", tmp_path / "x.onnx")
    line = text.splitlines().index("[[convs]]") + 1
    assert message == f"{wrong}:{line}: convs, shift, mirror and a thermometer need a shape"
    text = shown.stdout.replace("widths", "shape = [1, 8, 8]\nwidths") + "\n[[convs]]\nchannels = 4\nkernel = [9, 9]\n"
    wrong.write_text(text)
    line = text.splitlines().index("[[convs]]") + 1
    message = refused(2, "train", wrong, "-o", tmp_path / "x.onnx")
    assert message == f"{wrong}:{line}: convolution 0: its windows must fit a map of 1 x 8 x 8"
    assert refused(2, "train", tmp_path / "none.toml", "-o", tmp_path / "x.onnx") == (
        f"{tmp_path}/none.toml: can't be read: No such file or directory"
    )


def test_recipes_listed(refused: Callable[..., str]) -> None:
    listed = told("recipes")["recipes"]
    assert listed["digits"]["dataset"] == "digits" and "mnist-sfc" in listed
    assert list(told("recipes", "digits")["recipes"]) == ["digits"]
    assert told("recipes", "show", "digits")["toml"] == run("recipes", "show", "digits").stdout
    assert refused(2, "recipes", "show") == "recipes must be given `show NAME`, one name, or nothing"
    assert refused(2, "recipes", "digitz").startswith("recipe must be one of cifar10-binarynet, ")


def test_recipes_are_not_lost(tmp_path: Path, refused: Callable[..., str]) -> None:
    trees = table(tmp_path / "trees.csv", 5)
    asked = ("new", "--dataset", trees, "--ignore", "id", "--board", "icebreaker", "-o")
    recipe = tmp_path / "r.toml"
    told(*asked, recipe)
    told(*asked, recipe)
    recipe.write_text(recipe.read_text().replace("epochs", "epochs "))
    assert str(recipe) in refused(2, *asked, recipe)
    assert "is read, and can't be the output too" in refused(2, *asked, trees)
    assert refused(2, *asked[:2], tmp_path / "none", *asked[3:], tmp_path / "x.toml") == (
        f"{tmp_path}/none: no such file or folder"
    )


@pytest.mark.parametrize(
    "shape, kind",
    [
        ((4,), "a table of 4 numbers"),
        ((500,), "a table of 500 numbers"),
        ((1, 8, 8), "images of 8 x 8"),
        ((28, 28), "images of 28 x 28"),
        ((3, 11, 40), "images of 11 x 40"),
        ((3, 96, 64), "images of 96 x 64"),
        ((1, 160, 120), "images of 160 x 120"),
        ((1, 1, 20), "signals of 1 x 20"),
        ((1, 1, 6), "signals of 1 x 6"),
        ((10, 1, 49), "signals of 10 x 49"),
        ((3, 1, 1000), "signals of 3 x 1000"),
        ((2, 300, 1), "signals of 2 x 300"),
    ],
)
def test_every_shape_has_networks_that_can_be_built(shape: tuple[int, ...], kind: str) -> None:
    torch = pytest.importorskip("torch")
    from bnnhw.training.models import build

    found = list(candidates("n", "d", shape, 3, 60))
    assert len(found) > 3 and all(recipe.summary.startswith(kind) for recipe in found)
    for recipe in (found[0], found[-1]):
        features = int(np.prod(shape))
        samples = torch.zeros(4, *(recipe.shape or (features,)))
        model = build(recipe, features, 3, torch.Generator().manual_seed(0), samples).eval()
        assert model(samples).shape == (4, 3)
        # What the last layer takes is small enough to be folded.
        assert model[-2].latent.shape[1] <= 4096


def test_sounds_have_a_recipe(tmp_path: Path) -> None:
    for number, name in enumerate(("low", "high")):
        for i in range(6):
            write_wav(tmp_path / "s" / name / f"{i}.wav", tone(300 * (1 + 4 * number) + 10 * i))
    made = told("new", "--dataset", tmp_path / "s", "--board", "icebreaker", "-o", tmp_path / "s.toml")
    assert made["shape"] == [10, 1, 49] and made["kind"] == "sounds"


def test_pictures_of_any_sizes(tmp_path: Path, refused: Callable[..., str]) -> None:
    """They are scaled, those that the network is given later too; a size that is said counts."""
    random = np.random.default_rng(0)
    for name, height, width in (("a", 300, 400), ("b", 200, 240)):
        for i in range(5):
            write_image(tmp_path / "p" / name / f"{i}.png", random.integers(0, 256, (height, width), np.uint8))
    asked = ("new", "--dataset", tmp_path / "p", "--board", "icebreaker", "-o", tmp_path / "p.toml")
    result = run(*asked)
    assert "images are scaled to 25 x 32 (height x width): --size HxW says another size\n" in result.stderr
    assert "size = [25, 32]\n" in (tmp_path / "p.toml").read_text()
    assert told(*asked, "--size", "12x16")["shape"] == [1, 12, 16]
    smaller = "; --size HxW scales images to fewer pixels"
    message = refused(2, *asked, "--size", "400x400")
    assert message == f"icebreaker: a frame must have at most 65534 bytes in a packet, not 80000{smaller}"
