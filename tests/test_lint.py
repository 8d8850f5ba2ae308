import json
import sys
from itertools import product
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from click.testing import CliRunner

import corpus
from bot.answer import Answer
from bot.cli_suite import lint_command
from bot.lint import Mending, lint, mend
from bot.questions import Evidence
from corpus import Document
from corpus.errors import ObserverError, QuestionFormatError

TEXT = (
    "The ferry carries forty passengers. Captain Sok\nDara steers it.\n\n"
    "It is the kingdom’s oldest ferry. Ten crossings a day are made, often by Sok Dara."
)
DOCUMENTS = {"ferry.txt": Document.from_text("ferry.txt", TEXT)}


def place(words, shift=0, document="ferry.txt"):
    start = TEXT.index(words) + shift
    return {"document": document, "start": start, "end": start + len(words)}


def row(name, question, *answers, **changes):
    evidence = [place(answers[0])] if answers and answers[0] in TEXT else []
    return {
        "id": name,
        "question": question,
        "answers": list(answers),
        "evidence": evidence,
        **changes,
    }


MANY = row("a1", "How many passengers does the ferry carry?", "forty passengers", "forty")
WHO = row("a2", "Who steers it?", "Captain Sok\nDara", follows="a1")
WHY = row("a3", "Why?", follows="a2")


