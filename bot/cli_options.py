"""Options that the commands share."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bot.pipeline import Bot

BotOpener = Callable[..., "Bot"]

questions_argument = click.argument("questions", type=click.Path(path_type=Path))
answers_argument = click.argument("answers", type=click.Path(path_type=Path))
document_option = click.option(
    "--document",
    "names",
    multiple=True,
    metavar="NAME",
    help="Ask only this document of the index; may be given several times.",
)


def documents_option(text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the option `--documents`, received as `paths`.

    Args:
        text: What the documents are to the command.
    """
    return click.option(
        "--documents",
        "paths",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="PATH",
        help=f"Files and folders that {text}; by default the document that the bot ships with.",
    )


def bot_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that choose a bot; it receives `opener`, which opens that bot.

    `opener(tuned=False)` leaves out what `observer tune` wrote into the index.
    """

    @click.option(
        "--index",
        "index_folder",
        type=click.Path(path_type=Path),
        metavar="FOLDER",
        help="The index to search; without it, the document that the bot ships with.",
    )
    @click.option("--encoder", metavar="MODEL", help="The embedding model, a name or a folder.")
    @click.option("--reader", metavar="MODEL", help="The reading model, a name or a folder.")
    @click.option(
        "--calibration",
        metavar="FILE",
        help="What observer tune fitted for the reader.",
    )
    @click.option(
        "--threshold",
        type=click.FloatRange(0, 1),
        help="Answer from this confidence on; by default as fitted.",
    )
    @wraps(command)
    def with_opener(
        *args: Any,
        index_folder: Path | None,
        encoder: str | None,
        reader: str | None,
        calibration: str | None,
        threshold: float | None,
        **options: Any,
    ) -> None:
        def opener(names: Sequence[str] = (), *, tuned: bool = True) -> "Bot":
            from bot.opening import open_bot
            from bot.pipeline import find_documents
            from bot.settings import Settings
            from index.passage_index import stale_documents

            settings = Settings.load(
                encoder=encoder, reader=reader, calibration=calibration, threshold=threshold
            )
            bot = open_bot(index_folder, settings=settings, tuned=tuned)
            if index_folder and (changed := stale_documents(index_folder, bot.index)):
                click.echo(changed, err=True)
            if names:
                bot.documents = find_documents(bot.index.documents, names)
            return bot

        command(*args, opener=opener, **options)

    return with_opener
