"""What the page is told is the reference's and the predicted; what is refused, and how."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bnnhw.datasets import load
from bnnhw.errors import BnnhwError, RequestError
from bnnhw.flow.evaluate import encode
from bnnhw.reference import evaluate, trace
from bnnhw.serve.app import Page, make_app, open_page
from bnnhw.serve.workbench import Workbench

pytestmark = pytest.mark.xdist_group("live page")

OCTETS = {"Content-Type": "application/octet-stream"}


def get(page: Page, path: str, body: bytes | None = None, **headers: str) -> Any:
    request = urllib.request.Request(page.url + path, body, {**(OCTETS if body is not None else {}), **headers})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def refused(page: Page, path: str, body: bytes | None, **headers: str) -> tuple[int, str]:
    with pytest.raises(urllib.error.HTTPError) as told:
        get(page, path, body, **headers)
    with told.value as answer:
        return answer.code, answer.read().decode()


def test_a_frame_is_what_the_reference_says(workbench: Workbench) -> None:
    about, samples = workbench.describe(), load("digits").x_test
    assert about["test"] == {"name": "digits", "frames": len(samples)}
    for number in range(5):
        frame = workbench.frame("test", number)
        codes = encode(workbench.network, samples[number][None])
        due = evaluate(workbench.network, codes)
        assert (frame["class"], frame["scores"]) == (due.classes[0], due.scores[0].tolist())
        assert frame["score"] == max(frame["scores"])
        assert frame["label"] == str(load("digits").y_test[number])
        assert frame["differences"] == []
        assert frame["input"]["values"] == codes[0].tolist()
        assert (frame["input"]["height"], frame["input"]["width"]) == (8, 8)
        found = trace(workbench.network, codes)
        for layer, picture in zip(about["layers"], frame["layers"], strict=True):
            numbers = found[layer["name"]][0].astype(np.int64)
            if layer["type"] == "bipolar":
                numbers = 2 * numbers - 1
            assert picture["values"] == numbers.tolist()


def test_every_word_moves_once_and_in_time(workbench: Workbench) -> None:
    about, frame = workbench.describe(), workbench.frame("test", 0)
    for stream, moves in zip(about["streams"], frame["streams"], strict=True):
        assert len(moves["moved"]) == stream["words"]
        assert moves["moved"] == sorted(set(moves["moved"]))
        assert not set(moves["moved"]) & set(moves["waited"])
    first, last = frame["streams"][0]["moved"][0], frame["streams"][-1]["moved"][0]
    assert last - first == frame["latency"] == workbench.core.latency_cycles
    # What a layer gives comes after the last word that it is made of, of a layer that needs all of them.
    for before, after in zip(frame["streams"], frame["streams"][1:], strict=False):
        assert after["moved"][-1] > before["moved"][-1]


def test_what_is_dropped(page: Page) -> None:
    samples = load("digits").x_test[:3]
    text = "\n".join(",".join(map(str, row)) for row in samples).encode()
    assert get(page, "drop?name=three.csv", text) == {"name": "three.csv", "frames": 3}
    for number in range(3):
        dropped, due = get(page, f"frame/drop/{number}"), get(page, f"frame/test/{number}")
        assert dropped["label"] is None
        assert dropped | {"label": due["label"]} == due
    file = io.BytesIO()
    Image.fromarray(np.round(samples[0].reshape(8, 8) / 16 * 255).astype(np.uint8)).save(file, "png")
    assert get(page, "drop?name=Nine.PNG", file.getvalue()) == {"name": "Nine.PNG", "frames": 1}
    assert get(page, "frame/drop/0")["input"] == get(page, "frame/test/0")["input"]
    # Whatever its format, a picture is one.
    grey = Image.open(file)
    for suffix in ("pgm", "gif"):
        other = io.BytesIO()
        grey.save(other, {"pgm": "ppm"}.get(suffix, suffix))
        get(page, f"drop?name=nine.{suffix}", other.getvalue())
        assert get(page, "frame/drop/0")["input"] == get(page, "frame/test/0")["input"]


@pytest.mark.parametrize(
    "path, body, message",
    [
        ("frame/test/359", None, "there is no frame 359 of 'test'"),
        ("frame/elsewhere/0", None, "there is no frame 0 of 'elsewhere'"),
        ("drop?name=a.csv", b"1,2\n", "a.csv:1: must have 64 numbers for this network, not 2"),
        ("drop?name=a.png", b"no", "must be a picture: cannot identify image file"),
        ("drop?name=../../b.csv", b"1\n", "../../b.csv:1: must have 64 numbers for this network, not 1"),
        ("draw", b"no", "must be a picture: cannot identify image file"),
    ],
)
def test_what_is_refused_is_said(page: Page, path: str, body: bytes | None, message: str) -> None:
    code, text = refused(page, path, body)
    assert code == 400
    assert json.loads(text)["error"].startswith(message)


@pytest.mark.parametrize(
    "body, headers, code",
    [
        # A page of somebody else whose name was made to point here, and one that posts a form here.
        (None, {"Host": "evil.example"}, 403),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (b"x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_other_pages_are_kept_out(page: Page, body: bytes | None, headers: dict[str, str], code: int) -> None:
    assert refused(page, "draw" if body else "", body, **headers)[0] == code


def test_a_file_too_large(workbench: Workbench) -> None:
    app = make_app(workbench)
    app.config["MAX_CONTENT_LENGTH"] = 10
    assert app.test_client().post("/drop?name=a.csv", data=b"1" * 11, headers=OCTETS).status_code == 413


def test_only_here(workbench: Workbench, page: Page) -> None:
    assert page.server.server_address[0] == "127.0.0.1"
    with pytest.raises(RequestError, match=rf"^port {page.server.port} can't be listened on: .*; --port 0 takes any"):
        open_page(workbench, page.server.port)


def test_nothing_of_the_page_comes_from_elsewhere(page: Page) -> None:
    with urllib.request.urlopen(page.url) as answer:
        text = answer.read().decode()
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
    assert "<title>bnnhw: digits &lt;b&gt;</title>" in text
    assert "://" not in text.replace("http://www.w3.org/", "")


def test_a_network_without_pictures(workbench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbench, "look", None)
    with pytest.raises(BnnhwError, match=r"^this network takes no drawings$"):
        workbench.draw(b"")
