"""The command `observer index`: an index is built, brought up to date, and kept so."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corpus.errors import ObserverError

if TYPE_CHECKING:
    from index.update import UpdateReport

_NAMED = 5


@click.command("index")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to save the index; one that stands there is brought up to date.",
)
@click.option("--encoder", metavar="MODEL", help="The embedding model, a name or a folder.")
@click.option("--rebuild", is_flag=True, help="Take nothing over from the index in FOLDER.")
@click.option("--strict", is_flag=True, help="Fail if any file cannot be read.")
@click.option(
    "--watch", is_flag=True, help="Go on until Ctrl-C, updating the index as files change."
)
def index_command(
    paths: tuple[Path, ...],
    output: Path,
    encoder: str | None,
    rebuild: bool,
    strict: bool,
    watch: bool,
) -> None:
    """Build an index over files and folders, or bring it up to date.

    Passages that FOLDER already holds are not embedded again. A file that cannot be read is named,
    and the others are indexed; what the index held of it stays.
    """
    from bot.settings import Settings
    from index.embedding import SentenceEncoder
    from index.update import update_index

    settings = Settings.load(encoder=encoder)
    model = SentenceEncoder(settings.encoder)

    def update(*, rebuild: bool = False) -> "UpdateReport":
        return update_index(output, paths, encoder=model, rebuild=rebuild, strict=strict)

    if not watch:
        _show(output, update(rebuild=rebuild))
        return
    try:
        _keep_up_to_date(output, paths, update, rebuild=rebuild)
    except KeyboardInterrupt:
        click.echo()


def _keep_up_to_date(
    output: Path,
    paths: Sequence[Path],
    update: Callable[..., "UpdateReport"],
    *,
    rebuild: bool,
) -> None:
    from bot.watching import changes

    report = update(rebuild=rebuild)
    _show(output, report)
    click.echo("Watching for changes (Ctrl-C ends)")
    # What could not be read, the last time; it is told once, however long it stays so.
    told: Sequence[str] = report.unreadable
    for _ in changes(paths, output):
        try:
            report = update()
        except ObserverError as error:
            if told != [str(error)]:
                click.echo(f"{error}; the index stays as it was", err=True)
            told = [str(error)]
        else:
            if report.is_news or report.unreadable != told:
                _show(output, report)
            told = report.unreadable


def _show(output: Path, report: "UpdateReport") -> None:
    for line in report.unreadable:
        click.echo(line, err=True)
    if report.discarded:
        click.echo(f"{report.discarded}; everything was embedded anew", err=True)
    documents = _counted(report.n_documents, "document")
    click.echo(f"{output}: {documents}, {_counted(report.n_passages, 'passage')}")
    if line := _not_english(report.not_english):
        click.echo(line, err=True)
    if report.is_first:
        return
    for kind in ("added", "changed", "removed"):
        names = getattr(report, kind)
        click.echo(f"{kind:9} {len(names):,}{': ' if names else ''}{_listed(names)}")
    click.echo(f"{'unchanged':9} {report.n_unchanged:,}")
    click.echo(f"{'embedded':9} {_counted(report.n_embedded, 'passage')}")


def _not_english(names: Sequence[str]) -> str:
    return f"{_listed(names)}: mostly not in English, but the default models are" if names else ""


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    shown = ", ".join(_printable(name) for name in names[:_NAMED])
    return f"{shown} and {rest:,} more" if rest > 0 else shown


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
