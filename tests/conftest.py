"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every run of continuous integration: a failure there is one that anybody can repeat.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# No deadline: two tests at once on two cores make any time limit a coin toss.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "default")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data sets and models that lie beside the repository; tests that use them skip where they are absent."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip("no shared/ beside the repository")
    return path
