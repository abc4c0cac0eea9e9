"""The named sets in the formats in which they are published, beside ours."""

from __future__ import annotations

import hashlib
import lzma
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bnnhw import datasets
from bnnhw.datasets import registry
from bnnhw.datasets.cifar10 import CIFAR10_BINARY, read_records
from bnnhw.datasets.ecg5000 import ECG5000_UCR
from bnnhw.datasets.fsdd import FSDD_WAV, git_tree
from bnnhw.datasets.mfcc import frames_of, mfcc
from bnnhw.errors import FileError
from tests.datasets.writers import tone, write_wav


def test_binary_batches(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (3, 3, 32, 32), np.uint8), np.array([7, 0, 9])
    batches = []
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in ("one.bin", "test.bin"):
        data = b"".join(bytes([y]) + x.tobytes() for x, y in zip(images, labels.tolist(), strict=True))
        (folder / name).write_bytes(data)
        batches.append((name, hashlib.sha256(data).hexdigest()))
    small = replace(CIFAR10_BINARY, batches=tuple(batches), images=3)
    data = small.load(small.place(tmp_path) or tmp_path)
    assert np.array_equal(data.x_train, images) and data.y_test.tolist() == labels.tolist()
    assert data.names[7] == "horse"
    with pytest.raises(ValueError, match=r"^must hold 3 images, 9219 bytes, not 10$"):
        read_records(bytes(10), 3)


BEATS = {".txt": "  {}.0000000e+00  {}\n", ".tsv": "{}\t{}\n", ".ts": "{1}:{0}\n", ".arff": "{1},{0}\n"}


@pytest.mark.parametrize("suffix", BEATS)
def test_heartbeats_of_the_archive(suffix: str, tmp_path: Path) -> None:
    (form,) = (form for form in ECG5000_UCR if form.suffix == suffix)
    small = replace(form, sizes=(3, 2))
    x = np.random.default_rng(0).normal(0, 1, (5, 140)).astype(np.float32)
    head = {
        ".ts": "@classLabel true 1 2 3 4 5\n@data\n",
        ".arff": "".join(f"@attribute att{i} numeric\n" for i in range(140)) + "@attribute t {1,2,3,4,5}\n@data\n",
    }.get(suffix, "")
    between = {".txt": "  ", ".tsv": "\t"}.get(suffix, ",")
    rows = [
        BEATS[suffix].format(label, between.join(f"{value:.9e}" for value in row))
        for label, row in zip((1, 4, 2, 1, 5), x.tolist(), strict=True)
    ]
    (tmp_path / f"ECG5000_TRAIN{suffix}").write_text(head + "".join(rows[:3]))
    (tmp_path / f"ECG5000_TEST{suffix}").write_text(head + "".join(rows[3:]))
    data = small.load(tmp_path)
    assert np.array_equal(np.concatenate([data.x_train, data.x_test])[:, 0, 0], x)
    assert data.y_train.tolist() == [0, 1, 1] and data.y_test.tolist() == [0, 1]
    assert data.names == ("normal", "abnormal") and data.shape == (1, 1, 140)
    with pytest.raises(
        FileError, match=r"ECG5000_TEST\.\w+: must have 4500 beats of 140 samples, not \(2, 1, 1, 140\)$"
    ):
        form.split(tmp_path, "test")


def test_recordings(tmp_path: Path) -> None:
    names = ("0_george_0.wav", "0_george_5.wav", "3_theo_0.wav", "3_theo_7.wav")
    for i, name in enumerate(names):
        write_wav(tmp_path / "recordings" / name, tone(300 + 200 * i))
    content = {name: (tmp_path / "recordings" / name).read_bytes() for name in names}
    small = replace(FSDD_WAV, recordings=names, tree=git_tree(content))
    data = small.load(tmp_path)
    assert data.shape == (10, 1, 49) and data.y_train.tolist() == data.y_test.tolist() == [0, 3]
    assert np.array_equal(data.x_test[1], mfcc(tone(700) / 32768, 8000))
    write_wav(tmp_path / "recordings" / names[0], tone(301))
    message = f"{tmp_path}/recordings: the recordings must be those of git tree {small.tree}, not "
    with pytest.raises(FileError, match=rf"^{re.escape(message)}"):
        small.split(tmp_path, "test")