class StubBot:
    """Knows who built what, and which dialogue it was asked in."""

    index = SimpleNamespace(documents=DOCUMENTS)

    def __init__(self):
        self.asked = []

    def ask(self, question, history=()):
        self.asked.append([*(turn.question for turn in history), question])
        text = "Sok Dara" if "built" in question else ""
        confidence = 0.75 if "perhaps" in question else 0.875
        return Answer(question, question, text, (), (), confidence)


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write rows, or lines as they are, to a set that is named without its folder."""
    monkeypatch.chdir(tmp_path)

    def write_rows(*rows, name="q.jsonl"):
        lines = [line if isinstance(line, str) else json.dumps(line) for line in rows]
        file = tmp_path / name
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return file.relative_to(tmp_path)

    return write_rows


@pytest.fixture
def findings(write):
    """Lint rows; what is found, a line each."""
    return lambda *rows, **names: [
        str(finding) for finding in lint(write(*rows, **names), DOCUMENTS).findings
    ]


def test_a_set_as_it_should_be_is_without_finding(findings):
    assert (
        findings(MANY, WHO, WHY, row("b1", "Which one is it?", "the kingdom's oldest ferry")) == []
    )


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (['{"id": "b1"'], """expected one JSON object, got '{"id": "b1"'; correct or delete"""),
        ([{"id": "b1", "question": 7}], 'b1: "question" must be a text in quotes'),
        ([row("a1", "Which day?")], "a1: the id is taken by q.jsonl:1; give this row another"),
        (
            [row("b1", "how many passengers does  ferry carry", "forty")],
            "b1: asks the same as 'a1' at q.jsonl:1; delete one of the two or reword it",
        ),
        (
            [row("b1", "How many passengers does the ferry carry?", "Ten")],
            "b1: asks the same as 'a1' at q.jsonl:1, of other answers; delete one",
        ),
        ([row("b1", "Which boat?", "fairy")], "b1: the answer 'fairy' stands in no document; cor"),
        (
            [row("b1", "Which?", "ferry", "fairy")],
            "b1: the answer 'fairy' stands in no document; correct it, or name its document by",
        ),
        ([row("b1", "Which boat?", "ferr")], "b1: the answer 'ferr' stands in no document; corr"),
        (
            [row("b1", "Which?", "Ten", evidence=[place("Ten", document="lost.txt")])],
            "b1: evidence 1, lost.txt:99-102, names a document that is missing; correct it, or",
        ),
        (
            [row("b1", "Which?", "ferry", evidence=[place("ferry", shift=200)])],
            "b1: evidence 1, ferry.txt:204-209, lies beyond the end of its document at 147; c",
        ),
        (
            [row("b1", "Which?", "ferry", evidence=[place("ferry"), place("forty")])],
            "b1: evidence 2, ferry.txt:18-23, reads 'forty', which holds none of its answers; corr",
        ),
        (
            [row("b1", "Which?", "Ten", evidence=[place("Ten", shift=1)])],
            "b1: evidence 1, ferry.txt:100-103, reads 'en ', which holds none of its answers; its "
            "answer stands at ferry.txt:99-102, to where --fix moves it",
        ),
        ([row("b1", "When?", follows="c9")], """b1: "follows" names 'c9', which is no row; corr"""),
        (
            [row("b1", "When?", follows="b2"), row("b2", "Where?")],
            """b1: "follows" names 'b2', which stands below at q.jsonl:5; move this row below it""",
        ),
        ([row("b1", "When?", follows="b1")], 'b1: "follows" names the row itself; name the one be'),
        (
            [{"id": "b1", "question": "When?"}],
            'b1: the row has no "answers", so that no metric can score it; write the right ones',
        ),
        (
            [row("b1", "Which article?", "The")],
            "b1: no metric can score it, because articles and punctuation do not count",
        ),
        (
            [row("b1", "When?", evidence=[place("Ten")])],
            'b1: names evidence, but "answers" is []; write the answers or delete the evidence',
        ),
    ],
)
def test_a_planted_fault_is_found_and_none_is_invented(findings, rows, found):
    [finding] = findings(MANY, WHO, WHY, *rows)
    assert finding.startswith(f"q.jsonl:4: {found}")


def test_all_faults_are_found_in_the_order_of_the_file_beside_malformed_rows(findings):
    lines = findings(
        "[1]",
        row("a1", "Which boat?", "fairy"),
        row("a2", " "),
        row("a1", "When?", follows="c9"),
        "{",
        row("a3", "Why?", follows="a2"),
    )
    assert [line.split(";")[0] for line in lines] == [
        "q.jsonl:1: expected one JSON object, got '[1]'",
        "q.jsonl:2: a1: the answer 'fairy' stands in no document",
        "q.jsonl:3: a2: \"question\" must be a text in quotes that is not empty, got ' '",
        "q.jsonl:4: a1: the id is taken by q.jsonl:2",
        "q.jsonl:4: a1: \"follows\" names 'c9', which is no row",
        "q.jsonl:5: expected one JSON object, got '{'",
    ]


def test_malformed_rows_of_a_table_are_all_named(findings):
    lines = findings(
        "id,question,answers", "a1,Who?,forty,x", 'a2,"Who"x,', "a3,When?,fairy", name="q.csv"
    )
    assert [line.split(";")[0] for line in lines] == [
        "q.csv:2: expected 3 cells as in the header, got 4",
        "q.csv:3: a cell is not closed: ',' expected after '\"'",
        "q.csv:4: a3: the answer 'fairy' stands in no document",
    ]


def test_malformed_rows_of_squad_are_all_named(findings):
    good = {"id": "s1", "question": "How many?", "answers": [{"text": "forty"}]}
    rows = [7, good, {**good, "answers": 7}]
    squad = {"data": [{"paragraphs": [{"qas": rows}]}]}
    lines = findings(squad, name="q.json")
    assert [line.split(", got")[0] for line in lines] == [
        "q.json: data[0].paragraphs[0].qas[0]: expected a JSON object",
        'q.json: data[0].paragraphs[0].qas[2]: "answers" must be a list of objects with "text"',
    ]


def test_a_set_without_any_answers_is_one_finding(findings):
    [line] = findings("Who?", "When?", name="q.txt")
    assert line.startswith('q.txt:1: no row has "answers", so that no metric can score it')


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("q.jsonl", "\n", r"q\.jsonl: holds no questions; write one a line"),
        ("q.doc", "Who?", r"q\.doc: a question set ends in \.jsonl"),
        ("q.json", "{", r"q\.json:2: is not JSON"),
    ],
)
def test_a_file_that_is_no_set_is_named(write, name, text, message):
    with pytest.raises(QuestionFormatError, match=message):
        lint(write(text, name=name), DOCUMENTS)


LONG = "Which of the ferries of the kingdom carries {} people on most days of the week in {}?"


@pytest.mark.parametrize(
    ("first", "second", "repeated"),
    [
        # The first has 13 different words; one more of 14 makes 0.93.
        (row("a", LONG.format(40, "May")), row("b", LONG.format(40, "May now")), True),
        (row("a", LONG.format(40, "May")), row("b", LONG.format(40, "May right now")), False),
        (row("a", LONG.format(40, "May")), row("b", LONG.format(50, "May")), False),
        (row("a", "Does A beat B?", "ferry"), row("b", "Does B beat A?", "forty"), False),
        (row("a", "Does A beat B?", "ferry"), row("b", "Does B beat A?", "Ferry"), True),
        (row("a", "What is C?"), row("b", "What is C++?"), False),
        (row("a", "Which is plan A?"), row("b", "Which is plan?"), False),
        (row("a", "What is the kingdom’s age?"), row("b", "What is the kingdom's age"), True),
        (row("a", "Who has the key to a room?"), row("b", "WHO HAS THE KEY TO A ROOM?"), True),
        (row("a", "The key is where?"), row("b", "Key is where?"), True),
        (row("a", "A key is where?"), row("b", "key is where?"), True),
        (row("a", "???"), row("b", "!"), False),
    ],
)
def test_near_duplicates_are_told_from_other_questions(findings, first, second, repeated):
    assert len(findings(first, second)) == repeated


def test_a_row_that_says_that_it_is_not_scored_is_no_finding(findings):
    unscored = {"id": "b", "question": "Who is to pay for it?"}
    assert findings(MANY, unscored | {"answers": None}) == []
    assert findings(unscored | {"answers": None}) == []
    assert len(findings(MANY, unscored)) == 1


def test_questions_that_share_only_common_words_are_not_compared(findings, monkeypatch):
    monkeypatch.setattr("bot.near_duplicates._are_near", None)
    names = ["".join(letters) for letters in product("abcd", repeat=4)]
    rows = [row(name, LONG.format("many", name)) for name in names]
    assert findings(*rows) == []


def test_a_follow_up_repeats_only_one_of_the_same_row(findings):
    roots = [row("a", "Who steers it?"), row("b", "Who paid for it?")]
    turns = [row("c", "When?", follows="a"), row("d", "When?", follows="b")]
    assert findings(*roots, *turns) == []
    [line] = findings(*roots, *turns, row("e", "When?", follows="b"))
    assert line.startswith("q.jsonl:5: e: asks the same as 'd' at q.jsonl:4;")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (["Sok Dara"], "Captain Sok\nDara steers it."),
        (["captain SOK  dara steers"], "Sok\nDara"),
        (["It is the kingdom's oldest ferry"], "kingdom’s"),
        (["nine", "forty"], "forty passengers"),
    ],
)
def test_evidence_may_be_wider_or_narrower_than_the_answer(findings, answers, words):
    lines = findings(row("a1", "What?", *answers, evidence=[place(words)]))
    assert [line for line in lines if "evidence" in line] == []


def test_evidence_that_cuts_a_word_of_the_answer_does_not_hold_it(findings):
    cut = place("forty passengers") | {"start": place("forty passengers")["start"] + 1}
    assert (
        "reads 'orty passengers', which holds none"
        in findings(row("a1", "How many?", "forty passengers", evidence=[cut]))[0]
    )


def test_evidence_that_shares_a_word_with_the_answer_elsewhere_does_not_hold_it(findings):
    [line] = findings(row("a1", "Which?", "the kingdom’s oldest ferry", evidence=[place("ferry")]))
    assert "reads 'ferry', which holds none of its answers" in line


def fixed(path):
    findings = lint(path, DOCUMENTS).findings
    mend(path, [finding.mending for finding in findings if finding.mending])
    return lint(path, DOCUMENTS).findings


LINE = (
    ' {"n": [1, -2.5e3, "7 \\" 8"], "evidence": [{"end" : %d,"x":3, "start":  %d , '
    '"document": "ferry.txt"}], "answers":["sok dara steers"],"id":"ä", "question": "Who?"} '
)


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_offsets_are_mended_and_every_other_byte_stays(write, mark):
    before = [json.dumps(MANY), "", "{broken", LINE % (3000, 2985), '{"question": 1} ']
    path = write()
    path.write_bytes(mark + "\r\n".join(before).encode() + b"\r\r\n")
    n_findings = len(lint(path, DOCUMENTS).findings)
    left = fixed(path)
    start = TEXT.index("Sok\nDara steers")
    before[3] = LINE % (start + 15, start)
    assert path.read_bytes() == mark + "\r\n".join(before).encode() + b"\r\r\n"
    assert len(left) == n_findings - 1 == 2


@pytest.mark.parametrize(
    ("evidence", "answers"),
    [
        # "Sok Dara" stands twice, "cross" only within a word.
        ([place("oldest f")], ["Sok Dara"]),
        ([place("forty")], ["cross"]),
        # The place is taken by other evidence.
        ([place("Ten"), place("are")], ["Ten"]),
        ([place("Ten", document="lost.txt")], ["Ten"]),
    ],
)
def test_what_has_not_one_right_mending_is_left(write, evidence, answers):
    path = write(row("a1", "What?", *answers, evidence=evidence))
    before = path.read_bytes()
    assert len(fixed(path)) == 1
    assert path.read_bytes() == before


def test_evidence_as_long_as_an_answer_is_mended_to_that_answer(write):
    lost = place("passengers") | {"start": 2, "end": 12}
    path = write(row("a1", "Who?", "forty passengers", "passengers", evidence=[lost]))
    assert fixed(path) == ()
    assert json.loads(path.read_text())["evidence"] == [place("passengers")]


def test_offsets_stay_right_behind_letters_that_change_their_length_in_lower_case(write):
    text = "İSTANBUL  ΟΔΟΣ\u00a0\n ΣΑΣ ß ﬁ “x”\t\tThe  Zebra."
    documents = {"a.txt": Document.from_text("a.txt", text)}
    lost = {"document": "a.txt", "start": 0, "end": 9}
    path = write(row("a", "Who?", "the zebra", evidence=[lost]))
    [finding] = lint(path, documents).findings
    assert finding.mending
    assert finding.mending.new == Evidence("a.txt", text.index("The"), len(text) - 1)


MENDING = Mending(1, 1, Evidence("ferry.txt", 0, 3), Evidence("ferry.txt", 4, 9))


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "{}", row("a", "?", "ferry"), row("a", "?", "ferry", evidence=[{"start": 0}])],
)
def test_a_line_that_changed_meanwhile_is_not_touched(write, line):
    path = write(line)
    before = path.read_bytes()
    with pytest.raises(QuestionFormatError, match=r"q\.jsonl:1: .*; check it again"):
        mend(path, [MENDING])
    assert path.read_bytes() == before


def test_a_set_that_is_not_utf_8_is_not_mended(write):
    path = write("")
    path.write_bytes(json.dumps(MANY).encode("utf-16"))
    with pytest.raises(QuestionFormatError, match=r"q\.jsonl: is not UTF-8; save it as such"):
        mend(path, [MENDING])


def test_a_file_that_cannot_be_written_is_named(write, tmp_path):
    path = write(row("a", "Which?", "ferry", evidence=[{**place("ferry"), "start": 0, "end": 3}]))
    (tmp_path / "q.jsonl.new").mkdir()
    with pytest.raises(ObserverError, match=r"q\.jsonl: cannot be written: Is a directory; check"):
        mend(path, [MENDING])


def test_a_link_stays_a_link_and_the_rights_stay(write, tmp_path):
    path = write(row("a", "Which?", "forty", evidence=[place("forty", shift=9)]))
    path.chmod(0o640)
    (tmp_path / "link.jsonl").symlink_to(path)
    assert fixed(tmp_path / "link.jsonl") == ()
    assert (tmp_path / "link.jsonl").is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640


def test_the_bot_is_asked_only_what_is_unanswerable_and_in_its_dialogue(write):
    bot = StubBot()
    path = write(MANY, WHO, row("a3", "Who built it?", follows="a1"), row("a4", "Who built this?"))
    findings = [str(finding) for finding in lint(path, DOCUMENTS, bot).findings]
    assert bot.asked == [
        [MANY["question"]],
        [MANY["question"], "Who built it?"],
        ["Who built this?"],
    ]
    assert [line.split(";")[0] for line in findings] == [
        f"q.jsonl:{line}: {name}: \"answers\" is [], but the bot answers 'Sok Dara' with "
        "confidence 0.88"
        for line, name in ((3, "a3"), (4, "a4"))
    ]


def test_only_a_sure_answer_throws_doubt_on_a_row(write):
    path = write(row("a1", "Who built it, perhaps?"))
    assert lint(path, DOCUMENTS, StubBot()).findings == ()
    assert len(lint(path, DOCUMENTS, StubBot(), sure_from=0.7).findings) == 1


def test_broken_dialogues_are_not_asked(write):
    bot = StubBot()
    lint(write(row("a", "Who?", follows="b"), row("b", "When?", follows="a")), DOCUMENTS, bot)
    assert bot.asked == []


@pytest.fixture
def call(write, tmp_path, monkeypatch):
    """Call the command on rows, with the ferry as the documents."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "ferry.txt").write_text(TEXT, encoding="utf-8")
    module = ModuleType("bot.opening")
    monkeypatch.setattr(
        module, "open_bot", lambda folder, *, settings, tuned: StubBot(), raising=False
    )
    monkeypatch.setitem(sys.modules, "bot.opening", module)
    monkeypatch.setattr("index.passage_index.stale_documents", lambda folder, index: None)

    def call_command(*arguments):
        result = CliRunner().invoke(lint_command, ["q.jsonl", *arguments])
        return result.exit_code, result.output.splitlines()

    return call_command


