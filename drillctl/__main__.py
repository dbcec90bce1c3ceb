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

    _open_streams()
    code = _guarded(lambda: cli.main(prog_name="drillctl", standalone_mode=False))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # The reader of a pipe went away; Python would complain once more at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _open_streams() -> None:
    """A stream that was closed before the start (`2>&-`) would give its number to the next file
    that is opened, and whatever is printed would be written into that: a journal, say."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


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
