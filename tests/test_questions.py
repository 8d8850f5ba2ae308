import io
import json
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.questions import Evidence, Question, QuestionFile, load_questions
from corpus.errors import ObserverError, QuestionFormatError
from tests.office_files import with_part, xlsx_of


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load a question set from its text or bytes; the file is named without its folder."""
    monkeypatch.chdir(tmp_path)

    def write_and_load(name, content):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return load_questions(name)

    return write_and_load


def test_a_json_line_is_a_question(load):
    row = {
        "id": "a01",
        "question": "Which ship?",
        "answers": ["Westerdam"],
        "evidence": [{"document": "a.txt", "start": 3, "end": 10, "quote": "x"}],
        "topic": "ships",
    }
    assert load("q.jsonl", json.dumps(row)) == [
        Question(
            "a01",
            "Which ship?",
            ("Westerdam",),
            (Evidence("a.txt", 3, 10),),
            None,
            {"topic": "ships"},
        )
    ]


def test_answers_tell_answerable_unanswerable_and_only_asked_apart(load):
    answerable, unanswerable, asked = load(
        "q.jsonl",
        '{"question": "A?", "answers": ["x"]}\n'
        '{"question": "B?", "answers": []}\n'
        '{"question": "C?", "answers": null}\n',
    )
    assert (answerable.answerable, answerable.unanswerable) == (True, False)
    assert (unanswerable.answerable, unanswerable.unanswerable) == (False, True)
    assert (asked.answerable, asked.unanswerable, asked.answers) == (False, False, None)


def test_without_an_id_the_line_number_serves(load):
    questions = load("q.ndjson", '{"question": "A?"}\n\n{"question": "B?"}\n')
    assert [question.id for question in questions] == ["1", "3"]


def test_a_follow_up_names_the_row_before(load):
    first, second = load("q.jsonl", '{"question": "A?"}\n{"question": "And?", "follows": "1"}')
    assert (first.follows, second.follows) == (None, first.id)


def test_plain_text_is_a_question_a_line(load):
    questions = load("q.txt", "\nWho?\r\n\r\n  When? \r\n")
    assert questions == [Question("2", "Who?"), Question("4", "When?")]


def test_a_table_separates_answers_by_a_bar(load):
    questions = load(
        "q.csv", 'id,question,answers,topic\na,"Who, then?",Hun Sen| Mr Hun |,x\nb,Why?,,\n'
    )
    assert questions == [
        Question("a", "Who, then?", ("Hun Sen", "Mr Hun"), extra={"topic": "x"}),
        Question("b", "Why?", ()),
    ]


def test_a_table_without_answers_is_only_asked_and_rows_are_named_by_their_first_line(load):
    questions = load("q.csv", 'Question\n"Who\nelse?"\nWhy?\n,\n')
    assert questions == [Question("2", "Who\nelse?"), Question("4", "Why?")]


@pytest.mark.parametrize(("name", "mark"), [("q.tsv", "\t"), ("q.csv", "\t"), ("q.csv", ";")])
def test_tables_of_spreadsheets_are_separated_by_tabs_or_semicolons(load, name, mark):
    text = f"id{mark}question{mark}answers\na{mark}Who, when?{mark}he\n"
    assert load(name, text) == [Question("a", "Who, when?", ("he",))]


def test_the_first_sheet_of_a_workbook_is_a_table(load):
    sheet = [
        [],
        ["ID", "Question", "Answer", "Year"],
        [7, "Who, then?", "Hun Sen| Mr Hun |", 1970],
        [None, "How many?", 300, 0.5],
        [" ", None, " "],
        ["c", "Why\nnot?", None, None, " "],
        ["d", "When?"],
    ]
    assert load("q.xlsx", xlsx_of(First=sheet, Second=[["question"], ["Ignored?"]])) == [
        Question("7", "Who, then?", ("Hun Sen", "Mr Hun"), extra={"year": "1970"}),
        Question("4", "How many?", ("300",), extra={"year": "0.5"}),
        Question("c", "Why\nnot?", ()),
        Question("d", "When?", ()),
    ]


def test_a_hidden_sheet_is_passed_over(tmp_path):
    workbook = openpyxl.Workbook()
    workbook["Sheet"].sheet_state = "hidden"
    sheet = workbook.create_sheet("Seen")
    for row in (["question"], ["Who?"]):
        sheet.append(row)
    workbook.save(tmp_path / "q.xlsx")
    assert load_questions(tmp_path / "q.xlsx") == [Question("2", "Who?")]


BOOK = xlsx_of(Sheet1=[["question"], ["Who?"]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"question", r"q\.xlsx: is a damaged or truncated file; save it anew"),
        (BOOK[:-60], r"q\.xlsx: is a damaged or truncated file; save it anew"),
        (with_part(BOOK, "xl/workbook.xml", "<a"), r"q\.xlsx: is a damaged workbook; save it anew"),
        (
            with_part(BOOK, "xl/worksheets/sheet1.xml", "<worksheet><sheetData><row"),
            r"q\.xlsx: is a damaged workbook; save it anew",
        ),
        (xlsx_of(Sheet1=[[]]), r"q\.xlsx: holds no questions; write one a line"),
        (
            xlsx_of(Sheet1=[[], ["who", "when"]]),
            r"q\.xlsx: Sheet1, row 2: expected a header such as id,question,answers, got",
        ),
        (
            xlsx_of(Sheet1=[["question", "answers"], [], ["Who?", "he", None, "she"]]),
            r"q\.xlsx: Sheet1, row 3: 'she' stands beyond the columns of the header; name its",
        ),
        (
            xlsx_of(Sheet1=[["question", "answers"], [None, "he"]]),
            r"q\.xlsx: Sheet1, row 2: expected a row with \"question\", got {'answers': \['he'\]}",
        ),
        (
            xlsx_of(Sheet1=[["id", "question"], ["a", "Who?"], ["a", "When?"]]),
            r"q\.xlsx: Sheet1, row 3: the id 'a' is taken by q\.xlsx: Sheet1, row 2; give",
        ),
    ],
)
def test_what_is_wrong_with_a_workbook_is_named_with_its_row(load, data, message):
    with pytest.raises(QuestionFormatError, match=message) as error:
        load("q.xlsx", data)
    assert "\n" not in str(error.value)


def test_a_workbook_without_a_visible_sheet_is_named(load):
    with zipfile.ZipFile(io.BytesIO(BOOK)) as package:
        contents = package.read("xl/workbook.xml").decode()
    hidden = with_part(BOOK, "xl/workbook.xml", contents.replace('"visible"', '"hidden"'))
    with pytest.raises(QuestionFormatError, match=r"q\.xlsx: has no visible sheet; show one"):
        load("q.xlsx", hidden)


def test_a_missing_workbook_is_named(tmp_path):
    with pytest.raises(QuestionFormatError, match=r"q\.xlsx: cannot be read: No such file or dir"):
        load_questions(tmp_path / "q.xlsx")


SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Ships",
            "paragraphs": [
                {
                    "context": "Westerdam",
                    "qas": [
                        {
                            "id": "s1",
                            "question": "Which?",
                            "is_impossible": False,
                            "answers": [{"text": "Westerdam", "answer_start": 0}],
                        },
                        {
                            "id": "s2",
                            "question": "Why?",
                            "is_impossible": True,
                            "answers": [],
                            "plausible_answers": [{"text": "Wes", "answer_start": 0}],
                        },
                        {"id": "s3", "question": "Hm?"},
                    ],
                }
            ],
        }
    ],
}


def test_squad_is_read_without_evidence_because_its_documents_are_not_ours(load):
    questions = load("q.json", json.dumps(SQUAD))
    assert [(question.id, question.answers) for question in questions] == [
        ("s1", ("Westerdam",)),
        ("s2", ()),
        ("s3", None),
    ]
    assert all(question.evidence == () for question in questions)
    assert questions[1].extra["plausible_answers"] == [{"text": "Wes", "answer_start": 0}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("q.txt", "What is the kingdom’s policy?\n"),
        ("q.csv", "question\nWhat is the kingdom’s policy?\n"),
        ("q.jsonl", '{"question": "What is the kingdom’s policy?"}\n'),
    ],
)
def test_any_usual_encoding_is_read(load, name, text, encoding):
    [question] = load(name, text.encode(encoding))
    assert question.text == "What is the kingdom’s policy?"


def test_a_line_separator_inside_a_question_ends_no_line(load):
    [question] = load("q.jsonl", '{"question": "A\u2028B\x85C?"}\n')
    assert question.text == "A\u2028B\x85C?"


PLACE = '{"question": "A?", "evidence": [%s]}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "q7"', r"q.jsonl:2: expected one JSON object, got .*; correct or delete"),
        ("[1]", "q.jsonl:2: expected one JSON object"),
        ("[" * 100_000, "q.jsonl:2: expected one JSON object"),
        ("1" * 5_000, "q.jsonl:2: expected one JSON object"),
        ('{"id": "q7"}', """q.jsonl:2: expected a row with "question", got {'id': 'q7'}"""),
        ('{"question": " "}', 'q.jsonl:2: "question" must be a text in quotes that is not empty'),
        ('{"question": 7}', 'q.jsonl:2: "question" must be a text .* got 7'),
        (r'{"question": "\ud83d"}', 'q.jsonl:2: "question" holds half a character'),
        ('{"question": "A?", "id": 7}', 'q.jsonl:2: "id" must be a text in quotes .* got 7'),
        ('{"question": "A?", "id": "1"}', "q.jsonl:2: the id '1' is taken by q.jsonl:1; give"),
        (
            '{"question": "A?", "answers": "x"}',
            """q.jsonl:2: "answers" must be a list .* got 'x'""",
        ),
        ('{"question": "A?", "answers": [1]}', r"q.jsonl:2: .* or \[\] where the documents do not"),
        (
            '{"question": "A?", "answers": [""]}',
            'q.jsonl:2: "answers" must be a list of texts that',
        ),
        ('{"question": "A?", "follows": 1}', 'q.jsonl:2: "follows" must be a text'),
        (
            '{"question": "A?", "follows": "x"}',
            """q.jsonl:2: "follows" must be .* above, got 'x'""",
        ),
        ('{"question": "A?", "follows": "3"}', "q.jsonl:2: .* correct it or move the row down"),
        (
            '{"question": "A?", "follows": "2"}',
            'q.jsonl:2: "follows" must be the id of a row above',
        ),
        ('{"question": "A?", "evidence": {}}', 'q.jsonl:2: "evidence" must be a list'),
        (PLACE % "7", "q.jsonl:2: expected a place such as"),
        (PLACE % '{"document": "a", "start": 5, "end": 5}', "q.jsonl:2: .* 0 <= start < end"),
        (PLACE % '{"document": "a", "start": 6, "end": 5}', "q.jsonl:2: .* 0 <= start < end"),
        (PLACE % '{"document": "a", "start": -1, "end": 5}', "q.jsonl:2: .* 0 <= start < end"),
        (PLACE % '{"document": "a", "start": 0.0, "end": 5}', "q.jsonl:2: expected a place"),
        (PLACE % '{"document": "a", "start": 0, "end": true}', "q.jsonl:2: expected a place"),
        (PLACE % '{"document": "", "start": 0, "end": 5}', "q.jsonl:2: expected a place"),
    ],
)
def test_a_malformed_row_is_refused_in_one_line_that_names_it(load, line, message):
    with pytest.raises(QuestionFormatError, match=message) as error:
        load("q.jsonl", '{"question": "First?"}\n' + line + '\n{"question": "Last?"}\n')
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.csv", "id,answers\na,b\n", "q.csv:1: expected a header such as id,question,answers"),
        ("q.csv", "question,question\na,b\n", "q.csv:1: expected a header"),
        (
            "q.csv",
            "id,question\n\na,b,c\n",
            "q.csv:3: expected 2 cells as in the header, got 3; put",
        ),
        (
            "q.csv",
            "id,question,answers\na,b\n",
            "q.csv:2: expected 3 cells as in the header, got 2",
        ),
        ("q.csv", 'question\nA?\n"B?\n', "q.csv:3: a cell is not closed"),
        ("q.csv", "id,question\na,\n", 'q.csv:2: expected a row with "question"'),
        ("q.json", "{", "q.json:1: is not JSON: .* name it .jsonl"),
        ("q.json", "[" * 100_000, "q.json: is not JSON that can be read"),
        ("q.json", "[]", "q.json: data: expected a list as in SQuAD 2.0, got None; write"),
        (
            "q.json",
            '{"data": [{"paragraphs": 1}]}',
            r"q.json: data\[0\].paragraphs: expected a list",
        ),
        (
            "q.json",
            '{"data": [{"paragraphs": [{"qas": [1]}]}]}',
            r"qas\[0\]: expected a JSON object",
        ),
        ("q.txt", " \n\n", "q.txt: holds no questions; write one a line"),
        (
            "q.txt",
            b"\x00\x01\x02\x00\x00",
            "q.txt: is not text in a known encoding; save it as UTF-8",
        ),
        ("q.docx", "A?", "q.docx: a question set ends in .jsonl, .ndjson, .csv, .tsv, .xlsx, .txt"),
    ],
)
def test_a_file_of_another_shape_is_refused_in_one_line(load, name, text, message):
    with pytest.raises(QuestionFormatError, match=message) as error:
        load(name, text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"is_impossible": "no"}, """"is_impossible" must be true or false, got 'no'"""),
        ({"answers": ["x"]}, '"answers" must be a list of objects with "text"'),
        ({"answers": "x"}, '"answers" must be a list of objects with "text"'),
        ({"question": None}, 'expected a row with "question"'),
    ],
)
def test_a_malformed_squad_row_is_refused_with_its_place(load, keys, message):
    row = {"id": "s", "question": "A?"} | keys
    squad = {"data": [{"paragraphs": [{"qas": [row]}]}]}
    with pytest.raises(QuestionFormatError, match=message) as error:
        load("q.json", json.dumps(squad))
    assert str(error.value).startswith("q.json: data[0].paragraphs[0].qas[0]: ")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ObserverError, match=r"none\.jsonl: cannot be read: No such file"):
        load_questions(tmp_path / "none.jsonl")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(ObserverError, match=r"folder\.txt: cannot be read"):
        load_questions(tmp_path / "folder.txt")


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
offsets = st.tuples(st.integers(0, 99), st.integers(1, 99)).map(lambda pair: (pair[0], sum(pair)))
evidence = st.lists(st.builds(lambda name, pair: Evidence(name, *pair), texts, offsets), max_size=2)
rows = st.lists(
    st.builds(
        Question,
        id=texts,
        text=texts,
        answers=st.none() | st.lists(texts, max_size=3).map(tuple),
        evidence=evidence.map(tuple),
        extra=st.dictionaries(texts.map("x".__add__), st.integers()),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda question: question.id,
)


@given(rows)
def test_a_question_set_survives_being_written_and_read(tmp_path_factory, questions):
    path = tmp_path_factory.mktemp("sets") / "q.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for question in questions:
            row = {
                "id": question.id,
                "question": question.text,
                "answers": question.answers,
                "evidence": [
                    {"document": place.document_id, "start": place.start, "end": place.end}
                    for place in question.evidence
                ],
                **question.extra,
            }
            stream.write(json.dumps(row) + "\n")
    assert load_questions(path) == questions


@given(
    st.binary(max_size=200), st.sampled_from([".jsonl", ".csv", ".tsv", ".xlsx", ".txt", ".json"])
)
def test_any_bytes_are_questions_or_one_line_of_error(tmp_path_factory, data, suffix):
    path = tmp_path_factory.mktemp("sets") / f"q{suffix}"
    path.write_bytes(data)
    try:
        assert load_questions(path)
    except QuestionFormatError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017


class TestQuestionFile:
    @pytest.fixture
    def file(self, tmp_path):
        path = tmp_path / "q.jsonl"
        path.write_bytes(
            b'\xef\xbb\xbf{"id": "a", "question": "A?"}\r\nnonsense\r\n\n'
            b'{"id": "a", "question": "B?"}\n'
            b'{"id": "c", "question": "C?", "follows": "a"}'
        )
        return path

    def test_it_is_gone_through_anew_each_time_without_its_malformed_rows(self, file):
        questions = QuestionFile.open(file)
        assert len(questions) == 2
        for _ in range(2):
            assert [question.id for question in questions] == ["a", "c"]
        assert [problem.removeprefix(f"{file}:")[:2] for problem in questions.problems] == [
            "2:",
            "4:",
        ]

    def test_strict_stops_at_the_first_malformed_row(self, file):
        with pytest.raises(QuestionFormatError, match=r"q\.jsonl:2: expected one JSON object"):
            QuestionFile.open(file, strict=True)

    def test_other_encodings_are_read_as_well(self, file):
        file.write_text(json.dumps({"question": "Café?"}, ensure_ascii=False), "utf-16")
        assert [question.text for question in QuestionFile.open(file)] == ["Café?"]
        file.write_text('{"question": "Who ate at the café, and why?"}', "cp1252")
        assert "café" in next(iter(QuestionFile.open(file))).text

    def test_its_digest_tells_what_is_asked_and_not_what_is_right(self, file):
        def digest(**changes):
            row = {"id": "a", "question": "A?", "answers": ["x"], **changes}
            file.write_text(json.dumps(row))
            return QuestionFile.open(file).sha256

        assert digest() == digest(answers=["y"])
        assert len({digest(), digest(id="b"), digest(question="B?")}) == 3


def test_a_table_may_call_its_answers_answer(load):
    assert load("q.csv", "question,answer\nWho?,Hun Sen\nWhy?,\n") == [
        Question("2", "Who?", ("Hun Sen",)),
        Question("3", "Why?", ()),
    ]
