"""The faults that `observer verify` names."""

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from tests.benchmarks.planting import (
    Kind,
    Material,
    Plant,
    Row,
    changed,
    chosen,
    cut_short,
    has,
    other_character,
    setting,
    write_json_lines,
)


def _entry(key: str, change: Callable[[Random, Row], Any]) -> Plant:
    """Make a plant of what changes one of the quotes or passages of a record."""
    return changed(lambda random, record: change(random, random.choice(record[key])), has(key))


def _moved_end(random: Random, entry: Row) -> None:
    key = random.choice(["start", "end"])
    entry[key] += random.choice([-1, 1])


def _moved_whole(random: Random, entry: Row) -> None:
    step = random.choice([-1, 1])
    entry["start"], entry["end"] = entry["start"] + step, entry["end"] + step


def _words(entry: Row) -> str:
    return "quote" if "quote" in entry else "text"


def _altered_words(random: Random, entry: Row) -> None:
    entry[_words(entry)] = other_character(random, entry[_words(entry)])


def _beyond(_random: Random, entry: Row) -> None:
    entry["end"] += 1_000_000


def _no_number(random: Random, entry: Row) -> None:
    key = random.choice(["start", "end"])
    entry[key] = random.choice([str(entry[key]), float(entry[key]), None])


def _in_document(name: str) -> Callable[[Random, Row], None]:
    return lambda _random, entry: entry.update(document=name)


def _is_listed(record: Row, citation: Row) -> bool:
    ends = citation["passage_start"], citation["passage_end"]
    return ends in [(passage["start"], passage["end"]) for passage in record["passages"]]


def _wider_passage(random: Random, record: Row) -> None:
    """Move an end of the passage of a citation; `verify` knows those that the answer lists."""
    listed = [citation for citation in record["citations"] if _is_listed(record, citation)]
    key, step = random.choice([("passage_start", -1), ("passage_end", 1)])
    random.choice(listed)[key] += step


def _narrow_passage(random: Random, entry: Row) -> None:
    if random.random() < 0.5:
        entry["passage_start"] = entry["start"] + 1
    else:
        entry["passage_end"] = entry["end"] - 1


def _other_answer(random: Random, record: Row) -> None:
    record["answer"] = other_character(random, record["answer"])


def _quotes_of_another(random: Random, material: Material) -> Iterable[int]:
    quoting = material.rows[chosen(random, material.rows, has("citations"))]
    number = chosen(random, material.rows, lambda record: not record["answer"])
    material.rows[number]["citations"] = quoting["citations"]
    return [number]


def _edited_document(random: Random, material: Material) -> Iterable[int]:
    """Alter a character that an answer quotes; every record that has it somewhere is faulty."""
    record = material.rows[chosen(random, material.rows, has("citations"))]
    place = record["citations"][0]
    name, at = place["document"], random.randrange(place["start"], place["end"])
    text = material.texts[name]
    material.texts[name] = text[:at] + other_character(random, text[at]) + text[at + 1 :]
    return [
        number
        for number, other in enumerate(material.rows)
        if any(
            entry["document"] == name and entry["start"] <= at < entry["end"]
            for key in ("citations", "alternatives", "passages")
            for entry in other[key]
        )
    ]


def _of_answers() -> Iterable[Kind]:
    def kind(name: str, says: str, plant: Plant) -> Kind:
        return Kind("verify", name, says, plant, write_json_lines)

    for label in ("citation", "alternative", "passage"):
        for name, says, change in (
            ("a character of {} altered", "reads .*, not ", _altered_words),
            ("an offset of {} moved", "reads .*, not |is no place in it", _moved_end),
            ("both offsets of {} moved", "reads .*, not |is no place in it", _moved_whole),
            ("{} beyond the end", "is no place in it", _beyond),
            ("an offset of {} that is no whole number", "is no place in it", _no_number),
            ("{} in another document", "reads .*, not ", _in_document("other.txt")),
            ("{} in a lost document", "there is no document", _in_document("lost.txt")),
        ):
            words = ("an " if label == "alternative" else "a ") + label
            yield kind(
                name.format(words),
                rf": {label} \d+: .*({says})",
                _entry(f"{label}s", change),
            )
    yield kind(
        "a passage that does not hold its citation",
        r"citation \d+: its passage .* does not hold it",
        _entry("citations", _narrow_passage),
    )
    yield kind(
        "an offset of a citation's passage moved",
        r"citation \d+: its passage .* (is listed as|does not hold it)",
        changed(
            _wider_passage,
            lambda record: any(_is_listed(record, citation) for citation in record["citations"]),
        ),
    )
    yield kind(
        "a citation from another page",
        r"citation \d+: stands at .*, not at 'page 77'",
        _entry("citations", lambda _random, entry: entry.update(location="page 77")),
    )
    yield kind(
        "a character of an answer altered",
        "which is not what it quotes",
        changed(_other_answer, has("answer")),
    )
    yield kind(
        "an answer without its quotes",
        "without a quote",
        changed(lambda _random, record: record.update(citations=[]), has("answer")),
    )
    yield kind("an abstention with quotes", "abstains, but quotes", _quotes_of_another)
    yield kind("a character of the document altered", "reads .*, not ", _edited_document)
    yield kind("a line cut short", "expected one JSON object", changed(cut_short))
    yield kind("no answer", "expected an answer with", setting("answer", None))
    yield kind("citations that are no list", '"citations" must be a list', setting("citations", 7))


ANSWER_KINDS = tuple(_of_answers())
