"""The Gradio application: one page of its own, and the calls that it and programs make."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import wraps
from importlib.resources import files
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from gradio.events import api

from bot.upload import UploadSettings
from bot.uploads import Libraries
from bot.web.export import ExportFormat
from bot.web.feedback import FeedbackFile, Verdict, default_feedback_path
from bot.web.needs import Asker, Suggester
from bot.web.service import WebChat
from corpus.errors import ObserverError

_P = ParamSpec("_P")
_T = TypeVar("_T")

# Taken from here only: no analytics, of which Blocks(analytics_enabled=False) stops a part, and no
# summary of all questions after each.
_GRADIO_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**31),
}
_READER = "reader"
# In the order they run: each file uses what the ones before it define.
_STYLES = ("page.css", "chat.css", "document.css", "library.css", "pages.css")
_SCRIPTS = (
    "calls.js",
    "storage.js",
    "document.js",
    "pages.js",
    "turns.js",
    "chat.js",
    "library.js",
    "uploading.js",
    "page.js",
)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the web chat works.

    Attributes:
        max_queue: How many questions may wait; the next one is refused.
        n_readers: How many questions are read at the same time. The reader keeps all cores busy
            with one.
        feedback_path: The question set that likes and corrections are appended to.
        uploads: What visitors may add; None lets them add nothing.
    """

    max_queue: int = 20
    n_readers: int = 1
    feedback_path: Path = field(default_factory=default_feedback_path)
    uploads: UploadSettings | None = field(default_factory=UploadSettings)


class ChatApp(gr.Blocks):
    """The page and its calls, and the documents of its visitors, which end with it."""

    def __init__(self, chat: WebChat) -> None:
        super().__init__(title="Silent Observer", analytics_enabled=False, fill_width=True)
        self.chat = chat

    def close(self, verbose: bool = True) -> None:
        """Stop the server and delete what visitors added."""
        super().close(verbose)
        if self.chat.libraries:
            self.chat.libraries.close()


def build_app(
    bot: Asker, settings: WebSettings | None = None, *, suggester: Suggester | None = None
) -> ChatApp:
    """Build the web chat; the caller launches it with `launch_options`.

    Args:
        bot: Answers the questions.
        settings: How the web chat works.
        suggester: Where the suggested questions come from; None suggests none.
    """
    os.environ.update(_GRADIO_ENVIRONMENT)
    settings = settings or WebSettings()
    libraries = Libraries(bot.index.encoder, settings.uploads) if settings.uploads else None
    chat = WebChat(
        bot,
        feedback_file=FeedbackFile(settings.feedback_path),
        suggester=suggester,
        libraries=libraries,
    )
    app = ChatApp(chat)
    with app:
        # As a style element: Gradio rewrites what launch(css=...) is given, and loses declarations.
        gr.HTML(
            f"<style>{_read_assets(_STYLES)}</style>{_read_assets(['shell.html'])}",
            js_on_load=_read_assets(_SCRIPTS),
            apply_default_css=False,
        )
        _add_question_calls(chat, settings.n_readers)
        _add_page_calls(chat)
        _add_library_calls(chat)
    app.queue(max_size=settings.max_queue, api_open=False, default_concurrency_limit=1)
    return app


def _read_assets(names: Iterable[str]) -> str:
    folder = files("bot.web") / "assets"
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in names)


def _add_question_calls(chat: WebChat, n_readers: int) -> None:
    """Add the calls that run the reader; they wait in one queue for the same readers."""

    @_reported
    def ask(
        question: str,
        history: list[dict[str, Any]] | None = None,
        documents: list[str] | None = None,
    ) -> dict[str, Any]:
        """Answer a question from all documents or some, with literal quotes, or abstain."""
        return chat.ask(question, history, documents)

    @_reported
    def turn(
        question: str, history: list[dict[str, Any]], documents: list[str] | None, secret: str
    ) -> dict[str, Any]:
        return chat.take_turn(question, history, documents, secret)

    api(ask, api_name="ask", concurrency_limit=n_readers, concurrency_id=_READER)
    api(
        turn,
        api_name="turn",
        api_visibility="undocumented",
        concurrency_limit=n_readers,
        concurrency_id=_READER,
    )


def _add_page_calls(chat: WebChat) -> None:
    """Add the calls that only the page makes; they never wait for the reader."""

    @_reported
    def start(secret: str) -> dict[str, Any]:
        return chat.start(secret)

    @_reported
    def document(document_id: str, secret: str) -> str:
        return chat.document(document_id, secret)

    @_reported
    def restore(turns: list[dict[str, Any]], secret: str) -> list[str]:
        return chat.restore(turns, secret)

    @_reported
    def export(turns: list[dict[str, Any]], kind: ExportFormat, secret: str) -> str:
        return chat.export(turns, kind, secret)

    @_reported
    def feedback(
        turn: dict[str, Any],
        verdict: Verdict,
        right_answer: str | None,
        secret: str,
        passage: int | None = None,
    ) -> str:
        return chat.give_feedback(turn, verdict, right_answer, secret, passage)

    for call in (start, document, restore, export, feedback):
        api(call, queue=False, api_visibility="undocumented")


def _add_library_calls(chat: WebChat) -> None:
    """Add the calls about the documents that a visitor adds."""

    @_reported
    def open_library() -> str:
        return chat.open_library()

    @_reported
    def library(secret: str) -> list[dict[str, Any]] | None:
        return chat.library(secret)

    @_reported
    def remove(secret: str, document_id: str) -> list[dict[str, Any]] | None:
        return chat.remove(secret, document_id)

    @_reported
    def leave(secret: str) -> None:
        chat.leave(secret)

    @_reported
    def page(
        document_id: str, number: int | None, places: list[list[int]], secret: str
    ) -> dict[str, Any]:
        return chat.page(document_id, number, places, secret)

    for call in (open_library, library, remove, leave, page):
        api(call, queue=False, api_visibility="undocumented")


def _reported(call: Callable[_P, _T]) -> Callable[_P, _T]:
    """Let Gradio show the user's errors in their own words; others stay in the server's log."""

    @wraps(call)
    def reporting(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return call(*args, **kwargs)
        except ObserverError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return reporting
