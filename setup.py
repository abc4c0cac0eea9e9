"""Which packages there are: a new folder needs no entry anywhere. The rest of the project stands in pyproject.toml."""

from setuptools import find_packages, setup

# boards/ and training/ stand at the top of the repository, and are parts of bnnhw once installed.
MAPPED = ("boards", "training")

# So do files that are no code: what is installed runs the examples too.
DATA = ("models", "examples")

setup(
    packages=[
        *find_packages(include=["bnnhw", "bnnhw.*"]),
        *(f"bnnhw.{name}" for name in find_packages(include=[p for m in MAPPED for p in (m, f"{m}.*")])),
        *(f"bnnhw.{name}" for name in DATA),
    ],
    package_dir={f"bnnhw.{name}": name for name in (*MAPPED, *DATA)},
)
