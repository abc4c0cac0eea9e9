"""Steps run when something they depend on has changed, and only then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw.build.cache import StepCache
from bnnhw.files import digest, file_digest
from tests.build.networks import random_network


def run(folder: Path, inputs: object, output: bytes = b"out") -> tuple[dict[str, int], bool]:
    """One step; returns its result and whether it ran."""
    ran = []

    def action() -> dict[str, int]:
        ran.append(1)
        (folder / "file").write_bytes(output)
        return {"size": len(output)}

    cache = StepCache(folder)
    result = cache.run("step", [inputs], [folder / "file"], action)
    assert (cache.skipped == []) == bool(ran)
    assert list(cache.seconds) == ["step"]
    return result, bool(ran)


def test_skips_and_repeats(tmp_path: Path) -> None:
    assert run(tmp_path, 1) == ({"size": 3}, True)
    assert run(tmp_path, 1) == ({"size": 3}, False)
    assert run(tmp_path, 2) == ({"size": 3}, True)
    (tmp_path / "file").write_bytes(b"xxx")
    assert run(tmp_path, 2)[1]
    (tmp_path / "file").unlink()
    assert run(tmp_path, 2)[1]
    assert not run(tmp_path, 2)[1]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"inputs": 1'])
def test_broken_stamp_is_no_stamp(tmp_path: Path, text: str) -> None:
    run(tmp_path, 1)
    (tmp_path / ".steps" / "step.json").write_text(text)
    assert run(tmp_path, 1)[1]


def test_interrupted_step_runs_again(tmp_path: Path) -> None:
    run(tmp_path, 1)

    def fail() -> dict[str, int]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        StepCache(tmp_path).run("step", [2], [tmp_path / "file"], fail)
    assert run(tmp_path, 1)[1]


def test_digest_tells_values_apart() -> None:
    array = np.arange(6)
    values: list[object] = [
        None, 0, False, 0.0, "0", b"0", [], {}, [[]], [1, 2], [12], ["1", "2"], {"a": 1}, {"b": 1}, [["a", 1]],
        array, array.reshape(2, 3), array.astype(np.uint8), random_network([4, 3, 2]),
        random_network([4, 3, 2], seed=1),
    ]  # fmt: skip
    assert len({digest(value) for value in values}) == len(values)
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(random_network([4, 3, 2])) == digest(random_network([4, 3, 2]))
    with pytest.raises(TypeError, match=r"^digest: value must be plain data, not object$"):
        digest(object())


def test_file_digest(tmp_path: Path) -> None:
    """SHA-256 of "abc", FIPS 180-2."""
    (tmp_path / "f").write_bytes(b"abc")
    assert file_digest(tmp_path / "f").startswith("ba7816bf8f01cfea414140de5dae2223")
