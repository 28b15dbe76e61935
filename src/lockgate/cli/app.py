"""The commands, each in a file of its own, and what happens when one fails."""

import os
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from lockgate.cli import (
    backtest,
    compare,
    doctor,
    evaluate,
    export,
    lr_find,
    predict,
    serve,
    study,
    train,
    tune,
    update,
    upgrade,
)
from lockgate.errors import EXTRAS, INSTALL, DataError, MissingSettingError

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended


class Commands(TyperGroup):
    """Commands whose failures are one sentence.

    The exit code is 2 for wrong use, 130 after Ctrl-C, 1 for anything else.
    """

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the program; that nobody reads its output to the end is no failure."""
        try:
            return super().main(*args, **options)
        finally:
            # here and not at exit, where a failure could no longer be caught
            try:
                sys.stdout.flush()
            except BrokenPipeError:
                _end_unread()
            except OSError as error:
                _end(str(error), 1)

    def invoke(self, ctx: Any) -> Any:
        """Run the command and turn what it raises into a sentence."""
        try:
            return super().invoke(ctx)
        except ValueError as error:
            if not isinstance(error, DataError):
                raise
            if isinstance(error, MissingSettingError):
                _show_choices(error)
            _end(str(error), 2)
        except ModuleNotFoundError as error:
            _end(f"this command needs {error.name}: {EXTRAS.get(str(error.name), INSTALL)}", 1)
        except FileNotFoundError as error:
            _end(str(error), 2)
        except BrokenPipeError:
            _end_unread()
        except OSError as error:
            _end(str(error), 1)
        except KeyboardInterrupt as error:
            continues = ctx.invoked_subcommand in ("study", "tune") or str(error)
            what = "interrupted: continue with --resume" if continues else "interrupted"
            _end(what, INTERRUPTED)


def _end_unread() -> None:
    """End well where the reader has seen enough, as in `lockgate predict ... | head`."""
    # what is still unwritten would fail again at exit
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(0)


def _show_choices(error: MissingSettingError) -> None:
    # imported late: `--help` must not wait for the workbench
    from lockgate.cli.show import show_choices

    show_choices(error.choices)


def _end(message: str, code: int) -> None:
    print(f"lockgate: {' '.join(message.split())}", file=sys.stderr)
    raise SystemExit(code)


app = typer.Typer(
    name="lockgate",
    cls=Commands,
    help="Recurrent networks that generalise, and the evidence of what helps on your data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(study.study)
app.command()(compare.compare)
app.command()(tune.tune)
app.command()(lr_find.lr_find)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(predict.predict)
app.command()(backtest.backtest)
app.command()(update.update)
app.command()(export.export)
app.command()(serve.serve)
app.command()(upgrade.upgrade)
app.command()(doctor.doctor)
