"""The faults that `observer lint` names."""

import copy
import re
from collections.abc import Callable, Iterable
from functools import partial
from random import Random
from typing import Any

from tests.benchmarks.planting import (
    Kind,
    Material,
    Plant,
    Row,
    Writer,
    changed,
    chosen,
    cut_short,
    has,
    other_character,
    setting,
    write_json_lines,
    write_squad,
    write_table,
    write_workbook,
)


def _swap_ends(_random: Random, row: Row) -> None:
    place = row["evidence"][0]
    place["start"], place["end"] = place["end"], place["start"]


def _id_taken(random: Random, material: Material) -> Iterable[int]:
    number = chosen(random, material.rows[1:]) + 1
    material.rows[number]["id"] = random.choice(material.rows[:number])["id"]
    return [number]


def _n_words(row: Row) -> int:
    return len(set(row["question"].lower().split()) - {"a", "an", "the"})


def _repeated(
    change: Callable[[Row, Row], Any], suits: Callable[[Row], object] = lambda _row: True
) -> Plant:
    """Make a plant of what changes a copy of a row; it is also handed a row of other answers."""

    def plant(random: Random, material: Material) -> Iterable[int]:
        number = chosen(random, material.rows, suits)
        made = copy.deepcopy(material.rows[number])
        made["id"] = "planted"
        others = [row for row in material.rows if row["answers"] and row["id"] != made["id"]]
        others = [row for row in others if not {*row["answers"]} & {*made["answers"]}]
        change(made, random.choice(others))
        place = random.randint(number + 1, len(material.rows))
        material.rows.insert(place, made)
        return [place]

    return plant


def _written_otherwise(made: Row, _other: Row) -> None:
    made["question"] = "  ".join(made["question"].upper().split()).rstrip("?") + " ?"


def _with_a_word_more(made: Row, _other: Row) -> None:
    made["question"] = f"Actually, {made['question']}"


def _with_other_answers(made: Row, other: Row) -> None:
    made.update(answers=other["answers"], evidence=other["evidence"])


def _stands(words: str, texts: Iterable[str]) -> bool:
    spaced = r"\s+".join(map(re.escape, words.split()))
    pattern = re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE)
    return any(pattern.search(text) for text in texts)


def _altered_answer(alter: Callable[[Random, str], str]) -> Plant:
    """Make a plant of what alters words, of those that then stand in no document."""

    def plant(random: Random, material: Material) -> Iterable[int]:
        while True:
            number = chosen(random, material.rows, lambda row: row["answers"])
            answers = material.rows[number]["answers"]
            place = random.randrange(len(answers))
            altered = alter(random, answers[place])
            if altered.strip() and not _stands(altered, material.texts.values()):
                answers[place] = altered
                return [number]

    return plant


def _character_less(random: Random, words: str) -> str:
    place = random.choice([0, random.randrange(len(words)), len(words) - 1])
    return words[:place] + words[place + 1 :]


def _has_evidence(row: Row) -> bool:
    return bool(row["answers"] and row.get("evidence"))


def _holds(row: Row, text: str, place: Row) -> bool:
    """Tell whether a place has some of the words of an answer of a row, or all of one and more."""
    found = " ".join(text[place["start"] : place["end"]].lower().split())
    answers = [" ".join(answer.lower().split()) for answer in row["answers"]]
    return any(answer in found or _stands(found.strip(" .,"), [answer]) for answer in answers)


def _moved_evidence(random: Random, material: Material) -> Iterable[int]:
    while True:
        number = chosen(random, material.rows, _has_evidence)
        row = material.rows[number]
        place = random.choice(row["evidence"])
        text = material.texts[place["document"]]
        moved = random.choice([-1, 1]) * random.randint(1, 200)
        new = {**place, "start": place["start"] + moved, "end": place["end"] + moved}
        if new["start"] >= 0 and new["end"] <= len(text) and not _holds(row, text, new):
            place.update(new)
            return [number]


