"""What the page and programs ask for, without Gradio: plain values in, plain JSON out."""

import hashlib
from base64 import b64encode
from collections.abc import Collection
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from bot.answer import answer_record
from bot.library import Library
from bot.uploads import Libraries
from bot.web.document_view import DocumentView
from bot.web.export import ExportFormat, chat_as_json, chat_as_markdown
from bot.web.feedback import FeedbackFile, Verdict, feedback_row
from bot.web.messages import answer_html
from bot.web.needs import Asker, Suggester
from bot.web.own_pages import OwnPages
from bot.web.turns import (
    ChatTurn,
    checked_names,
    checked_passage,
    checked_places,
    checked_question,
    parse_history,
    parse_turn,
)
from corpus.errors import QuestionFormatError
from corpus.formats.kinds import SUFFIXES
from index.passage_index import PassageIndex

_MAX_CORRECTION_LENGTH = 5_000


class Scope(NamedTuple):
    """What one session can ask and see."""

    bot: Asker
    view: DocumentView


class WebChat:
    """The web chat's operations.

    It remembers nothing between two calls but the documents that visitors add. Their secret names
    the session that they belong to; without one, only the bot's own documents are there.
    """

    def __init__(
        self,
        bot: Asker,
        *,
        feedback_file: FeedbackFile,
        suggester: Suggester | None = None,
        libraries: Libraries | None = None,
    ) -> None:
        self._feedback_file = feedback_file
        self._suggester = suggester
        self._bot = bot
        self._scopes: WeakKeyDictionary[Library, tuple[PassageIndex, Scope]] = WeakKeyDictionary()
        self.libraries = libraries
        # The ids of the documents that the index had at any time.
        self._former: set[str] = set()
        self._show_index()

    def _show_index(self) -> None:
        index = self._bot.index
        self._first_questions = self._suggester.first() if self._suggester else []
        self._own = Scope(self._bot, DocumentView(index.contents))
        self._own_pages = OwnPages(index.contents.documents, index.sources)
        self._listed = [
            {
                "id": document_id,
                "title": self.view.title(document_id),
                "n_passages": self.view.n_passages(document_id),
                "n_pages": self._own_pages.n_pages.get(document_id, 0),
                "has_images": document_id in self._own_pages.n_pages,
            }
            for document_id in self.view.documents
        ]
        self._scopes.clear()

    def _refresh(self) -> None:
        """Follow the index, between two questions."""
        if self._bot.refresh():
            self._former |= self.view.documents.keys()
            self._show_index()

    @property
    def view(self) -> DocumentView:
        """The bot's own documents."""
        return self._own.view

    def start(self, secret: str = "") -> dict[str, Any]:
        """Return what the page shows first.

        `key` names these documents in this version: the page keeps a history for each. `uploads` is
        None where visitors may add no documents.
        """
        self._refresh()
        return {
            "key": self._key(),
            "documents": self._listed,
            "questions": self._first_questions,
            "uploads": self._limits(),
            "library": self.library(secret) if secret else None,
        }

    def _key(self) -> str:
        digest = hashlib.sha256()
        for name, sha256 in self._bot.index.contents.sha256s.items():
            digest.update(f"{name}\0{sha256}\n".encode())
        return digest.hexdigest()[:16]

    def open_library(self) -> str:
        """Begin a session's collection of documents and return its secret.

        Raises:
            QuestionFormatError: Visitors may add no documents.
            SettingsError: They cannot be stored.
        """
        if self.libraries is None:
            raise QuestionFormatError("no documents can be added here")
        return self.libraries.open()

    def library(self, secret: str) -> list[dict[str, Any]] | None:
        """List a session's documents, ready or not; None where they are gone."""
        library = self._library(secret)
        return [upload.as_json() for upload in library.uploads()] if library else None

    def remove(self, secret: str, document_id: str) -> list[dict[str, Any]] | None:
        """Delete a document of a session and list the others."""
        if library := self._library(secret):
            library.remove(document_id)
        return self.library(secret)

    def leave(self, secret: str) -> None:
        """Delete a session's documents soon, unless its page comes back."""
        if self.libraries:
            self.libraries.leave(secret)

    def document(self, document_id: str, secret: str = "") -> str:
        """Return a document as HTML.

        Raises:
            QuestionFormatError: There is no such document, or none any more.
        """
        view = self._scope(secret).view
        if document_id not in view.documents:
            raise QuestionFormatError(f"{document_id!r}: {self._why_missing(document_id, secret)}")
        return view.html(document_id)

    def _why_missing(self, document_id: str, secret: str) -> str:
        library = self._library(secret)
        if document_id in self._former:
            return (
                "was removed from the index since; put the file back and run observer index again"
            )
        if library and library.has_removed(document_id):
            return "was removed since; add it again"
        return "no such document" if library or not secret else self._gone()

    def page(
        self, document_id: str, number: int | None, places: object, secret: str
    ) -> dict[str, Any]:
        """Return a page of a PDF of the index or of this session, as an image with words marked.

        Args:
            document_id: Which document.
            number: Which page, from 1; None for the one of the first place.
            places: Pairs of offsets in the document's text.
            secret: The session's.

        Raises:
            QuestionFormatError: The places are malformed.
            UnreadableDocumentError: There is no such page to be seen.
        """
        library = self._library(secret)
        pages = library if library and library.holds(document_id) else self._own_pages
        drawn = pages.page(document_id, number, checked_places(places))
        return {
            "image": "data:image/png;base64," + b64encode(drawn.png).decode("ascii"),
            "number": drawn.number,
            "n_pages": drawn.n_pages,
            "n_marked": drawn.n_marked,
            "top": drawn.top,
        }

    def ask(
        self, question: str, history: object, documents: Collection[str] | None = None
    ) -> dict[str, Any]:
        """Answer for a program.

        Returns:
            The object that an answers file has, with the bot's `note` where it has one to make.

        Raises:
            QuestionFormatError: The question is empty or too long, or the history malformed.
            SettingsError: There is no such document.
        """
        words, turns = checked_question(question), parse_history(history)
        self._refresh()
        answer = self._own.bot.ask(words, turns, checked_names(documents))
        record = answer_record(ChatTurn.now(answer).id, answer)
        return {**record, "note": answer.note} if answer.note else record

    def take_turn(
        self, question: str, history: object, documents: object = None, secret: str = ""
    ) -> dict[str, Any]:
        """Answer for the page.

        Returns:
            The turn, to be kept by the page, its answer as HTML, and the `key` of the documents.

        Raises:
            QuestionFormatError: The question is empty or too long, the history malformed, or the
                session's documents are gone.
            SettingsError: There is no such document.
        """
        words, turns = checked_question(question), parse_history(history)
        if secret and self._library(secret) is None:
            raise QuestionFormatError(self._gone())
        self._refresh()
        bot, view = self._scope(secret)
        answer = bot.ask(words, turns, checked_names(documents))
        asked = [turn.question for turn in turns] + [answer.question]
        following = self._suggester.next(answer, asked) if self._suggester else []
        turn = ChatTurn.now(answer, tuple(following))
        return {"turn": turn.as_json(), "html": answer_html(answer, view), "key": self._key()}

    def restore(self, turns: object, secret: str = "") -> list[str]:
        """Render the turns that the page kept.

        Returns:
            One answer's HTML each; "" for a turn that the documents no longer bear out.
        """
        if not isinstance(turns, list):
            raise QuestionFormatError(f"turns: expected a list, got {type(turns).__name__}")
        view = self._scope(secret).view
        return [_restored(turn, view) for turn in turns]

    def export(self, turns: object, kind: ExportFormat, secret: str = "") -> str:
        """Return the turns that the page kept as the text of a file.

        Raises:
            QuestionFormatError: The turns are malformed, or the format is unknown.
        """
        formats = {"markdown": chat_as_markdown, "json": chat_as_json}
        if kind not in formats or not isinstance(turns, list):
            raise QuestionFormatError(f"export: expected a list of turns and one of {[*formats]}")
        view = self._scope(secret).view
        kept = [parse_turn(turn, view.documents) for turn in turns]
        return formats[kind](kept, view)

    def give_feedback(
        self,
        turn: object,
        verdict: Verdict,
        right_answer: object,
        secret: str = "",
        passage: object = None,
    ) -> str:
        """Append a verdict to the question set.

        Words of documents that a visitor added are not kept: those documents are deleted.

        Args:
            turn: What was asked and answered.
            verdict: What the user thinks of it.
            right_answer: As for `feedback_row`.
            secret: The session's.
            passage: Which of the turn's passages answers the question, from 0; or None.

        Returns:
            What was done, for the user.

        Raises:
            QuestionFormatError: The turn or what is said of it is malformed.
            SettingsError: The question set cannot be written.
        """
        answer = parse_turn(turn, self._scope(secret).view.documents).answer
        if verdict not in ("liked", "disliked"):
            raise QuestionFormatError(f"verdict: expected 'liked' or 'disliked', got {verdict!r}")
        if not isinstance(right_answer, str | None):
            raise QuestionFormatError("right answer: expected text or null")
        words = None if right_answer is None else right_answer.strip()
        if words and len(words) > _MAX_CORRECTION_LENGTH:
            raise QuestionFormatError(
                f"the right answer may have at most {_MAX_CORRECTION_LENGTH:,} characters; "
                "shorten it"
            )
        if any(hit.passage.document_id not in self.view.documents for hit in answer.passages):
            return "Not kept: it is about documents that are deleted with this session."
        chosen = checked_passage(answer, passage)
        row = feedback_row(answer, verdict, words, self.view.documents, chosen)
        self._feedback_file.append(row)
        if "correction" in row and chosen:
            return (
                "Noted, with the passage. Those words do not stand in it, so they are not scored."
            )
        if "correction" in row and not row["evidence"]:
            return "Noted. Those words are not in the document, so the row names no place."
        return "Noted. Thank you."

    def _library(self, secret: str) -> Library | None:
        library = self.libraries.find(secret) if self.libraries and secret else None
        if library:
            library.keep_apart(self.view.documents)
        return library

    def _scope(self, secret: str) -> Scope:
        """Return what a session can ask: the bot's documents and those that it added."""
        library = self._library(secret)
        index = library.index if library else None
        if library is None or index is None:
            return self._own
        known, scope = self._scopes.get(library, (None, self._own))
        if known is not index:
            bot = self._own.bot.joined_with(index)
            scope = Scope(bot, DocumentView(bot.index.contents))
            self._scopes[library] = (index, scope)
        return scope

    def _limits(self) -> dict[str, Any] | None:
        if self.libraries is None:
            return None
        settings = self.libraries.settings
        return {
            "max_bytes": settings.max_bytes,
            "max_documents": settings.max_documents,
            "minutes": settings.minutes,
            "suffixes": list(SUFFIXES),
        }

    def _gone(self) -> str:
        minutes = self.libraries.settings.minutes if self.libraries else 0
        return (
            f"your documents were deleted after {minutes:g} minutes without a question; "
            "add them again"
        )


def _restored(turn: object, view: DocumentView) -> str:
    try:
        return answer_html(parse_turn(turn, view.documents).answer, view)
    except QuestionFormatError:
        return ""
