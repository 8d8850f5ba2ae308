import csv
import io
import json
import re
import string
import xml.etree.ElementTree as ET
from collections import Counter

import pytest
import pytrec_eval
from click.testing import CliRunner

from bot.cli_exchange import export_command, import_command
from bot.evaluate import Prediction, evaluate, load_predictions
from bot.exchange.files import safe_name
from bot.exchange.junit import export_junit
from bot.exchange.table import export_table
from bot.exchange.trec import export_trec
from bot.questions import Evidence, Question, load_questions
from corpus import load_documents
from corpus.errors import ObserverError, QuestionFormatError

QUESTIONS = [
    {"id": "q1", "question": "Which ship?", "answers": ["Westerdam"]},
    {
        "id": "q2",
        "question": "How many?",
        "answers": ["2,200 passengers", "more than 2,200 passengers"],
    },
    {"id": "q3", "question": "Who called?", "answers": ["Hun Sen"]},
    {"id": "q4", "question": "Who sank it?", "answers": []},
    {"id": "q5", "question": "Who built it?", "answers": []},
    {"id": "q6", "question": "Why?"},
]
ANSWERS = [
    {"id": "q1", "answer": "the Westerdam", "confidence": 0.9},
    {"id": "q2", "answer": "more than 2,200", "confidence": 0.6},
    {"id": "q3", "answer": "", "confidence": 0.3},
    {"id": "q4", "answer": "", "confidence": 0.2},
    {"id": "q5", "answer": "Ek Tha", "confidence": 0.7},
    {"id": "q6", "answer": "", "confidence": 0.1},
]
# The official script on these files, worked out by its definitions. F1 of "more than 2,200" against
# the second answer is 2 * 3 / (3 + 4) = 6/7; q1 and the refusal of q4 are right.
# exact 2/5, f1 (1 + 6/7 + 1)/5. The best threshold keeps q1 alone: (1 + 2 refusals)/5.
OFFICIAL = {
    "exact": 40.0,
    "f1": 100 * 20 / 35,
    "total": 5,
    "HasAns_exact": 100 / 3,
    "HasAns_f1": 100 * 13 / 21,
    "HasAns_total": 3,
    "NoAns_exact": 50.0,
    "NoAns_f1": 50.0,
    "NoAns_total": 2,
    "best_f1": 60.0,
    "best_f1_thresh": 0.1,
}


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.jsonl").write_text(lines(QUESTIONS))
    (tmp_path / "a.jsonl").write_text(lines(ANSWERS))

    def invoke(command, *args):
        result = CliRunner().invoke(command, args)
        if isinstance(result.exception, ObserverError):
            raise result.exception
        return result

    return invoke