def _moved_mendably(random: Random, material: Material) -> Iterable[int]:
    """Move evidence of the only answer of a row, which stands in the document once."""
    while True:
        before = copy.deepcopy(material)
        [number] = _moved_evidence(random, material)
        row, old = material.rows[number], before.rows[number]
        [place, *others] = old["evidence"]
        words = material.texts[place["document"]][place["start"] : place["end"]]
        n = material.texts[place["document"]].lower().count(words.lower())
        if row["answers"] == [words] and n == 1 and not others:
            row["right"] = old["evidence"]
            return [number]
        material.rows[:] = before.rows


def _evidence_beyond(_random: Random, row: Row) -> None:
    row["evidence"][0]["end"] += 1_000_000


def _evidence_elsewhere(_random: Random, row: Row) -> None:
    row["evidence"][0]["document"] = "lost.txt"


def _follows_below(random: Random, material: Material) -> Iterable[int]:
    number = chosen(random, material.rows[:-1])
    material.rows[number]["follows"] = random.choice(material.rows[number + 1 :])["id"]
    return [number]


def _follows_itself(_random: Random, row: Row) -> None:
    row["follows"] = row["id"]


def _without_answers(_random: Random, row: Row) -> None:
    del row["answers"]


def _no_answers_at_all(_random: Random, material: Material) -> Iterable[int]:
    for row in material.rows:
        del row["answers"]
    return [0]


def _no_longer_borne_out(material: Material) -> list[int]:
    """Return the rows of which an answer stands in no document, or evidence holds none of them."""
    return [
        number
        for number, row in enumerate(material.rows)
        if row["answers"]
        and not (
            all(_stands(answer, material.texts.values()) for answer in row["answers"])
            and all(
                _holds(row, material.texts[place["document"]], place)
                for place in row.get("evidence", [])
            )
        )
    ]


def _inserted_paragraph(random: Random, material: Material) -> Iterable[int]:
    [name] = {place["document"] for row in material.rows for place in row.get("evidence", [])}
    paragraph = "A note that was added later.\n\n" * random.randint(1, 9)
    material.texts[name] = paragraph + material.texts[name]
    return _no_longer_borne_out(material)


def _altered_document(random: Random, material: Material) -> Iterable[int]:
    """Alter a character of a document, of those on which an answer depends."""
    texts = dict(material.texts)
    while True:
        row = material.rows[chosen(random, material.rows, _has_evidence)]
        place = random.choice(row["evidence"])
        text = texts[place["document"]]
        at = random.randrange(place["start"], place["end"])
        material.texts[place["document"]] = (
            text[:at] + other_character(random, text[at]) + text[at + 1 :]
        )
        numbers = _no_longer_borne_out(material)
        if text[at].isalnum() and numbers:
            return numbers
        material.texts.update(texts)


def _called_unanswerable(random: Random, material: Material) -> Iterable[int]:
    number = chosen(random, material.rows, lambda row: row["id"] in material.sure)
    material.rows[number].update(answers=[], evidence=[])
    return [number]


