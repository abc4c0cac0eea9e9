"""Files of one's own that are not as they must be: one line, which names the file, and the line in a text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bnnhw import datasets
from bnnhw.datasets import Reading
from bnnhw.errors import BnnhwError
from tests.datasets.writers import retagged, tone, write_image, write_images, write_wav


def refusal(path: Path, **said: object) -> str:
    with pytest.raises(BnnhwError) as caught:
        datasets.load(str(path), None, Reading(**said))  # type: ignore[arg-type]
    message = str(caught.value)
    assert "\n" not in message
    return message


def _png(size: tuple[int, int] = (8, 6)) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(size[0] * size[1], dtype=np.uint8).reshape(size)).save(buffer, "png")
    return buffer.getvalue()


def _bomb() -> bytes:
    """A PNG whose head promises more pixels than any memory holds."""
    data = bytearray(_png())
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


IMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a text": ("b/x.png", lambda path: path.write_text("no image"), "is no image in one of the formats PNG, JPEG, BMP"),
    "nothing": ("b/x.jpeg", lambda path: path.write_bytes(b""), "is no image in one of the formats"),
    "cut off": ("b/x.png", lambda path: path.write_bytes(_png()[:-30]), "can't be read as an image: "),
    "damaged": (
        "b/x.png",
        lambda path: path.write_bytes(_png().replace(b"IDAT", b"IDAX")),
        "is no image in one of the formats",
    ),
    "another size": (
        "b/x.png",
        lambda path: write_image(path, np.zeros((8, 7), np.uint8)),
        "has 7 x 8 pixels, and {root}/a/00.png 6 x 8: images of a data set must be of one size; --size HxW scales all",
    ),
    "a bomb": ("a/0.png", lambda path: path.write_bytes(_bomb()), "has more pixels than an image may have"),
    "a folder named as one": ("b/x.png", lambda path: path.mkdir(), ""),
}


@pytest.mark.parametrize("case", IMAGES)
def test_images(case: str, tmp_path: Path) -> None:
    name, write, message = IMAGES[case]
    write_images(tmp_path, 2, 2)
    write(tmp_path / name)
    if not message:
        assert datasets.load(str(tmp_path)).classes == 2
        return
    assert refusal(tmp_path).startswith(f"{tmp_path / name}: {message.format(root=tmp_path)}")


def test_folders(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refusal(empty).startswith(f"{empty}: is an empty folder; a data set must be one of: an ARFF file, an .npz")
    images = write_images(tmp_path / "images", 1, 2)
    assert refusal(images) == f"{images}: must have at least 2 classes, and all its samples are of 'a'"
    (images / "b").mkdir()
    assert refusal(images) == (
        f"{images}/b: must hold at least one image of its class (.bmp, .jpeg, .jpg, .pbm, .pgm, .png, .ppm)"
    )
    write_image(images / "b" / "1.png", np.zeros((8, 6), np.uint8))
    assert refusal(images) == (
        f"{images}/b/1.png: is the only sample of class 'b': a class needs 2, to train and to test"
    )
    write_image(images / "b" / ".hidden.png", np.zeros((8, 6), np.uint8))
    (images / "b" / "notes.md").write_text("two")
    write_image(images / "b" / "deeper" / "2.png", np.zeros((8, 6), np.uint8))
    data = datasets.load(str(images))
    assert len(data.y_train) == 2
    assert data.notes == (f"files that are not read: 1, the first {images}/b/notes.md",)
    flat = tmp_path / "flat"
    write_image(flat / "1.png", np.zeros((8, 6), np.uint8))
    assert refusal(flat).startswith(f"{flat}: is no data set that bnnhw knows; it must be one of: ")
    assert refusal(tmp_path / "none.csv") == f"{tmp_path}/none.csv: no such file or folder"


SOUNDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a text": (
        lambda path: path.write_text("no sound"),
        "can't be read as a WAV file: file does not start with RIFF id",
    ),
    "nothing": (lambda path: path.write_bytes(b""), "can't be read as a WAV file: it ends too early"),
    "cut off": (
        lambda path: write_wav(path, tone(440)).write_bytes(path.read_bytes()[:-100]),
        "can't be read as a WAV file: 2400 samples are promised, and it ends before",
    ),
    "floats": (
        lambda path: retagged(write_wav(path, tone(440)), 3),
        "must be a WAV file of whole numbers (PCM), and has floating-point samples; `ffmpeg -i IN OUT.wav` turns it",
    ),
    "mp3": (
        lambda path: retagged(write_wav(path, tone(440)), 0x55),
        "must be a WAV file of whole numbers (PCM), and has",
    ),
    "no samples": (lambda path: write_wav(path, []), "holds no samples"),
    "another rate": (
        lambda path: write_wav(path, tone(440), 16_000),
        "has 16000 samples per second, and {root}/high/0.wav 8000: sounds of a data set must have one rate",
    ),
}


@pytest.mark.parametrize("case", SOUNDS)
def test_sounds(case: str, tmp_path: Path) -> None:
    write, message = SOUNDS[case]
    for name in ("high/0", "high/1", "low/0"):
        write_wav(tmp_path / f"{name}.wav", tone(500))
    path = tmp_path / "low" / "x.wav"
    write(path)
    assert refusal(tmp_path).startswith(f"{path}: {message.format(root=tmp_path)}")


def test_sounds_that_are_too_slow_or_short(tmp_path: Path) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        write_wav(tmp_path / f"{name}.wav", tone(500, 2000), 2000)
    assert refusal(tmp_path) == f"{tmp_path}/a/0.wav: must have at least 4000 samples per second, not 2000"
    write_wav(tmp_path / "a" / "0.wav", tone(500, 8000, 1.2))
    for path in tmp_path.rglob("*.wav"):
        write_wav(path, tone(500, 8000, 1.2))
    assert datasets.load(str(tmp_path)).notes == (
        "sounds last up to 1.20 s: the first 1 s count; --seconds says another length",
    )


HEAD = "a,b,kind\n"
ROWS = "1,2,x\n3,4,y\n5,6,x\n7,8,y\n"
COLUMNS = "its columns: a, b, kind"
MISSING = (
    "must be a number, and is missing ({0!r}); leave out such samples, or fill in a number; --ignore COLUMN leaves"
)

TABLES: dict[str, tuple[str | bytes, dict[str, object], str]] = {
    "nothing": ("", {}, ":1: must have cells with commas, semicolons, tabs or bars between them"),
    "one column": ("a\n1\n2\n", {}, ":1: must have cells with commas, semicolons, tabs or bars between them"),
    "names alone": (HEAD, {"label": "kind"}, ": must hold samples, and has one line of names alone"),
    "NaN": (HEAD + ROWS.replace("4", "nan"), {}, ":3: column 'b' " + MISSING.format("nan")),
    "an empty cell": (HEAD + ROWS.replace("4", ""), {}, ":3: column 'b' " + MISSING.format("")),
    "a question mark": (HEAD + ROWS.replace("5", "?"), {}, ":4: column 'a' " + MISSING.format("?")),
    "a word": (HEAD + ROWS.replace("8", "wide"), {}, ":5: column 'b' must be a number, not 'wide'; --ignore COLUMN"),
    "a decimal comma": ((HEAD + ROWS).replace(",", ";").replace("6", "6,5"), {}, ":4: column 'b' must be a number, no"),
    "a huge number": (HEAD + ROWS.replace("6", "1e39"), {}, ":4: column 'b' must be a number within +-3.4e+38, not '1"),
    "infinity": (HEAD + ROWS.replace("6", "-inf"), {}, ":4: column 'b' must be a number within +-3.4e+38, not '-inf'"),
    "no label column": (HEAD + ROWS, {"label": "species"}, f":1: has no column 'species' for --label; {COLUMNS}"),
    "no such number": (HEAD + ROWS, {"label": "4"}, ":1: --label must be a column from 1 to 3, or -1 for the last, no"),
    "number 0": (HEAD + ROWS, {"label": "0"}, ":1: --label must be a column from 1 to 3, or -1 for the last, not 0"),
    "nothing ignored": (HEAD + ROWS, {"ignore": ("id",)}, f":1: has no column 'id' for --ignore; {COLUMNS}"),
    "two of a name": ("a,a,kind\n" + ROWS, {"label": "a"}, ":1: has 2 columns named 'a'; say its number with --label"),
    "no guess": (
        "a,b,c\n1,2,3\n4,5,6\n",
        {},
        ":1: must have one column named label, class, target, y, or one without numbers, to be that of classes; say "
        "which with --label; its columns: a, b, c",
    ),
    "no features": (HEAD + ROWS, {"ignore": ("a", "b")}, ":1: must have at least one column of numbers beside 'kind'"),
    "a short line": (HEAD + ROWS.replace("3,4,y", "3,4"), {}, ":3: must have 3 cells as line 1 has, not 2"),
    "a blank line and a long one": (HEAD + "\n" + ROWS + "1,2,3,4\n", {}, ":7: must have 3 cells as line 1 has, not 4"),
    "no class": (HEAD + ROWS.replace("5,6,x", "5,6,"), {"label": "kind"}, ":4: class must not be missing ('')"),
    "fractions for classes": ("a,y\n1,0.5\n2,1\n3,1\n", {}, ":2: class must be a name or a whole number, not '0.5'"),
    "one class": (HEAD + "1,2,x\n3,4,x\n", {}, ": must have at least 2 classes, and all its samples are of 'x'"),
    "a class of one": (HEAD + ROWS + "1,2,z\n", {}, ":6: is the only sample of class 'z': a class needs 2, to train a"),
    "Latin-1": ((HEAD + ROWS.replace("5,6,x", "5,6,é")).encode("latin-1"), {}, ":4: must be UTF-8 text, and has byte "),
    "UTF-16": ((HEAD + ROWS).encode("utf-16"), {}, ":1: must be UTF-8 text, and is UTF-16 or UTF-32; save it as UTF-8"),
    "a byte 0": (HEAD + ROWS.replace("4", "\0"), {}, ":3: must be text, and has a byte 0"),
    "an open quote": (HEAD + ROWS.replace("3", '"3'), {}, ":5: unexpected end of data"),
    "another shape": (HEAD + ROWS, {"shape": (1, 1, 3)}, ": --shape must have 2 elements, as a sample has, not 1x1x3"),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLES)
def test_tables(case: str, tmp_path: Path) -> None:
    content, said, message = TABLES[case]
    path = tmp_path / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal(path, **said).startswith(f"{path}{message}")


ATTRIBUTES = "@relation r\n@attribute a numeric\n@attribute b real\n@attribute c {x,y}\n"
SERIES = "1,2,x\n3,4,y\n5,6,x\n7,8,y\n"

TEXTS: dict[str, tuple[str, str, str]] = {
    "ucr: lengths": ("s.tsv", "1\t2\t3\n1\t2\n", ":2: must have 2 values behind the class as line 1 has, not 1: serie"),
    "ucr: NaN": ("s.tsv", "1\t2\t3\n1\t2\tNaN\n", ":2: value 2 must be a number, and is missing ('NaN'); leave out"),
    "arff: text": ("s.arff", ATTRIBUTES.replace("real", "string") + "@data\n" + SERIES, ": attribute 'b' must be nume"),
    "arff: no classes": ("s.arff", ATTRIBUTES.replace("{x,y}", "real") + "@data\n" + SERIES, ": must have an attribut"),
    "arff: a stranger": ("s.arff", ATTRIBUTES + "@data\n" + SERIES + "1,2,z\n", ":10: class must be one of x, y, not "),
    "arff: missing": ("s.arff", ATTRIBUTES + "@data\n1,?,x\n", ":6: attribute 'b' must be a number, and is missing ('"),
    "arff: sparse": ("s.arff", ATTRIBUTES + "@data\n{0 1, 2 x}\n", ":6: sparse samples are not read; write all values"),
    "arff: few": ("s.arff", ATTRIBUTES + "@data\n1,x\n", ":6: must have 3 values, one per attribute, not 2"),
    "arff: no data": ("s.arff", ATTRIBUTES, ": must have samples behind a line @data, and has none"),
    "arff: a line": ("s.arff", "@relation r\nattribute a\n", ":2: must begin with @relation, @attribute or @data, not"),
    "arff: a type": ("s.arff", "@relation r\n@attribute a\n", ":2: must be '@attribute NAME TYPE', not '@attribute a'"),
    "ts: lengths": ("s.ts", "@classLabel true 1 2\n@data\n1,2:1\n1,2,3:2\n", ":4: has 1 x 3 values, and"),
    "ts: channels": ("s.ts", "@classLabel true 1 2\n@data\n1,2:1,2,3:1\n", ":3: channels must be of one length, not 2"),
    "ts: no class": ("s.ts", "@classLabel true 1 2\n@data\n1,2\n", ":3: must end with a colon and a class"),
    "ts: unlabelled": ("s.ts", "@classLabel false\n@data\n1,2:1\n", ": must have classes, '@classLabel true ...'"),
    "ts: stamps": ("s.ts", "@timeStamps true\n@data\n", ":1: series with time stamps are not read"),
    "ts: missing": ("s.ts", "@classLabel true 1 2\n@data\n1,?:1\n", ":3: value 2 must be a number, and is missing ('?"),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_series(case: str, tmp_path: Path) -> None:
    name, content, message = TEXTS[case]
    path = tmp_path / name
    path.write_text(content)
    assert refusal(path).startswith(f"{path}{message}")


GOOD = {"x": np.arange(8.0).reshape(4, 2), "y": np.array([0, 1, 0, 1])}

ARCHIVES: dict[str, tuple[dict[str, np.ndarray], str]] = {
    "other names": (
        {"data": GOOD["x"]},
        "must have arrays x and y, or x_train, y_train, x_test and y_test; it has data",
    ),
    "NaN": ({"x": np.array([[1, np.nan]] * 4)}, r"x must be finite numbers within +-3.4e+38; x[0, 1] is nan"),
    "huge": ({"x": np.array([[1, 1e300]] * 4)}, r"x must be finite numbers within +-3.4e+38; x[0, 1] is 1e+300"),
    "huge integers": (
        {"x": np.array([[1, 1 << 40]] * 4)},
        "x must be whole numbers within +-2**24, as float32 holds them",
    ),
    "no samples": ({"x": np.zeros((0, 2))}, "x must be numbers of shape (samples, ...), not float64 of shape (0, 2)"),
    "words": ({"x": np.array([["a"]] * 4)}, "x must be numbers of shape (samples, ...), not <U1 of shape (4, 1)"),
    "objects": ({"x": np.array([[None]] * 4, object)}, "must be a NumPy archive (.npz) of numbers: Object arrays"),
    "few classes": ({"y": np.zeros(3)}, "y must be one class for each of 4 samples, not float64 of shape (3,)"),
    "two classes each": (
        {"y": np.ones((4, 2))},
        "y must have a single 1 for each sample where it has a column for each",
    ),
    "fractions": ({"y": np.array([0.5, 1, 1, 0])}, "y[0]: class must be a name or a whole number, not '0.5'"),
    "few names": ({"classes": np.array(["a"])}, "y[1] must be a number from 0 to 0, for classes has so many, not '1'"),
    "same names": ({"classes": np.array(["a", "a"])}, "classes must be a list of names, all different"),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives(case: str, tmp_path: Path) -> None:
    arrays, message = ARCHIVES[case]
    path = tmp_path / "a.npz"
    np.savez(path, **(arrays if "data" in arrays else {**GOOD, **arrays}))
    assert refusal(path).startswith(f"{path}: {message}")


def test_damaged_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, **GOOD)
    whole = path.read_bytes()
    for data in (b"", b"words", whole[: len(whole) // 2], whole.replace(b"NUMPY", b"NIMPY")):
        path.write_bytes(data)
        assert re.match(rf"{re.escape(str(path))}: (must be a NumPy archive|can't be read)", refusal(path))
