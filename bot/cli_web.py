"""The command `observer web`: the chat in a browser, on this machine."""

from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from bot.cli_options import BotOpener, bot_options

if TYPE_CHECKING:
    from bot.pipeline import Bot


def _parse_auth(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, str] | None:
    if value is None:
        return None
    user, _, password = value.partition(":")
    if not user or not password:
        raise click.BadParameter("expected USER:PASSWORD, both of them not empty")
    return user, password


@click.command("web")
@bot_options
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=7860, show_default=True, type=click.IntRange(1, 65535), help="The port."
)
@click.option(
    "--auth",
    "sign_in",
    metavar="USER:PASSWORD",
    envvar="OBSERVER_AUTH",
    show_envvar=True,
    callback=_parse_auth,
    help="Let in only who signs in with these.",
)
@click.option(
    "--max-queue",
    default=20,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many questions may wait; they are read one at a time.",
)
@click.option(
    "--feedback",
    "feedback_path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The question set that likes and corrections are appended to, JSON Lines; by default "
    "feedback.jsonl in the user's data folder.",
)
@click.option(
    "--uploads/--no-uploads",
    default=True,
    show_default=True,
    help="Let visitors add documents of their own, each for themselves alone.",
)
@click.option(
    "--upload-size",
    default=25,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="MB",
    help="The largest document that is taken.",
)
@click.option(
    "--upload-count",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many documents a visitor may hold.",
)
@click.option(
    "--upload-minutes",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="After so many minutes without a question a visitor's documents are deleted.",
)
@click.option(
    "--open/--no-open", "open_browser", default=False, help="Show the page in the browser."
)
def web_command(
    opener: BotOpener,
    host: str,
    port: int,
    sign_in: tuple[str, str] | None,
    max_queue: int,
    feedback_path: Path | None,
    uploads: bool,
    upload_size: int,
    upload_count: int,
    upload_minutes: float,
    open_browser: bool,
) -> None:
    """Chat in the browser; Ctrl-C ends.

    The page and the reading stay on this machine.
    """
    from concurrent.futures import ThreadPoolExecutor

    from bot.upload import MEGABYTE, UploadSettings

    # Gradio takes as long to import as the models to load.
    with ThreadPoolExecutor(1) as pool:
        opened = pool.submit(_warm_bot, opener)
        from bot.web import WebSettings, build_app, serve
        from bot.web.feedback import default_feedback_path
        from bot.web.needs import BotSuggester
        from bot.web.server import check_port

        check_port(host, port)
        bot = opened.result()
    limits = UploadSettings(
        max_bytes=upload_size * MEGABYTE, max_documents=upload_count, minutes=upload_minutes
    )
    settings = WebSettings(
        max_queue=max_queue,
        feedback_path=feedback_path or default_feedback_path(),
        uploads=limits if uploads else None,
    )
    app = build_app(bot, settings, suggester=BotSuggester(bot))
    if sign_in is None and not _is_this_machine(host):
        click.echo(
            f"{host}: everyone who reaches this address may read the documents; --auth asks for a "
            "sign-in",
            err=True,
        )
    url = serve(app, host=host, port=port, sign_in=sign_in, open_browser=open_browser)
    click.echo(f"Silent Observer is at {url} (Ctrl-C ends)")
    try:
        Event().wait()
    except KeyboardInterrupt:
        click.echo()
    finally:
        app.close(verbose=False)


def _warm_bot(opener: BotOpener) -> "Bot":
    bot = opener()
    # The first question loads what the others find loaded.
    bot.ask("Who wrote this?")
    return bot


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
