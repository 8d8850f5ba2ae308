"""What the web chat needs of a bot, and of what suggests questions."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

from bot.answer import Answer
from bot.followup import Turn
from bot.pipeline import Bot
from bot.suggestions import next_questions, starter_questions
from index.contents import Contents
from index.embedding import Encoder
from index.passage_index import PassageIndex


class Searched(Protocol):
    """The part of an index that the page shows."""

    @property
    def contents(self) -> Contents:
        """The documents and their passages."""
        ...

    @property
    def encoder(self) -> Encoder:
        """What embedded them."""
        ...

    @property
    def sources(self) -> Sequence[Path]:
        """The files and folders that they were loaded from."""
        ...


class Asker(Protocol):
    """What the web chat needs of a bot."""

    @property
    def index(self) -> Searched:
        """What the bot answers from."""
        ...

    def refresh(self) -> bool:
        """Go over to the index that has replaced this one; say whether there was one."""
        ...

    def ask(
        self,
        question: str,
        history: Sequence[Turn] = (),
        documents: Collection[str] | None = None,
    ) -> Answer:
        """Answer a question from some documents, or from all, or abstain."""
        ...

    def joined_with(self, index: PassageIndex) -> "Asker":
        """Return one that answers from the documents of another index too."""
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
