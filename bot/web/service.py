"""What the page and programs ask for, without Gradio: plain values in, plain JSON out."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot.answer import Answer, answer_record
from bot.followup import Turn
from bot.pipeline import Bot
from bot.suggestions import next_questions, starter_questions
from bot.web.document_view import DocumentView
from bot.web.export import ExportFormat, chat_as_json, chat_as_markdown
from bot.web.feedback import FeedbackFile, Verdict, feedback_row
from bot.web.messages import answer_html
from bot.web.turns import ChatTurn, checked_question, parse_history, parse_turn
from corpus import Document, Passage
from corpus.errors import QuestionFormatError

_MAX_CORRECTION_LENGTH = 5_000


class Passages(Protocol):
    """The part of an index that the page shows."""

    @property
    def documents(self) -> Mapping[str, Document]:
        """The documents by id, in order."""
        ...

    @property
    def passages(self) -> Sequence[Passage]:
        """The passages in reading order."""
        ...


class Asker(Protocol):
    """What the web chat needs of a bot."""

    @property
    def index(self) -> Passages:
        """What the bot answers from."""
        ...

    def refresh(self) -> bool:
        """Go over to the index that has replaced this one; say whether there was one."""
        ...

    def ask(self, question: str, history: Sequence[Turn] = ()) -> Answer:
        """Answer a question or abstain."""
        ...


class Suggester(Protocol):
    """Where the page's suggested questions come from."""

    def first(self) -> list[str]:
        """Return questions to begin with."""
        ...

    def next(self, answer: Answer, asked: Sequence[str]) -> list[str]:
        """Return questions that may follow an answer, none of them asked before."""
        ...


class BotSuggester:
    """The suggestions that a bot's documents give rise to."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    def first(self) -> list[str]:
        """Return questions to begin with."""
        return starter_questions(self._bot)

    def next(self, answer: Answer, asked: Sequence[str]) -> list[str]:
        """Return questions on the passages that came up beside the answer."""
        return next_questions(self._bot, answer, asked)


class WebChat:
    """The web chat's operations; it remembers nothing between two calls."""

    def __init__(
        self, bot: Asker, *, feedback_file: FeedbackFile, suggester: Suggester | None = None
    ) -> None:
        self._bot = bot
        self._feedback_file = feedback_file
        self._suggester = suggester
        self._show_index()

    def _show_index(self) -> None:
        self._first_questions = self._suggester.first() if self._suggester else []
        self.view = DocumentView(self._bot.index.documents, self._bot.index.passages)

    def _refresh(self) -> None:
        """Follow the index, between two questions."""
        if self._bot.refresh():
            self._show_index()

    def start(self) -> dict[str, Any]:
        """Return what the page shows first.

        `key` names these documents in this version: the page keeps a history for each.
        """
        self._refresh()
        return {
            "key": self._key(),
            "documents": [
                {"id": document_id, "title": self.view.title(document_id)}
                for document_id in self.view.documents
            ],
            "questions": self._first_questions,
        }

    def _key(self) -> str:
        digest = hashlib.sha256()
        for document in self.view.documents.values():
            digest.update(f"{document.id}\0{document.sha256}\n".encode())
        return digest.hexdigest()[:16]

    def document(self, document_id: str) -> str:
        """Return a document as HTML.

        Raises:
            QuestionFormatError: There is no such document.
        """
        return self.view.html(document_id)

    def ask(self, question: str, history: object) -> dict[str, Any]:
        """Answer for a program.

        Returns:
            The object that an answers file has, with the bot's `note` where it has one to make.

        Raises:
            QuestionFormatError: The question is empty or too long, or the history malformed.
        """
        words, turns = checked_question(question), parse_history(history)
        self._refresh()
        answer = self._bot.ask(words, turns)
        record = answer_record(ChatTurn.now(answer).id, answer)
        return {**record, "note": answer.note} if answer.note else record

    def take_turn(self, question: str, history: object) -> dict[str, Any]:
        """Answer for the page.

        Returns:
            The turn, to be kept by the page, its answer as HTML, and the `key` of the documents.

        Raises:
            QuestionFormatError: The question is empty or too long, or the history malformed.
        """
        words, turns = checked_question(question), parse_history(history)
        self._refresh()
        answer = self._bot.ask(words, turns)
        asked = [turn.question for turn in turns] + [answer.question]
        following = self._suggester.next(answer, asked) if self._suggester else []
        turn = ChatTurn.now(answer, tuple(following))
        html = answer_html(answer, self.view)
        return {"turn": turn.as_json(), "html": html, "key": self._key()}

    def restore(self, turns: object) -> list[str]:
        """Render the turns that the page kept.

        Returns:
            One answer's HTML each; "" for a turn that the documents no longer bear out.
        """
        if not isinstance(turns, list):
            raise QuestionFormatError(f"turns: expected a list, got {type(turns).__name__}")
        return [self._restored(turn) for turn in turns]

    def export(self, turns: object, kind: ExportFormat) -> str:
        """Return the turns that the page kept as the text of a file.

        Raises:
            QuestionFormatError: The turns are malformed, or the format is unknown.
        """
        formats = {"markdown": chat_as_markdown, "json": chat_as_json}
        if kind not in formats or not isinstance(turns, list):
            raise QuestionFormatError(f"export: expected a list of turns and one of {[*formats]}")
        kept = [parse_turn(turn, self.view.documents) for turn in turns]
        return formats[kind](kept, self.view)

    def give_feedback(self, turn: object, verdict: Verdict, right_answer: object) -> str:
        """Append a verdict to the question set.

        Returns:
            What was done, for the user.

        Raises:
            QuestionFormatError: The turn, the verdict or the right answer is malformed.
            SettingsError: The question set cannot be written.
        """
        answer = parse_turn(turn, self.view.documents).answer
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
        row = feedback_row(answer, verdict, words, self.view.documents)
        self._feedback_file.append(row)
        if verdict == "disliked" and words and not row["evidence"]:
            return "Noted. Those words are not in the document, so the row names no place."
        return "Noted. Thank you."

    def _restored(self, turn: object) -> str:
        try:
            return answer_html(parse_turn(turn, self.view.documents).answer, self.view)
        except QuestionFormatError:
            return ""
