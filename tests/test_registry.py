"""Registries: what is missing is named, with the place where it belongs."""

from __future__ import annotations

import re
from typing import ClassVar

import pytest

from bnnhw.errors import MissingError
from bnnhw.registry import Registry


class Flip:
    kind: ClassVar[str] = "flip"


class Flop:
    kind: ClassVar[str] = "flop"


def test_values_by_kind() -> None:
    registry: Registry[int] = Registry("a number", "numbers/{kind}.py")
    registry.add(Flop, 2)
    registry.register(Flip)(1)
    assert (registry.of(Flip()), registry.of(Flop), registry.named("flip")) == (1, 2, 1)
    assert list(registry) == ["flip", "flop"] and "flip" in registry and "flap" not in registry


def test_what_is_missing_is_named() -> None:
    registry: Registry[int] = Registry("a number", "numbers/{kind}.py")
    with pytest.raises(MissingError, match=r"^kind 'flip' must have a number: register it in numbers/flip\.py$"):
        registry.of(Flip())


def test_one_value_per_kind() -> None:
    registry: Registry[int] = Registry("a number", "numbers/{kind}.py")
    registry.register(Flip)(1)
    with pytest.raises(ValueError, match=re.escape("a number is already registered for kind 'flip'")):
        registry.register(Flop, Flip)(2)
