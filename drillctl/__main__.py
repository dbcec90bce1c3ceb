"""The way in, and the one place where an error becomes an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

BUG = 70
INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit as DESIGN's table says (0, 1, 2, 3, 4, 70, 130)."""
    from drillctl.cli.root import cli

    code = _guarded(lambda: cli.main(prog_name="drillctl", standalone_mode=False))
    try:
        sys.stdout.flush()
    except OSError:
        # The reader of a pipe went away; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _guarded(command: Callable[[], object]) -> int:
    import click

    from drillctl.errors import DrillctlError

    try:
        result = command()
        code = result if isinstance(result, int) else 0
    except click.exceptions.Exit as error:
        code = error.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        _say("interrupted")
        code = INTERRUPTED
    except BrokenPipeError:
        code = 0
    except DrillctlError as error:
        _say(f"{error}\nhint: {error.hint}" if error.hint else str(error))
        code = error.exit_code
    except Exception:
        import traceback

        _say(traceback.format_exc())
        _say("this is a bug in drillctl; what was made was torn down, `drillctl sweep` makes sure")
        code = BUG
    return code


def _say(text: str) -> None:
    try:
        sys.stderr.write(text.rstrip("\n") + "\n")
        sys.stderr.flush()
    except OSError:
        pass


if __name__ == "__main__":
    main()
