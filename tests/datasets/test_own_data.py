"""Files and folders of one's own: every kind, read and split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bnnhw import datasets
from bnnhw.datasets import Dataset, Reading
from bnnhw.datasets.kinds import KINDS
from bnnhw.errors import FileError, RequestError
from tests.datasets.writers import retagged, tone, write_image, write_images, write_wav


def load(path: Path, **said: object) -> Dataset:
    return datasets.load(str(path), None, Reading(**said))  # type: ignore[arg-type]


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_images_by_class(tmp_path: Path) -> None:
    data = load(write_images(tmp_path / "set", 3, 10))
    assert (data.kind, data.names, data.shape, data.classes) == ("images", ("a", "b", "c"), (1, 8, 6), 3)
    assert data.x_train.dtype == np.uint8
    assert np.bincount(data.y_train).tolist() == [8] * 3 and np.bincount(data.y_test).tolist() == [2] * 3
    # Each image is of its class, and none is in both parts.
    for x, y in (data.split("train"), data.split("test")):
        assert (x[:, 0, 0, 0] // 10 == y).all()
    assert len({int(x) for x in data.split("all")[0][:, 0, 0, 0]}) == 30
    assert data.reading == Reading(fraction=0.2, seed=0, colour="grey")
    again = load(tmp_path / "set")
    assert np.array_equal(again.x_test, data.x_test)
    assert not np.array_equal(load(tmp_path / "set", seed=1).x_test, data.x_test)
    assert np.bincount(load(tmp_path / "set", fraction=0.5).y_test).tolist() == [5] * 3


def test_a_share_leaves_one_of_each_class(tmp_path: Path) -> None:
    write_images(tmp_path, 2, 2)
    for fraction in (0.01, 0.99):
        data = load(tmp_path, fraction=fraction)
        assert np.bincount(data.y_train).tolist() == np.bincount(data.y_test).tolist() == [1, 1]


def test_colours_and_modes(tmp_path: Path) -> None:
    wide = np.full((4, 4), 0x8040, np.uint16)
    half = np.zeros((4, 4, 4), np.uint8)
    half[..., 3] = [0, 255, 0, 255]
    palette = Image.fromarray(np.full((4, 4), 3, np.uint8)).convert("P")
    palette.putpalette([90, 90, 90] * 256)
    (tmp_path / "b").mkdir()
    palette.save(tmp_path / "b" / "palette.png")
    write_image(tmp_path / "a" / "wide.png", wide)
    write_image(tmp_path / "a" / "one.png", np.eye(4) > 0)
    write_image(tmp_path / "b" / "photo.JPG", np.full((4, 4), 77, np.uint8), format="jpeg")
    found, _ = load(tmp_path).split("all")
    assert found.shape == (4, 1, 4, 4)
    assert sorted(int(image.max()) for image in found) == [77, 90, 128, 255]
    write_image(tmp_path / "b" / "rgba.png", half)
    found, _ = load(tmp_path).split("all")
    assert found.shape == (5, 3, 4, 4)
    # Transparent pixels are white.
    clear = next(image for image in found if (image[0] != image[0].T).any())
    assert clear[:, 0].tolist() == [[255, 0, 255, 0]] * 3
    assert load(tmp_path, colour="grey").shape == (1, 4, 4)


def test_photographs_are_scaled_and_turned(tmp_path: Path) -> None:
    square = np.zeros((8, 8, 3), np.uint8)
    square[:4] = 200
    exif = Image.Exif()
    exif[0x0112] = 6  # A quarter turn.
    write_image(tmp_path / "a" / "1.jpg", np.repeat(square, 2, axis=1), exif=exif, quality=100)
    write_image(tmp_path / "a" / "2.png", square)
    write_image(tmp_path / "b" / "1.png", square)
    write_image(tmp_path / "b" / "2.png", square)
    (turned, *others) = datasets.load(str(tmp_path), None, Reading(size=(4, 2))).split("all")[0]
    images = sorted([turned, *others], key=lambda image: int(image[0, 0, 0]))
    assert {image.shape for image in images} == {(3, 4, 2)}
    assert images[0][0, :, 1].min() > 190 and images[0][0, :, 0].max() < 10
    assert images[1][0].tolist() == [[200, 200], [200, 200], [0, 0], [0, 0]]
    sample = datasets.read_sample(tmp_path / "a" / "2.png", Reading(size=(4, 2)))
    assert np.array_equal(sample, images[1])


@pytest.mark.parametrize(
    "sizes, suggested",
    [
        ([(48, 40), (48, 40)], None),
        ([(49, 40), (49, 40)], (32, 26)),
        ([(12, 10), (10, 12)], (12, 12)),
        ([(300, 400), (200, 240)], (25, 32)),
        ([(20, 400), (20, 300)], (8, 32)),
        ([(400, 20), (400, 20)], (32, 8)),
        ([(60, 6), (6, 6)], (32, 8)),
        ([(6, 4), (4, 6)], (6, 6)),
    ],
)
def test_images_of_several_sizes_and_large_ones_are_better_scaled(
    sizes: list[tuple[int, int]], suggested: tuple[int, int] | None, tmp_path: Path
) -> None:
    for name, size in zip("ab", sizes, strict=True):
        write_image(tmp_path / name / "1.png", np.zeros(size, np.uint8))
        write_image(tmp_path / name / "2.png", np.zeros(size, np.uint8))
    reading, notes = datasets.suggest(str(tmp_path))
    assert (reading.size, len(notes)) == (suggested, suggested is not None)
    said = Reading(size=(5, 5), colour="grey")
    assert datasets.suggest(str(tmp_path), said) == (said, ())
    assert datasets.suggest("digits") == (Reading(), ())


def test_what_is_suggested_for_photographs_is_for_them_as_they_are_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # A quarter turn.
    for name in "ab":
        write_image(tmp_path / "train" / name / "1.jpg", np.zeros((40, 80), np.uint8), exif=exif)
        write_image(tmp_path / "test" / name / "1.jpg", np.zeros((80, 40), np.uint8))
    assert datasets.suggest(str(tmp_path))[0] == Reading(size=(32, 16))
    (tmp_path / "train" / "a" / "2.jpg").write_bytes(b"no image")
    assert datasets.suggest(str(tmp_path))[0] == Reading(size=(32, 16))
    with pytest.raises(RequestError, match=r"^--label must not be given for .*train, a folder of PNG or JPEG images"):
        datasets.suggest(str(tmp_path), Reading(label="x"))


def test_sounds_by_class(tmp_path: Path) -> None:
    for number, name in enumerate(("low", "high")):
        for i in range(4):
            write_wav(tmp_path / name / f"{i}.wav", tone(300 * (1 + 4 * number) + 10 * i))
    data = load(tmp_path)
    assert (data.kind, data.names, data.shape) == ("sounds", ("high", "low"), (10, 1, 49))
    assert data.reading.seconds == 1.0
    assert load(tmp_path, seconds=0.3).shape == (10, 1, 14)
    first = datasets.read_sample(tmp_path / "low" / "0.wav", data.reading)
    assert any(np.array_equal(first, x) for x in data.split("all")[0])


def test_what_a_wav_file_holds_does_not_change_a_sound(tmp_path: Path) -> None:
    wave = tone(440)
    plain = datasets.read_sample(write_wav(tmp_path / "plain.wav", wave), Reading())
    for name, path in {
        "stereo": write_wav(tmp_path / "stereo.wav", np.stack([wave + 1000, wave - 1000], axis=1)),
        "24 bits": write_wav(tmp_path / "wide.wav", wave << 8, width=3),
        "32 bits": write_wav(tmp_path / "wider.wav", wave << 16, width=4),
        "extensible": retagged(write_wav(tmp_path / "extensible.wav", wave), 0xFFFE),
    }.items():
        assert np.array_equal(datasets.read_sample(path, Reading()), plain), name
    coarse = datasets.read_sample(write_wav(tmp_path / "byte.wav", wave >> 8, width=1), Reading())
    assert np.abs(coarse[0] - plain[0]).mean() < np.abs(plain[0]).mean() / 2


TABLE = "width,length,kind\n1.5,2,oak\n2.5,3,elm\n-1,0,oak\n7,1e3,elm\n"


@pytest.mark.parametrize(
    "content, said",
    [
        (TABLE, {}),
        (TABLE, {"label": "kind"}),
        (TABLE.replace("kind", "species"), {"label": "-1"}),
        (TABLE.split("\n", 1)[1], {}),
        (TABLE.split("\n", 1)[1], {"label": "3"}),
        (TABLE.replace(",", ";"), {}),
        (TABLE.replace(",", "\t").replace("\n", "\r\n"), {}),
        ("\ufeff" + TABLE.replace("oak", ' "oak"'), {}),
        ("id," + TABLE.replace("\n", "\n8,", 4), {"ignore": ("id",)}),
        ("name," + TABLE.replace("\n", "\nx,", 4), {"ignore": ("1",), "label": "kind"}),
    ],
)
def test_tables(content: str, said: dict[str, object], tmp_path: Path) -> None:
    data = load(text(tmp_path / "trees.csv", content), fraction=0.5, **said)
    assert (data.kind, data.names, data.shape) == ("table", ("elm", "oak"), (2,))
    x, y = data.split("all")
    assert x.dtype == np.float32
    assert sorted(zip(x.tolist(), y.tolist(), strict=True)) == [
        ([-1, 0], 1), ([1.5, 2], 1), ([2.5, 3], 0), ([7, 1000], 0),
    ]  # fmt: skip


def test_numbers_for_classes_stand_in_their_order(tmp_path: Path) -> None:
    rows = "".join(f"{i},{label}\n" for i, label in enumerate(["10", "9", "9.0", " 10", "-1", "-1.0"]))
    data = load(text(tmp_path / "t.csv", "v,y\n" + rows))
    assert data.names == ("-1", "9", "10")
    flat = "".join(f"{'A' if i % 2 else 'B'}," + ",".join(str(i + j) for j in range(6)) + "\n" for i in range(4))
    assert load(text(tmp_path / "u.csv", flat), shape=(1, 2, 3)).shape == (1, 2, 3)


def test_time_series(tmp_path: Path) -> None:
    series = np.arange(24.0).reshape(4, 6) / 4
    labels = ["1", "2", "2", "1"]
    lines = [[label, *map(str, row)] for label, row in zip(labels, series.tolist(), strict=True)]
    header = "@problemName X\n@classLabel true 1 2\n@data\n"
    # Two channels of three in the format that can tell them.
    channels = [":".join([",".join(line[1:4]), ",".join(line[4:]), line[0]]) for line in lines]
    attributes = "".join(f"@attribute 'a {i}' NUMERIC\n" for i in range(6)) + "@ATTRIBUTE target {1,2}\n@DATA\n"
    written = {
        "x.tsv": "\n".join("\t".join(line) for line in lines),
        "x.txt": "\n".join("  " + "  ".join(f"{float(cell):.7e}" for cell in line) for line in lines) + "\n\n",
        "y.txt": "\n".join(",".join(line) for line in lines),
        "x.ts": header + "\n".join(f"{','.join(line[1:])}:{line[0]}" for line in lines),
        "two.ts": header + "\n".join(channels),
        "x.arff": f"% a comment\n@relation x\n{attributes}"
        + "\n".join(",".join([*line[1:], line[0]]) for line in lines),
    }
    for name, content in written.items():
        data = load(text(tmp_path / name, content), fraction=0.5)
        x, y = data.split("all")
        assert data.names == ("1", "2"), name
        assert data.shape == ((2, 1, 3) if name == "two.ts" else (1, 1, 6)), name
        order = np.argsort(x.reshape(4, -1)[:, 0])
        assert np.array_equal(x.reshape(4, -1)[order], series), name
        assert y[order].tolist() == [0, 1, 1, 0], name


def test_archives(tmp_path: Path) -> None:
    x, y = np.arange(4 * 2 * 3.0).reshape(4, 2, 3), np.array([0, 1, 1, 0])
    ways = {
        "numbers": ({"x": x, "y": y}, ("0", "1")),
        "names": ({"X": x, "Y": np.array(["no", "yes", "yes", "no"])}, ("no", "yes")),
        "columns": ({"x": x, "y": np.eye(2)[y]}, ("0", "1")),
        "one column": ({"x": x, "y": y[:, None].astype(float)}, ("0", "1")),
        "a list": ({"x": x, "y": y, "classes": np.array(["yes", "no"])}, ("yes", "no")),
    }
    for way, (arrays, names) in ways.items():
        np.savez(tmp_path / "a.npz", **arrays)
        data = load(tmp_path / "a.npz", fraction=0.5)
        assert (data.names, data.shape, data.x_test.dtype) == (names, (1, 2, 3), np.float32), way
        found, labels = data.split("all")
        order = np.argsort(found[:, 0, 0, 0])
        assert np.array_equal(found[order, 0], x) and labels[order].tolist() == y.tolist(), way
    colours = np.zeros((4, 6, 5, 3), np.uint8)
    np.savez(tmp_path / "b.npz", x_train=colours, y_train=y, x_test=colours[:2], y_test=y[:2])
    data = load(tmp_path / "b.npz")
    assert (data.shape, len(data.x_train), len(data.x_test), data.x_train.dtype) == ((3, 6, 5), 4, 2, np.uint8)


def test_two_paths_and_splits_of_their_own(tmp_path: Path) -> None:
    write_images(tmp_path / "set" / "train", 3, 4)
    write_images(tmp_path / "set" / "Test", 2, 2)
    own = load(tmp_path / "set")
    two = load(tmp_path / "set" / "train", test=str(tmp_path / "set" / "Test"))
    for data in (own, two):
        assert len(data.x_train) == 12 and data.y_test.tolist() == [0, 0, 1, 1] and data.classes == 3
    for part, rows in (("TRAIN", 4), ("TEST", 2)):
        text(tmp_path / f"Beats_{part}.tsv", "".join(f"{i % 2}\t{i}\t0.5\n" for i in range(rows)))
    for data in (
        load(tmp_path / "Beats_TRAIN.tsv", test=str(tmp_path / "Beats_TEST.tsv")),
        load(_only(tmp_path, "Beats_*.tsv")),
    ):
        assert (len(data.x_train), len(data.x_test), data.kind) == (4, 2, "ucr")
    with pytest.raises(RequestError, match=r"set: has a split of its own, train and Test: nothing is to be said about"):
        load(tmp_path / "set", fraction=0.3)
    message = r"^a test data set must come without a split fraction or seed: nothing is split then$"
    with pytest.raises(RequestError, match=message):
        load(tmp_path / "set" / "train", test="x", seed=1)
    with pytest.raises(
        FileError, match=r"Beats_TEST.tsv: must be a folder of PNG or JPEG images by class as .*train is"
    ):
        load(tmp_path / "set" / "train", test=str(tmp_path / "only" / "Beats_TEST.tsv"))
    write_images(tmp_path / "more", 4, 1)
    known = r"more/d/00.png: class must be one of a, b, c, as .*train has them, not 'd'$"
    with pytest.raises(FileError, match=known):
        load(tmp_path / "set" / "train", test=str(tmp_path / "more"))


def _only(folder: Path, pattern: str) -> Path:
    """A folder of these files alone."""
    (folder / "only").mkdir()
    for path in folder.glob(pattern):
        path.rename(folder / "only" / path.name)
    return folder / "only"


def test_what_is_known_already_counts(tmp_path: Path) -> None:
    write_images(tmp_path, 2, 3)
    found = datasets.read_split(str(tmp_path), "all", None, Reading(), ("z", "b", "a"))
    assert found.names == ("z", "b", "a") and found.y.tolist() == [2] * 3 + [1] * 3
    for image in (tmp_path / "b").iterdir():
        image.unlink()
    (tmp_path / "b").rmdir()
    assert datasets.read_split(str(tmp_path), "all", None, Reading(), ("b", "a")).y.tolist() == [1] * 3
    with pytest.raises(FileError, match=rf"^{tmp_path}: must have at least 2 classes, and all its samples are of 'a'$"):
        datasets.load(str(tmp_path))


def test_a_reading_is_kept_as_text_and_taken_up(tmp_path: Path) -> None:
    import json

    reading = Reading(fraction=0.3, seed=4, ignore=("id",), shape=(1, 2, 3))
    kept = json.loads(reading.text())
    assert Reading().after(kept) == reading
    assert Reading(seed=5).after(kept) == replace(reading, seed=5, fraction=None)
    assert Reading(test="x").text() == "{}"


def test_what_does_not_concern_data_is_refused(tmp_path: Path) -> None:
    write_images(tmp_path / "set", 2, 2)
    with pytest.raises(RequestError, match=r"^--label must not be given for .*set, a folder of PNG or JPEG images by"):
        load(tmp_path / "set", label="x")
    with pytest.raises(RequestError, match=r"^--size must not be given for data set digits$"):
        datasets.load("digits", None, Reading(size=(4, 4)))
    with pytest.raises(
        RequestError, match=r"^data set digits has a split of its own: nothing is to be said about one$"
    ):
        datasets.load("digits", None, Reading(seed=4))
    for wrong in ({"fraction": 1.0}, {"seed": -1}, {"size": (0, 3)}, {"seconds": 0.0}, {"colour": "red"}):
        with pytest.raises(RequestError):
            Reading(**wrong)  # type: ignore[arg-type]


def test_every_kind_is_complete() -> None:
    assert list(KINDS) == ["arff", "arrays", "images", "sounds", "ts", "ucr", "table"]
    for kind in KINDS.values():
        assert kind.noun.startswith(("a ", "an ")) and set(kind.options) <= Reading.__dataclass_fields__.keys()
