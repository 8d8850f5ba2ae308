"""The command `observer`. What a command needs is imported inside it, so that --help is instant."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from bot.cli_batch import evaluate_command, run_command, verify_command
from bot.cli_exchange import export_command, import_command
from bot.cli_index import index_command
from bot.cli_options import BotOpener, bot_options, document_option
from bot.cli_suite import compare_command, lint_command
from bot.cli_tune import tune_command
from bot.cli_web import web_command
from corpus.errors import ObserverError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.answer import Answer
    from bot.pipeline import Bot
    from corpus.documents import Document

INPUT_ERROR = 2
INTERRUPTED = 130
_MAX_NAMED = 5


class OneLineGroup(click.Group):
    """A group of commands whose errors are one line on stderr and exit status 2."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run the command line and exit."""
        kwargs["standalone_mode"] = False
        try:
            status = super().main(*args, **kwargs)
        except click.UsageError as error:
            name = error.ctx.command_path if error.ctx else "observer"
            self._fail(f"{name}: {error.format_message()}; see {name} --help")
        except click.ClickException as error:
            self._fail(error.format_message())
        except ObserverError as error:
            self._fail(str(error))
        except (click.Abort, KeyboardInterrupt):
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            # The reader of a pipe went away; Python would complain once more while it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        sys.exit(status if isinstance(status, int) else 0)

    @staticmethod
    def _fail(message: str) -> NoReturn:
        click.echo(" ".join(message.split()), err=True)
        sys.exit(INPUT_ERROR)


@click.group(
    cls=OneLineGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="silent-observer", message="%(prog)s %(version)s")
def main() -> None:
    """Answer questions from documents in their exact words, or say that they do not answer.

    Without --index, commands use the document that the bot ships with.
    """


@main.command()
@click.argument("question")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as a JSON object.")
@document_option
@bot_options
def ask(question: str, as_json: bool, names: tuple[str, ...], opener: BotOpener) -> None:
    """Ask one QUESTION; - reads it from standard input."""
    if question == "-":
        question = sys.stdin.read()
    bot = opener(names)
    answer = bot.ask(question)
    if as_json:
        from bot.answer import answer_record

        click.echo(json.dumps(answer_record("1", answer), ensure_ascii=False))
    else:
        click.echo(_rendered(bot, answer))


@main.command()
@document_option
@bot_options
def chat(names: tuple[str, ...], opener: BotOpener) -> None:
    """Ask questions in turn; a follow-up may lean on the turns before it. Ctrl-D ends."""
    from bot.followup import Turn

    bot = opener(names)
    _edit_lines()
    history: list[Turn] = []
    if sys.stdin.isatty():
        click.echo(f"{_named(bot.index.documents)}\nAsk a question; /new starts over, Ctrl-D ends.")
    while True:
        try:
            question = input("\n> " if sys.stdin.isatty() else "").strip()
        except EOFError:
            break
        if question in {"/quit", "/exit"}:
            break
        if question == "/new":
            history.clear()
            continue
        if not question:
            continue
        bot.refresh()
        answer = bot.ask(question, history)
        click.echo(_rendered(bot, answer))
        if answer.passages:
            history.append(Turn(question=question, answer=answer.text, query=answer.query))


@main.command()
@bot_options
def show(opener: BotOpener) -> None:
    """Print the documents with the numbers of their passages."""
    from bot.render import render_passages

    bot = opener()
    width = _width()
    number = 1
    pages = []
    for document in bot.index.documents.values():
        rows = bot.index.contents.rows[document.id]
        passages = bot.index.passages[rows.start : rows.stop]
        pages.append(render_passages(document, passages, first_number=number, width=width))
        number += len(passages)
    text = "\n".join(pages)
    if sys.stdout.isatty():
        click.echo_via_pager(text)
    else:
        click.echo(text)


@main.command()
@click.option("--index", "index_folder", type=click.Path(path_type=Path), metavar="FOLDER")
@click.option("--encoder", metavar="MODEL", help="The embedding model, a name or a folder.")
@click.option("--reader", metavar="MODEL", help="The reading model, a name or a folder.")
@click.pass_context
def doctor(
    context: click.Context, index_folder: Path | None, encoder: str | None, reader: str | None
) -> None:
    """Look at all that an answer needs and say what is there and what is wrong."""
    from bot.doctor import examine
    from bot.settings import Settings

    findings = list(examine(Settings.load(encoder=encoder, reader=reader), index_folder))
    for finding in findings:
        mark = " " if finding.is_well else "!"
        click.echo(f"{mark} {finding.part:10} {finding.state}")
    if not all(finding.is_well for finding in findings):
        context.exit(1)


def _named(documents: "Mapping[str, Document]") -> str:
    """Name the first few documents and count the rest."""
    first = [documents[name].title or name for name in list(documents)[:_MAX_NAMED]]
    n_more = len(documents) - len(first)
    return ", ".join(first) + (f" and {n_more:,} more" if n_more else "")


def _rendered(bot: "Bot", answer: "Answer") -> str:
    from bot.render import render_answer

    color = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return render_answer(answer, bot.index.documents, width=_width(), color=color)


def _width() -> int:
    import shutil

    return min(shutil.get_terminal_size().columns, 100)


def _edit_lines() -> None:
    """Let `input` edit lines and recall earlier ones, where Python was built with it."""
    try:
        import readline  # noqa: F401
    except ImportError:
        return


main.add_command(index_command)
main.add_command(run_command)
main.add_command(evaluate_command)
main.add_command(verify_command)
main.add_command(lint_command)
main.add_command(compare_command)
main.add_command(tune_command)
main.add_command(export_command)
main.add_command(import_command)
main.add_command(web_command)