def test_the_command_says_that_all_is_well(call, write):
    write(MANY, WHO)
    assert call("--documents", "documents") == (0, ["2 rows: nothing to mend"])


def test_the_command_says_what_it_mended_and_what_is_left(call, write):
    write(row("a", "Which?", "Ten", evidence=[place("Ten", shift=1)]), row("b", "Who?", "fairy"))
    status, lines = call("--documents", "documents")
    assert (status, lines[-1]) == (1, "2 rows: 2 left to mend")
    status, lines = call("--documents", "documents", "--fix")
    moved = "q.jsonl:1: a: evidence 1 moved from ferry.txt:100-103 to ferry.txt:99-102"
    assert (status, lines[0], lines[-1]) == (1, moved, "2 rows: 1 mended, 1 left to mend")
    assert lines[1].startswith("q.jsonl:2: b: the answer 'fairy' stands in no document")


def test_the_documents_of_an_index_are_those_that_are_asked(call, write):
    write(MANY, row("b", "Who built it?"))
    status, lines = call("--ask", "--index", "anywhere")
    assert (status, len(lines)) == (1, 2)
    assert "the bot answers 'Sok Dara'" in lines[0]


def test_the_threshold_of_the_command_says_which_answers_throw_doubt(call, write):
    write(row("b", "Who built it, perhaps?"), MANY)
    assert call("--ask", "--index", "anywhere")[0] == 0
    status, lines = call("--ask", "--index", "anywhere", "--threshold", "0.7")
    assert (status, "with confidence 0.75" in lines[0]) == (1, True)


def test_an_index_without_ask_is_a_mistake(call, write):
    write(MANY)
    status, lines = call("--index", "anywhere")
    assert status == 2
    assert "--index is for --ask; name the documents themselves by --documents" in lines[-1]


@pytest.mark.parametrize(
    "name",
    ["silent-observer.jsonl", "silent-observer-second.jsonl", "silent-observer-third.jsonl"],
)
def test_the_shipped_sets_are_clean(name, shipped_document):
    path = Path(corpus.__file__).parent / "questions" / name
    assert lint(path, {shipped_document.id: shipped_document}).findings == ()