class TestSquadOut:
    def tokens(self, text):
        text = "".join(c for c in text.lower() if c not in string.punctuation)
        return re.sub(r"\b(a|an|the)\b", " ", text).split()

    def f1(self, gold, given):
        gold, given = self.tokens(gold), self.tokens(given)
        common = sum((Counter(gold) & Counter(given)).values())
        if not gold or not given:
            return float(gold == given)
        return 2 * common / (len(gold) + len(given))

    def official(self, folder):
        """Do what `evaluate-v2.0.py` does, at its default threshold of 1."""
        data, predicted, odds = (
            json.loads((folder / name).read_text())
            for name in ("data.json", "predictions.json", "null-odds.json")
        )
        rows = [
            row
            for article in data["data"]
            for paragraph in article["paragraphs"]
            for row in paragraph["qas"]
        ]
        exact, f1 = {}, {}
        for row in rows:
            golds = [a["text"] for a in row["answers"] if self.tokens(a["text"])] or [""]
            given = predicted[row["id"]]
            assert odds[row["id"]] <= 1
            exact[row["id"]] = float(any(self.tokens(g) == self.tokens(given) for g in golds))
            f1[row["id"]] = max(self.f1(gold, given) for gold in golds)
        answered = {row["id"]: bool(row["answers"]) for row in rows}
        metrics = {}
        for prefix, ids in (
            ("", list(answered)),
            ("HasAns_", [name for name in answered if answered[name]]),
            ("NoAns_", [name for name in answered if not answered[name]]),
        ):
            metrics[f"{prefix}exact"] = 100 * sum(exact[name] for name in ids) / len(ids)
            metrics[f"{prefix}f1"] = 100 * sum(f1[name] for name in ids) / len(ids)
            metrics[f"{prefix}total"] = len(ids)
        current = best = sum(not has for has in answered.values())
        threshold = 0.0
        for name in sorted(odds, key=odds.__getitem__):
            wrong = -1 if predicted[name] else 0
            current += f1[name] if answered[name] else wrong
            if current > best:
                best, threshold = current, odds[name]
        return metrics | {"best_f1": 100 * best / len(rows), "best_f1_thresh": threshold}

    def test_the_official_script_gives_the_same_figures(self, call, tmp_path):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "squad", "-o", "squad")
        figures = self.official(tmp_path / "squad")
        assert figures == pytest.approx(OFFICIAL)
        report = evaluate(load_questions("q.jsonl"), load_predictions("a.jsonl"))
        ours = (report.exact_match, report.f1, report.answerable_f1, report.refused)
        theirs = [figures[name] for name in ("exact", "f1", "HasAns_f1", "NoAns_exact")]
        assert ours == pytest.approx([value / 100 for value in theirs])

    def test_what_is_not_scored_is_left_out(self, call, tmp_path):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "squad", "-o", "squad")
        predicted = json.loads((tmp_path / "squad" / "predictions.json").read_text())
        assert list(predicted) == ["q1", "q2", "q3", "q4", "q5"]

    def test_without_confidence_there_are_no_odds(self, call, tmp_path):
        (tmp_path / "a.jsonl").write_text(
            lines([{"id": row["id"], "answer": row["answer"]} for row in ANSWERS])
        )
        call(export_command, "q.jsonl", "a.jsonl", "--to", "squad", "-o", "squad")
        assert sorted(file.name for file in (tmp_path / "squad").iterdir()) == [
            "data.json",
            "predictions.json",
        ]


class TestSquadIn:
    def squad(self, **changes):
        answer = {"text": "Westerdam", "answer_start": 4}
        row = {"id": "s1", "question": "Which?", "is_impossible": False, "answers": [answer]}
        other = {"id": "s2", "question": "Why?", "is_impossible": True, "answers": []}
        paragraphs = [
            {"context": "A ship.\r\nIts name.", "qas": [other]},
            {"context": "The Westerdam.", "qas": [row | changes]},
        ]
        return json.dumps(
            {"version": "v2.0", "data": [{"title": "Cruise ships", "paragraphs": paragraphs}]}
        )

    def test_articles_become_documents_and_answers_get_evidence(self, call, tmp_path):
        (tmp_path / "dev.json").write_text(self.squad())
        told = call(import_command, "dev.json", "-o", "dev")
        assert told.output == "dev: 1 documents, 2 questions\n"
        other, question = load_questions(tmp_path / "dev" / "questions.jsonl")
        assert (other.id, other.answers, other.evidence) == ("s2", (), ())
        [document] = load_documents(tmp_path / "dev" / "documents")
        [place] = question.evidence
        assert place.document_id == document.id == "Cruise_ships.txt"
        assert document.text[place.start : place.end] == "Westerdam"
        assert question.answers == ("Westerdam",)

    def test_an_answer_that_stands_elsewhere_is_named_and_gets_no_evidence(self, call, tmp_path):
        moved = self.squad(answers=[{"text": "Westerdam", "answer_start": 5}])
        (tmp_path / "dev.json").write_text(moved)
        told = call(import_command, "dev.json", "-o", "dev")
        assert told.stderr == (
            "dev.json: data[0].paragraphs[1].qas[0]: 'Westerdam' does not stand at 5 of its "
            "paragraph\n"
        )
        assert load_questions(tmp_path / "dev" / "questions.jsonl")[1].evidence == ()

    def test_a_malformed_row_is_named_and_the_rest_taken(self, call, tmp_path):
        (tmp_path / "dev.json").write_text(self.squad(question=7))
        told = call(import_command, "dev.json", "-o", "dev")
        assert "qas[0]: expected texts as \"id\" and \"question\", got {'id': 's1'" in told.stderr
        assert "1 questions" in told.stdout

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{}", r'dev\.json: expected SQuAD 2\.0, an object with "data"'),
            ('{"data": [{"title": "A"}]}', r'dev\.json: data\[0\]: expected an article with "tit'),
        ],
    )
    def test_what_is_no_squad_is_refused(self, call, tmp_path, content, message):
        (tmp_path / "dev.json").write_text(content)
        with pytest.raises(QuestionFormatError, match=message):
            call(import_command, "dev.json", "-o", "dev")


