"""Question sets: what to ask, which answers are right, and where the documents say so."""

from bot.questions.formats import read_rows
from bot.questions.rows import Row, malformed, parse_object, read_text, shorten
from bot.questions.sets import (
    Evidence,
    Question,
    QuestionFile,
    load_questions,
    parse_place,
    parse_question,
)

__all__ = [
    "Evidence",
    "Question",
    "QuestionFile",
    "Row",
    "load_questions",
    "malformed",
    "parse_object",
    "parse_place",
    "parse_question",
    "read_rows",
    "read_text",
    "shorten",
]
