"""``bnnhw doctor``: which tools there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bnnhw.cli.session import Session, verb
from bnnhw.errors import ToolError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["doctor"]


@verb(example="bnnhw doctor\nbnnhw doctor --json | jq .tools.yosys.version")
def doctor(session: Session) -> None:
    """Which tools were found, and which are missing.

    For each its version, where it is, why it was chosen, and how to get it when it is missing.
    Exits with 3 when something is missing that the way from a model to a bitstream needs. Programs that load boards or
    unpack bitstreams are listed too; none of them counts as missing.
    """
    from bnnhw import devices, programmers, tools

    programs = (*devices.programs(), *programmers.programs())
    found = tools.find_all(programs)
    optional = {program.name for program in programs if program.optional}

    def show(console: Console) -> None:
        from rich.table import Table

        table = Table("tool", "version", "chosen", "needed for", box=None, pad_edge=False)
        for name, tool in found.items():
            table.add_row(
                name,
                tool.version or ("" if tool.found else "none" if name in optional else "[red]missing[/]"),
                tool.why,
                tool.needed_for,
            )
        console.print(table)

    session.result(
        {
            "tools": {
                name: {
                    "found": tool.found,
                    "version": tool.version,
                    "path": None if tool.path is None else str(tool.path),
                    "needed_for": tool.needed_for,
                    "why": tool.why,
                    "optional": name in optional,
                }
                for name, tool in found.items()
            }
        },
        show,
    )
    missing = [f"{name} ({tool.why})" for name, tool in found.items() if not tool.found and name not in optional]
    if missing:
        raise ToolError(f"missing: {', '.join(missing)}")