JUDGED = (
    Question("a 1", "?", ("x",), (Evidence("my doc.txt", 10, 20), Evidence("b.txt", 0, 5))),
    Question("a2", "?", ("x",), (Evidence("b.txt", 0, 5),)),
    Question("a3", "?", ("x",), (Evidence("b.txt", 50, 55),)),
    Question("a4", "?", ()),
)
RETRIEVED = {
    # Found second, in one of two places, and once more after it.
    "a 1": Prediction("x", passages=tuple(Evidence("b.txt", n, n + 9) for n in (9, 3, 2, 70))),
    "a2": Prediction("x", passages=(Evidence("b.txt", 0, 5), Evidence("b.txt", 6, 9))),
    "a3": Prediction("x", passages=tuple(Evidence("c.txt", n, n + 1) for n in range(4))),
    "a4": Prediction("", passages=(Evidence("b.txt", 0, 5),)),
}


class TestTrec:
    def test_trec_eval_gives_the_same_recall_and_mrr(self):
        files = export_trec(JUDGED, RETRIEVED)
        qrels = pytrec_eval.parse_qrel(io.StringIO(files["qrels.txt"]))
        run = pytrec_eval.parse_run(io.StringIO(files["run.txt"]))
        measured = pytrec_eval.RelevanceEvaluator(qrels, {"recall.1,3,5", "recip_rank"}).evaluate(
            run
        )
        report = evaluate(JUDGED, RETRIEVED)
        for name, ours in (
            ("recall_1", report.recall_at_1),
            ("recall_3", report.recall_at_3),
            ("recall_5", report.recall_at_5),
            ("recip_rank", report.mrr),
        ):
            assert sum(row[name] for row in measured.values()) / 3 == pytest.approx(ours)
        # 1/2, 1 and 0.
        assert report.mrr == 0.5

    def test_names_hold_no_white_space_and_scores_fall(self):
        run = export_trec(JUDGED, RETRIEVED)["run.txt"].splitlines()
        assert run[:3] == [
            "a%201 Q0 b.txt:9-18 1 3 silent-observer",
            "a%201 Q0 my%20doc.txt:10-20 2 2 silent-observer",
            "a%201 Q0 b.txt:70-79 3 1 silent-observer",
        ]

    def test_a_set_without_evidence_is_refused(self, call):
        with pytest.raises(ObserverError, match=r"a\.jsonl: no question names evidence"):
            call(export_command, "q.jsonl", "a.jsonl", "--to", "trec", "-o", "trec")

    def test_answers_without_passages_are_refused(self):
        with pytest.raises(ObserverError, match="the answer to 'a2' has no \"passages\"; write it"):
            export_trec(JUDGED[1:2], {"a2": Prediction("x")})


