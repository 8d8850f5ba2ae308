import hashlib
import itertools
import re
from pathlib import Path

import pytest

from bot.questions import load_questions
from corpus import split_document
from corpus.passages import BYLINE_CONTEXT, FRONT_CONTEXT

CORPUS = Path(__file__).parents[1] / "corpus"


@pytest.fixture(scope="module")
def questions():
    return load_questions(CORPUS / "questions" / "silent-observer.jsonl")


@pytest.fixture(scope="module")
def passages(shipped_document):
    return split_document(shipped_document)


def stand_alone(questions):
    followed = {question.follows for question in questions}
    return [q for q in questions if q.follows is None and q.id not in followed]


class TestDocument:
    def test_the_file_is_the_one_that_was_published(self):
        data = (CORPUS / "documents" / "silent-observer.txt").read_bytes()
        assert hashlib.sha256(data).hexdigest() == (
            "db8a9f82079fc6e6800b183e2632b85c4d813985f55735a12166f3430afae24b"
        )

    def test_its_title_is_its_headline(self, shipped_document):
        assert shipped_document.id == "silent-observer.txt"
        assert shipped_document.title == (
            "OPINION: A Silent Observer of Cambodia’s Diplomacy, Amid COVID-19, "
            "Postures the Kingdom Leverage"
        )

    def test_it_has_thirty_six_passages(self, passages):
        assert len(passages) == 36

    def test_title_and_dateline_are_one_passage(self, passages):
        assert passages[0].text.startswith("OPINION: ")
        assert passages[0].text.endswith("\n\nAKP Phnom Penh, April 29, 2020 —")
        assert passages[0].context == FRONT_CONTEXT

    def test_the_four_lines_of_the_signature_are_one_passage(self, passages):
        lines = [line for line in passages[-1].text.split("\n") if line.strip()]
        assert len(lines) == 4
        assert "Ek Tha" in lines[0]
        assert passages[-1].context == BYLINE_CONTEXT

    def test_every_other_passage_is_a_paragraph(self, passages, shipped_document):
        paragraphs = [p.strip() for p in re.split(r"\n\s*\n", shipped_document.text) if p.strip()]
        assert [p.text for p in passages[1:-1]] == paragraphs[2 : 2 + 34]
        assert all(passage.context == "" for passage in passages[1:-1])


class TestQuestions:
    def test_ids_are_unique(self, questions):
        assert len({question.id for question in questions}) == len(questions)

    def test_no_question_is_asked_twice(self, questions):
        texts = [question.text.lower() for question in stand_alone(questions)]
        assert len(set(texts)) == len(texts)

    def test_there_are_enough_of_each_kind(self, questions):
        alone = stand_alone(questions)
        assert sum(question.answerable for question in alone) >= 60
        assert sum(question.unanswerable for question in alone) >= 30
        assert all(question.answerable or question.unanswerable for question in questions)

    def test_there_are_enough_dialogues(self, questions):
        turns: dict[str, tuple[str, int]] = {}
        for question in questions:
            first, n_before = turns[question.follows] if question.follows else (question.id, 0)
            turns[question.id] = (first, n_before + 1)
        lengths: dict[str, int] = {}
        for first, n_turns in turns.values():
            lengths[first] = max(lengths.get(first, 0), n_turns)
        assert sum(n_turns >= 3 for n_turns in lengths.values()) >= 8

    def test_every_answer_is_in_the_document_letter_by_letter(self, questions, shipped_document):
        missing = [
            (question.id, answer)
            for question in questions
            for answer in question.answers
            if answer not in shipped_document.text
        ]
        assert missing == []

    def test_every_place_of_evidence_holds_an_answer(self, questions, shipped_document):
        wrong = [
            question.id
            for question in questions
            for place in question.evidence
            if not any(
                answer in shipped_document.text[place.start : place.end]
                for answer in question.answers
            )
        ]
        assert wrong == []

    def test_evidence_is_in_the_document_and_goes_with_answers(self, questions, shipped_document):
        for question in questions:
            assert bool(question.evidence) == question.answerable, question.id
            for place in question.evidence:
                assert place.document_id == shipped_document.id
                assert 0 <= place.start < place.end <= len(shipped_document.text)

    def test_every_place_of_evidence_is_inside_one_passage(self, questions, passages):
        split = [
            question.id
            for question, place in itertools.chain.from_iterable(
                itertools.product([q], q.evidence) for q in questions
            )
            if not any(p.start <= place.start and place.end <= p.end for p in passages)
        ]
        assert split == []

    def test_every_paragraph_is_asked_about(self, questions, shipped_document):
        places = [place for question in questions for place in question.evidence]
        untouched = [
            paragraph.group()
            for paragraph in re.finditer(
                r"\S.*?(?=\n\s*\n|\s*\Z)", shipped_document.text, re.DOTALL
            )
            if not any(p.start < paragraph.end() and paragraph.start() < p.end for p in places)
        ]
        assert untouched == []
