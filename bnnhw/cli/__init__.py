"""The command line: one file a verb. Nothing heavy is imported until a verb runs."""

from __future__ import annotations

from bnnhw.cli import (
    boards,
    build,
    datasets,
    demo,
    doctor,
    evaluate,
    export,
    fold,
    generate,
    import_,
    load,
    new,
    program,
    recipes,
    report,
    run,
    sensitivity,
    serve,
    show,
    simulate,
    train,
    virtual,
)
from bnnhw.cli.group import cli
from bnnhw.processes import end_on_signals

__all__ = ["cli", "main"]

# In the order of the pipeline: this is the order of `bnnhw --help`.
for command in (
    demo.demo,
    doctor.doctor,
    boards.boards,
    datasets.datasets,
    recipes.recipes,
    new.new,
    train.train,
    import_.import_,
    show.show,
    evaluate.evaluate,
    sensitivity.sensitivity,
    export.export,
    fold.fold,
    generate.generate,
    simulate.simulate,
    build.build,
    program.program,
    load.load,
    report.report,
    run.run,
    virtual.virtual,
    serve.serve,
):
    cli.add_command(command)


def main() -> None:
    """The ``bnnhw`` program."""
    end_on_signals()
    cli()