def _of_question_sets() -> Iterable[Kind]:
    def kind(name: str, says: str, plant: Plant, write: Writer = write_json_lines) -> Kind:
        return Kind("lint", name, says, plant, write)

    yield kind("a line cut short", "expected one JSON object", changed(cut_short))
    yield kind("a line that is no object", "expected one JSON obj", changed(lambda *_: "[1]"))
    yield kind("no question", 'expected a row with "question"', setting("question", None))
    yield kind("an empty question", '"question" must be a text', setting("question", " "))
    yield kind("a number as id", '"id" must be a text', setting("id", 7))
    yield kind("half a character", "holds half a character", setting("question", "Who \ud83d?"))
    yield kind("answers that are no list", '"answers" must be a list', setting("answers", "yes"))
    yield kind("an empty answer", '"answers" must be a list of texts', setting("answers", [""]))
    yield kind(
        "evidence that is no list", '"evidence" must be a list', setting("evidence", {"a": 1})
    )
    yield kind("evidence back to front", "expected a place", changed(_swap_ends, _has_evidence))
    yield kind("an id that is taken", "the id is taken by", _id_taken)
    yield kind(
        "a question asked twice", ": asks the same as .* delete", _repeated(_written_otherwise)
    )
    yield kind(
        "a question asked twice, of other answers",
        "asks the same as .*, of other answers",
        _repeated(_with_other_answers, has("answers")),
    )
    yield kind(
        "a question asked twice with a word more",
        "asks nearly the same as",
        _repeated(_with_a_word_more, lambda row: _n_words(row) >= 9),
    )
    in_none = "the answer .* stands in no document"
    yield kind("a character of an answer altered", in_none, _altered_answer(other_character))
    yield kind("a character of an answer lost", in_none, _altered_answer(_character_less))
    no_number = "no metric can score it, because articles"
    yield kind("an answer that is an article", no_number, setting("answers", ["the"]))
    yield kind("no answers in a row", "the row has no .answers.", changed(_without_answers))
    yield kind("no answers in any row", "no row has .answers.", _no_answers_at_all)
    yield kind(
        "evidence, but no answer",
        "names evidence, but",
        changed(lambda _random, row: row.update(answers=[]), _has_evidence),
    )
    yield kind("evidence moved", "which holds none of its answers", _moved_evidence)
    yield Kind(
        "lint --fix",
        "evidence moved",
        r"--fix moves it \(rightly\)",
        _moved_mendably,
        write_json_lines,
    )
    yield kind(
        "evidence beyond the end",
        "lies beyond the end of its document",
        changed(_evidence_beyond, _has_evidence),
    )
    yield kind(
        "evidence in a lost document",
        "names a document that is missing",
        changed(_evidence_elsewhere, _has_evidence),
    )
    no_longer = "stands in no document|which holds none of its answers"
    yield kind("a character of the document altered", no_longer, _altered_document)
    yield kind("a paragraph more in the document", no_longer, _inserted_paragraph)
    yield kind("a row before it that is missing", "which is no row", setting("follows", "nowhere"))
    yield kind("a row that follows itself", "names the row itself", changed(_follows_itself))
    yield kind("a row before it that stands below", "which stands below", _follows_below)
    yield Kind(
        "lint --ask",
        "an answered row called unanswerable",
        "but the bot answers",
        _called_unanswerable,
        write_json_lines,
    )


def _of_other_formats() -> Iterable[Kind]:
    for name, says, change, write in (
        (
            "CSV: a cell too many",
            "expected 3 cells as in the header, got 4",
            lambda _random, row: row.update(more=["more"]),
            write_table,
        ),
        (
            "CSV: a quotation mark in a cell",
            "a cell is not closed",
            lambda _random, row: f'{row["id"]},"Who" knows?,',
            write_table,
        ),
        (
            "XLSX: a cell beyond the header",
            "stands beyond the columns of the header",
            lambda _random, row: row.update(more=["more"]),
            write_workbook,
        ),
        (
            "XLSX: an empty question",
            "expected a row with",
            lambda _random, row: row.update(question=" "),
            write_workbook,
        ),
        ("SQuAD: a row that is no object", "expected a JSON object", lambda *_: 7, write_squad),
        (
            "SQuAD: is_impossible that is no truth value",
            '"is_impossible" must be',
            lambda _random, row: row.update(is_impossible="no"),
            write_squad,
        ),
        (
            "SQuAD: answers that are no list",
            '"answers" must be a list of objects',
            lambda _random, row: row.update(answers="yes"),
            write_squad,
        ),
    ):
        yield Kind("lint", name, says, partial(_bare, changed(change)), write)


def _bare(plant: Plant, random: Random, material: Material) -> Iterable[int]:
    """Plant into rows of what every format has, none of which follows another."""
    material.rows = [
        {key: row[key] for key in ("id", "question", "answers")}
        for row in material.rows
        if row.get("follows") is None
    ]
    return plant(random, material)


SET_KINDS = (*_of_question_sets(), *_of_other_formats())
