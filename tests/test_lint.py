from __future__ import annotations

import pytest

from tests import lint


@pytest.mark.parametrize("name", lint.LINTERS)
def test_linter_is_content(name: str) -> None:
    status, text = lint.run(name)
    assert status == 0, text