class TestBeir:
    @pytest.fixture
    def beir(self, tmp_path):
        folder = tmp_path / "beir"
        (folder / "qrels").mkdir(parents=True)
        (folder / "corpus.jsonl").write_text(
            lines(
                [
                    {"_id": "d/1", "title": "Ships", "text": "The Westerdam docked.\r\nIt did."},
                    {"_id": "d2", "title": "", "text": "Hun Sen called."},
                    {"_id": "d3", "title": "", "text": " "},
                ]
            )
        )
        (folder / "queries.jsonl").write_text(
            lines([{"_id": name, "text": f"What of {name}?"} for name in ("q1", "q2", "q3", "q4")])
        )
        (folder / "qrels" / "test.tsv").write_text(
            "query-id\tcorpus-id\tscore\nq1\td/1\t2\nq1\td2\t0\nq2\td2\t1\nq3\td3\t1\n"
        )
        return folder

    def test_documents_and_judged_queries_come_out(self, beir, call, tmp_path):
        told = call(import_command, str(beir), "-o", "out")
        assert told.output == "out: 2 documents, 2 questions\n"
        documents = {
            document.id: document for document in load_documents(tmp_path / "out" / "documents")
        }
        first, second = load_questions(tmp_path / "out" / "questions.jsonl")
        assert (first.text, first.answers) == ("What of q1?", None)
        [place] = first.evidence
        assert documents[place.document_id].text[place.start : place.end] == (
            "Ships\n\nThe Westerdam docked.\nIt did.\n"
        )
        [place] = second.evidence
        assert documents[place.document_id].text[place.start : place.end] == "Hun Sen called.\n"

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("corpus.jsonl", '{"text": "x"}', r'corpus\.jsonl:1: expected a text as "_id"'),
            ("corpus.jsonl", "x", r"corpus\.jsonl:1: expected one JSON object"),
            ("queries.jsonl", '{"_id": "q1"}', r'queries\.jsonl:1: expected a query with "text"'),
            ("qrels/test.tsv", "q1\td2", r"test\.tsv:1: expected query, document and score"),
            ("qrels/test.tsv", "q1\td2\t0", r"no query of the split 'test' is judged"),
        ],
    )
    def test_what_is_malformed_is_named(self, beir, call, file, content, message):
        (beir / file).write_text(content)
        with pytest.raises(QuestionFormatError, match=message):
            call(import_command, str(beir), "-o", "out")

    def test_a_split_that_is_missing_is_named(self, beir, call):
        with pytest.raises(QuestionFormatError, match=r"dev\.tsv: cannot be read: No such file"):
            call(import_command, str(beir), "-o", "out", "--split", "dev")

    def test_another_folder_is_refused(self, call, tmp_path):
        (tmp_path / "other").mkdir()
        with pytest.raises(ObserverError, match=r"other: expected corpus\.jsonl and queries"):
            call(import_command, "other", "-o", "out")


class TestJUnit:
    def test_each_question_is_a_test(self, call, tmp_path):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "junit", "-o", "report.xml")
        root = ET.parse(tmp_path / "report.xml").getroot()
        assert {key: root.get(key) for key in ("tests", "failures", "skipped")} == {
            "tests": "6",
            "failures": "2",
            "skipped": "1",
        }
        verdicts = {
            case.get("name"): case[0].tag if len(case) else "passed"
            for case in root.iter("testcase")
        }
        assert verdicts == {
            "q1: Which ship?": "passed",
            "q2: How many?": "passed",
            "q3: Who called?": "failure",
            "q4: Who sank it?": "passed",
            "q5: Who built it?": "failure",
            "q6: Why?": "skipped",
        }
        [failure] = root.findall(".//testcase[@name='q5: Who built it?']/failure")
        assert failure.get("message") == "expected no answer, got Ek Tha"

    def test_a_stricter_bound_fails_more(self, call, tmp_path):
        call(export_command, *"q.jsonl a.jsonl --to junit -o r.xml --pass-at 1".split())
        assert ET.parse(tmp_path / "r.xml").getroot().get("failures") == "3"

    def test_it_is_well_formed_whatever_the_text_holds(self):
        text = "".join(map(chr, [*range(0x20), 0x7F, 0xD800, 0xFFFE, 0xFFFF])) + "<&]]>\"'"
        questions = [Question(f"{text}", text, (text,)), Question("b", text, ())]
        predictions = {text: Prediction("no"), "b": Prediction(text)}
        root = ET.fromstring(export_junit(questions, predictions, name=text).encode())
        [first, second] = root.iter("testcase")
        assert first.attrib["name"].endswith("<&]]>\"'")
        assert "\ufffd" in str(second[0].text)


