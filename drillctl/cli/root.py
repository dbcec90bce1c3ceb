"""The list of commands. Each is imported when it is called, not before."""

from __future__ import annotations

import importlib

import click

import drillctl

# name -> what `drillctl --help` says of it; the module of the same name holds `command`.
COMMANDS = {
    "init": "Write a commented starter drill from a dump.",
    "lint": "Check drill and environment files; every mistake at once.",
    "plan": "Say what a drill would do, and do nothing.",
    "run": "Run a drill and write its debrief.",
    "debrief": "Show an old run again, in any format.",
    "runs": "List runs, interrupted ones among them.",
    "lab": "A small payments production of our own: up, status, down.",
    "doctor": "Say what this machine can do, what is missing and how to mend it.",
    "sweep": "Remove what a crashed drill left behind.",
    "schema": "Print a JSON Schema: drill, environment or record.",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"drillctl.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and name not in COMMANDS and not name.startswith("-"):
            import difflib

            close = difflib.get_close_matches(name, COMMANDS, n=1)
            meant = f"; did you mean `{close[0]}`?" if close else ""
            raise click.UsageError(f"no such command `{name}`{meant}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit: 0 passed, 1 failed, 2 usage or definition, 3 inconclusive, 4 refused as unsafe, "
    "70 our bug, 130 interrupted (after teardown).",
)
@click.version_option(drillctl.__version__, prog_name="drillctl")
def cli() -> None:
    """Disaster-recovery drills in which everything is measured.

    A drill states an RTO and an RPO, restores a backup in isolation, checks every record, and says
    how long it took and what was lost.
    """
