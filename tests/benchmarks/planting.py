"""What a fault is planted into, how it is written to a file, and what several plants share."""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Any

import openpyxl

from corpus.documents import Document

Row = dict[str, Any]


@dataclass
class Material:
    """What a fault is planted into.

    Attributes:
        rows: Those of the questions or of the answers file.
        texts: Of the documents, by id.
        sure: The ids of the questions that were answered surely.
    """

    rows: list[Any]
    texts: dict[str, str]
    sure: frozenset[str]

    def loaded(self) -> dict[str, Document]:
        return {name: Document.from_text(name, text) for name, text in self.texts.items()}


Plant = Callable[[Random, Material], Iterable[int]]
Writer = Callable[[Path, Sequence[Any]], tuple[Path, Callable[[int], str]]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    Attributes:
        command: Which command names it.
        name: What is planted.
        says: What a finding of this kind says, a regular expression.
        plant: Plants one and returns the numbers of the rows that it makes faulty, from 0.
        write: Writes the rows to a folder, and says how a finding names the place of each.
    """

    command: str
    name: str
    says: str
    plant: Plant
    write: Writer


def write_json_lines(folder: Path, rows: Sequence[Any]) -> tuple[Path, Callable[[int], str]]:
    path = folder / "rows.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path, lambda number: f"{path}:{number + 1}"


def write_table(folder: Path, rows: Sequence[Any]) -> tuple[Path, Callable[[int], str]]:
    path = folder / "rows.csv"
    lines: list[int] = []
    with path.open("w", encoding="utf-8", newline="") as stream:
        write = csv.writer(stream).writerow
        write(["id", "question", "answers"])
        for row in rows:
            stream.flush()
            lines.append(path.read_bytes().count(b"\n") + 1)
            if isinstance(row, str):
                stream.write(f"{row}\r\n")
            else:
                write([row["id"], row["question"], "|".join(row["answers"]), *row.get("more", [])])
    return path, lambda number: f"{path}:{lines[number]}"


def write_workbook(folder: Path, rows: Sequence[Any]) -> tuple[Path, Callable[[int], str]]:
    path = folder / "rows.xlsx"
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["id", "question", "answers"])
    for row in rows:
        sheet.append([row["id"], row["question"], "|".join(row["answers"]), *row.get("more", [])])
    workbook.save(path)
    return path, lambda number: f"{path}: Sheet, row {number + 2}"


def write_squad(folder: Path, rows: Sequence[Any]) -> tuple[Path, Callable[[int], str]]:
    path = folder / "rows.json"
    made = [
        {**row, "answers": [{"text": text} for text in row["answers"]]}
        if isinstance(row, dict) and isinstance(row["answers"], list)
        else row
        for row in rows
    ]
    squad = {"data": [{"paragraphs": [{"qas": made}]}]}
    path.write_text(json.dumps(squad), encoding="utf-8")
    return path, lambda number: f"{path}: data[0].paragraphs[0].qas[{number}]"


def chosen(
    random: Random, rows: Sequence[Any], suits: Callable[[Row], object] = lambda _row: True
) -> int:
    """Choose a row that suits and that no other one follows."""
    followed = {row.get("follows") for row in rows}
    return random.choice(
        [number for number, row in enumerate(rows) if row["id"] not in followed and suits(row)]
    )


def changed(
    change: Callable[[Random, Row], Any], suits: Callable[[Row], object] = lambda _row: True
) -> Plant:
    """Make a plant of what changes a row; what it returns, if anything, is put in its place."""

    def plant(random: Random, material: Material) -> Iterable[int]:
        number = chosen(random, material.rows, suits)
        other = change(random, material.rows[number])
        if other is not None:
            material.rows[number] = other
        return [number]

    return plant


def setting(key: str, value: Any) -> Plant:
    return changed(lambda _random, row: row.update({key: value}))


def cut_short(random: Random, row: Row) -> str:
    line = json.dumps(row)
    return line[: random.randrange(1, len(line))]


def other_character(random: Random, words: str) -> str:
    place = random.randrange(len(words))
    letter = random.choice([other for other in ascii_lowercase if other != words[place].lower()])
    return f"{words[:place]}{letter}{words[place + 1 :]}"


def has(key: str) -> Callable[[Row], object]:
    return lambda record: record[key]