def test_what_git_calls_a_folder() -> None:
    # `git init; echo -n x > 0_a_0.wav; echo -n y > 0_theo_0.wav; chmod +x 0_theo_0.wav; git add .; git write-tree`.
    assert git_tree({"0_theo_0.wav": b"y", "0_a_0.wav": b"x"}) == "856c99ea98ba201b0168fa94d3f3f82f04d15ebf"


def test_forms_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError) as caught:
        datasets.load("ecg5000", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"data set ecg5000: not found in {tmp_path}/ecg5000; put these files into ")
    assert message.endswith(
        "; or put ECG5000_TRAIN and ECG5000_TEST of the UCR archive there, both .txt, .tsv, .ts or .arff"
    )
    small = tuple(replace(form, sizes=(2, 2)) for form in ECG5000_UCR)
    monkeypatch.setitem(registry._FILES, "ecg5000", (registry._FILES["ecg5000"][0], *small))
    folder = tmp_path / "ecg5000" / "ECG5000"
    folder.mkdir(parents=True)
    row = "\t".join(["1", *map(str, range(140))]) + "\n"
    (folder / "ECG5000_TEST.tsv").write_text(row * 2)
    # A split needs its own file alone.
    assert len(datasets.load_split("ecg5000", "test", tmp_path)[0]) == 2
    assert not datasets.available("ecg5000", tmp_path).available
    (folder / "ECG5000_TRAIN.tsv").write_text(row * 2)
    assert datasets.available("ecg5000", tmp_path).available
    assert datasets.load("ecg5000", tmp_path).names == ("normal", "abnormal")


def test_coefficients_by_their_formulas() -> None:
    """A frame computed term by term, as the documentation says it."""
    rate, samples = 8000, tone(620, seconds=1.0) / 32768
    window = 256
    frame = samples[160:][:window]
    weights = [0.5 - 0.5 * np.cos(2 * np.pi * n / window) for n in range(window)]
    n = np.arange(window)
    power = [abs(sum(frame * weights * np.exp(-2j * np.pi * k * n / window))) ** 2 for k in range(129)]
    mel = np.linspace(2595 * np.log10(1 + 20 / 700), 2595 * np.log10(1 + 4000 / 700), 22)
    corners = 700 * (10 ** (mel / 2595) - 1)
    logs = []
    for low, middle, high in zip(corners, corners[1:], corners[2:], strict=False):
        band = 0.0
        for k in range(129):
            f = k * rate / window
            band += power[k] * max(0.0, min((f - low) / (middle - low), (high - f) / (high - middle)))
        logs.append(np.log(band + 1e-6))
    for c in range(10):
        value = sum(log * np.cos(np.pi * c * (2 * i + 1) / 40) for i, log in enumerate(logs))
        value *= np.sqrt((1 if c == 0 else 2) / 20)
        assert mfcc(samples, rate)[c, 0, 1] == np.float16(value)


def test_clips_and_rates() -> None:
    assert [frames_of(rate, 1.0) for rate in (8000, 16_000, 22_050, 44_100, 48_000)] == [49] * 5
    assert frames_of(8000, 0.02) < 1
    short = tone(500, seconds=0.5) / 32768
    padded = np.concatenate([np.zeros(2000), short, np.zeros(2000)])
    assert np.array_equal(mfcc(short, 8000), mfcc(padded, 8000))
    assert np.array_equal(mfcc(np.concatenate([padded, short]), 8000), mfcc(padded, 8000))
    assert np.isfinite(mfcc(np.zeros(10), 8000)).all()


def test_our_file_of_spoken_digits_has_these_coefficients(shared: Path) -> None:
    folder = shared / "datasets" / "fsdd"
    if not (folder / "fsdd_audio.dlt.xz").is_file():
        pytest.skip("no fsdd_audio.dlt.xz beside the repository")
    # The first recordings, and the first that is longer than a second: two byte planes of the differences.
    planes = np.frombuffer(lzma.decompress((folder / "fsdd_audio.dlt.xz").read_bytes()), np.uint8).reshape(2, -1)
    audio = np.cumsum(np.ascontiguousarray(planes.T).view("<i2").ravel().astype(np.int64)).astype(np.int16)
    with np.load(folder / "fsdd_mfcc.npz") as archive:
        lengths, wanted = archive["n_samples"], archive["mfcc"]
    ends = np.cumsum(lengths)
    longer = int(np.argmax(lengths > 8000))
    for i in (*range(20), longer):
        clip = audio[ends[i] - lengths[i] : ends[i]] / 32768
        assert np.array_equal(mfcc(clip, 8000)[:, 0].T.astype(np.float16), wanted[i])
