"""The group of all verbs: turns errors into one line on stderr and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from bnnhw.errors import BnnhwError

__all__ = ["Verbs", "cli"]

INTERRUPTED = 130
"""128 + SIGINT, what shells report for a program that the user stopped."""


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"bnnhw: error: {' '.join(message.split())}", err=True)
    sys.exit(code)


class Verbs(click.Group):
    """A click group whose errors are those of the contract: 1 a check failed, 2 a wrong request, 3 a missing tool."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs in the order they were added, which is that of the pipeline."""
        return list(self.commands)

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = "bnnhw",
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except BnnhwError as error:
            _fail(str(error), error.exit_code)
        except click.ClickException as error:
            _fail(error.format_message(), 2)
        except (KeyboardInterrupt, click.Abort):
            click.echo("bnnhw: interrupted", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader (head, less) has seen enough. Python would complain once more while it closes stdout.
            sys.stderr.close()
            sys.exit(1)
        except OSError as error:
            if error.filename is None:
                raise
            _fail(f"{error.filename}: {error.strerror}", 2)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="bnnhw", message="%(prog)s %(version)s")
def cli() -> None:
    """Compiles trained binarized neural networks to FPGA accelerators, with open tools only.

    train -> import -> fold -> generate -> simulate -> build: each verb leaves one artefact that the next one reads.
    `bnnhw demo` runs them all.
    """