class TestTable:
    def rows(self, text):
        return list(csv.DictReader(io.StringIO(text)))

    def test_every_question_is_a_line_with_its_scores(self, call, tmp_path):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "csv", "-o", "a.csv")
        data = (tmp_path / "a.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbf")
        rows = self.rows(data.decode("utf-8-sig"))
        assert [row["f1"][:5] for row in rows] == ["1.0", "0.857", "0.0", "1.0", "0.0", ""]
        assert rows[1]["expected"] == "2,200 passengers|more than 2,200 passengers"
        assert rows[2]["abstained"] == "yes"

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "  =", "＝"])
    def test_no_cell_is_taken_for_a_formula(self, start):
        text = f'{start}HYPERLINK("http://x")'
        questions = [Question(text, text, (text,))]
        [row] = self.rows(export_table(questions, {text: Prediction(text)}))
        for name in ("id", "question", "expected", "answer"):
            assert row[name].startswith("'"), name

    def test_numbers_stay_numbers(self):
        text = export_table([Question("1", "?", ())], {"1": Prediction("", confidence=-0.5)})
        assert ",-0.5," in text

    def test_a_spreadsheet_becomes_a_set_with_evidence_where_it_is_sure(self, call, tmp_path):
        (tmp_path / "d.txt").write_text("The ferry is old. The captain is Sok Dara. A ferry!")
        (tmp_path / "s.csv").write_text(
            "Question,Answer\nWho is the captain?,sok  dara\nWhat is old?,ferry\nWhy?,\n"
        )
        told = call(import_command, *"s.csv -o s.jsonl --documents d.txt".split())
        assert told.output == "s.jsonl: 3 questions, 1 with evidence\n"
        first, second, third = load_questions(tmp_path / "s.jsonl")
        assert first.evidence == (Evidence("d.txt", 33, 41),)
        assert (second.answers, second.evidence) == (("ferry",), ())
        assert third.answers == ()

    def test_a_set_that_exists_is_not_written_over(self, call):
        with pytest.raises(ObserverError, match=r"q\.jsonl: already exists; name another place"):
            call(import_command, "a.jsonl", "-o", "q.jsonl")

    def test_another_ending_than_that_of_a_set_is_a_usage_error(self, call):
        told = call(import_command, "q.jsonl", "-o", "out.csv")
        assert (told.exit_code, "expected a .jsonl file as OUTPUT" in told.stderr) == (2, True)


def test_nothing_is_exported_over_its_own_answers(call):
    with pytest.raises(ObserverError, match=r"a\.jsonl: is what is exported; name another file"):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "csv", "-o", "a.jsonl")


def test_a_place_that_cannot_be_written_is_named(call, tmp_path):
    with pytest.raises(ObserverError, match=r"none/a\.csv: cannot be written: No such file"):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "csv", "-o", "none/a.csv")
    with pytest.raises(ObserverError, match=r"none/x: expected a place in an existing folder"):
        call(import_command, "q.jsonl", "-o", "none/x")


def test_answers_to_another_set_are_refused(call, tmp_path):
    (tmp_path / "q.jsonl").write_text(lines(QUESTIONS[:2]))
    with pytest.raises(ObserverError, match=r"a\.jsonl: an answer to 'q3' and 3 more, which"):
        call(export_command, "q.jsonl", "a.jsonl", "--to", "csv", "-o", "a.csv")


def test_names_are_safe_and_no_two_texts_share_one():
    texts = ["a", "A b", "../a", ".a", "a/b", "é", "x" * 300, "x" * 301, "\ud800"]
    names = [safe_name(text) for text in texts]
    assert len({*names}) == len(texts)
    assert all(re.fullmatch(r"[\w.~%-]{1,250}", name, re.ASCII) for name in names)
    assert not any(name.startswith(".") for name in names)
