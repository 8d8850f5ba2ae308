import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.evaluate import METRICS, Prediction, evaluate, load_predictions
from bot.figures_text import format_report
from bot.questions import Evidence, Question
from corpus.errors import QuestionFormatError


def place(start, end, document_id="a.txt"):
    return Evidence(document_id, start, end)


QUESTIONS = [
    Question("q1", "Which ship?", ("Westerdam",), (place(10, 20), place(90, 95))),
    Question("q2", "When?", ("29 April 2020",), (place(10, 20),)),
    Question("q3", "Who?", ("Hun Sen",)),
    Question("q4", "Why?", ()),
    Question("q5", "How?", ()),
    Question("q6", "Hello?"),
]
PREDICTIONS = {
    # The second passage overlaps the second place of the evidence.
    "q1": Prediction("The Westerdam", None, 0.9, (place(0, 10), place(94, 99)), 1.0),
    # The other document's passage does not count; the fourth one does.
    "q2": Prediction(
        "April 2020",
        None,
        0.6,
        (place(10, 20, "b.txt"), place(0, 10), place(20, 30), place(0, 99)),
        2.0,
    ),
    "q3": Prediction("", None, 0.2, (), 3.0),
    "q4": Prediction("", None, 0.2, (), 4.0),
    "q5": Prediction("so", None, 0.7, (), 5.0),
    "q6": Prediction("Hello.", None, 1.0, (), 16.0),
}


def test_a_report_worked_out_by_hand():
    assert evaluate(QUESTIONS, PREDICTIONS).scores() == {
        "n_asked": 6,
        "n": 5,
        "n_answerable": 3,
        "n_unanswerable": 2,
        "n_evidence": 2,
        # Right: q1 and q4 of five.
        "exact_match": pytest.approx(2 / 5),
        # q2: april 2020 | 29 april 2020 = 2 * 2 / 5 = 0.8; (1 + 0.8 + 0 + 1 + 0) / 5.
        "f1": pytest.approx(2.8 / 5),
        "answerable_exact_match": pytest.approx(1 / 3),
        "answerable_f1": pytest.approx(1.8 / 3),
        "answered": pytest.approx(2 / 3),
        "refused": 1 / 2,
        # Of six pairs 0.9 wins two, 0.6 one and 0.2 ties once: 3.5 / 6.
        "auroc": pytest.approx(3.5 / 6),
        # The first passage that overlaps: rank 2 and rank 4.
        "recall@1": 0,
        "recall@3": 1 / 2,
        "recall@5": 1,
        "mrr": pytest.approx((1 / 2 + 1 / 4) / 2),
        "seconds_median": 3.5,
        # 95 % of the way over five gaps is 4.75: 5 + 0.75 * (16 - 5).
        "seconds_p95": pytest.approx(13.25),
    }


def test_what_cannot_be_computed_is_none():
    scores = evaluate([QUESTIONS[5]], {"q6": Prediction("x")}).scores()
    counts = {"n_asked": 1, "n": 0, "n_answerable": 0, "n_unanswerable": 0, "n_evidence": 0}
    assert scores == dict.fromkeys(METRICS) | counts


def test_a_mean_over_a_part_of_the_questions_is_never_given():
    partly = PREDICTIONS | {"q1": Prediction("The Westerdam")}
    report = evaluate(QUESTIONS, partly)
    missing = (report.auroc, report.recall_at_5, report.mrr, report.seconds_median)
    assert missing == (None, None, None, None)
    assert report.f1 == pytest.approx(2.8 / 5)


def test_abstaining_is_wrong_even_where_the_answer_normalises_to_nothing():
    question = Question("q", "Which letter?", ("A",))
    assert evaluate([question], {"q": Prediction("")}).exact_match == 0
    assert evaluate([question], {"q": Prediction("A")}).exact_match == 1


def test_an_answer_of_articles_is_no_abstention():
    assert evaluate([QUESTIONS[3]], {"q4": Prediction("the")}).f1 == 0


def test_a_missing_prediction_is_refused_and_never_scored():
    partly = {"q1": PREDICTIONS["q1"], "q2": PREDICTIONS["q2"]}
    with pytest.raises(QuestionFormatError, match="no answer to question 'q3' and 3 more; ask"):
        evaluate(QUESTIONS, partly)


def test_a_prediction_for_another_question_is_refused():
    with pytest.raises(QuestionFormatError, match="an answer to 'q6', which the question set does"):
        evaluate(QUESTIONS[:5], PREDICTIONS)
    reworded = PREDICTIONS | {"q1": Prediction("x", question="Which port?")}
    with pytest.raises(
        QuestionFormatError, match=r"'q1' is to 'Which port.', but .* 'Which ship.'"
    ):
        evaluate(QUESTIONS, reworded)


@pytest.fixture
def load(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_and_load(*lines):
        (tmp_path / "answers.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return load_predictions("answers.jsonl")

    return write_and_load


def test_predictions_are_read_by_id(load):
    record = {
        "id": "q1",
        "question": "Which ship?",
        "answer": "Westerdam",
        "abstained": False,
        "confidence": 1,
        "passages": [{"document": "a.txt", "start": 0, "end": 5, "score": 0.1, "text": "x"}],
        "seconds": 0.25,
    }
    assert load(json.dumps(record), "", '{"id": "q2", "answer": ""}') == {
        "q1": Prediction("Westerdam", "Which ship?", 1.0, (place(0, 5),), 0.25),
        "q2": Prediction(""),
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": "q2", "answ', "answers.jsonl:2: expected one JSON object"),
        ('{"answer": ""}', 'answers.jsonl:2: expected an answer with "id" and "answer"'),
        ('{"id": "q1", "answer": ""}', "answers.jsonl:2: the id 'q1' comes a second time"),
        ('{"id": "q2"}', 'answers.jsonl:2: "answer" must be a text'),
        ('{"id": "q2", "answer": null}', 'answers.jsonl:2: "answer" must be a text'),
        ('{"id": "q2", "answer": "", "question": 1}', 'answers.jsonl:2: "question" must be a text'),
        ('{"id": "q2", "answer": "", "abstained": false}', '2: "abstained" is False but "answer"'),
        (
            '{"id": "q2", "answer": "x", "abstained": true}',
            '2: "abstained" is True but "answer" is',
        ),
        (
            '{"id": "q2", "answer": "", "confidence": "1"}',
            '2: "confidence" must be a finite number',
        ),
        (
            '{"id": "q2", "answer": "", "confidence": NaN}',
            '2: "confidence" must be a finite number',
        ),
        ('{"id": "q2", "answer": "", "seconds": 1e999}', '2: "seconds" must be a finite number'),
        ('{"id": "q2", "answer": "", "seconds": 1' + "0" * 400 + "}", '"seconds" must be a finite'),
        ('{"id": "q2", "answer": "", "seconds": true}', '2: "seconds" must be a finite number'),
        ('{"id": "q2", "answer": "", "passages": 1}', '2: "passages" must be a list of places'),
        ('{"id": "q2", "answer": "", "passages": [1]}', "answers.jsonl:2: expected a place"),
    ],
)
def test_a_malformed_answer_is_refused_in_one_line_that_names_it(load, line, message):
    with pytest.raises(QuestionFormatError, match=message) as error:
        load('{"id": "q1", "answer": ""}', line)
    assert "\n" not in str(error.value)


def test_the_table_is_aligned_and_shows_what_is_missing():
    of_two = {key: PREDICTIONS[key] for key in ("q1", "q2")}
    lines = format_report(evaluate(QUESTIONS[:2], of_two), {}).splitlines()
    assert [line.split()[0] for line in lines] == list(METRICS)
    assert len({len(line) for line in lines}) == 1
    assert "exact_match             0.5000" in lines
    assert "refused                      -" in lines
    assert "n                            2" in lines


def test_the_table_shows_the_intervals_that_there_are():
    of_two = {key: PREDICTIONS[key] for key in ("q1", "q2")}
    table = format_report(evaluate(QUESTIONS[:2], of_two), {"exact_match": (0.09453, 0.90547)})
    assert "exact_match             0.5000  0.0945 to 0.9055" in table.splitlines()


words = st.lists(st.sampled_from(["the", "a", "ship", "Hun", "Sen", "29"]), max_size=3).map(
    " ".join
)
places = st.builds(place, st.integers(0, 9), st.integers(10, 19), st.sampled_from(["a", "b"]))
pairs = st.lists(
    st.tuples(
        st.none() | st.lists(words.filter(bool), max_size=2).map(tuple),
        st.lists(places, max_size=2).map(tuple),
        words,
        st.none() | st.floats(0, 1),
        st.none() | st.lists(places, max_size=6).map(tuple),
    ),
    max_size=6,
)


@given(pairs)
def test_shares_lie_between_0_and_1_and_recall_grows_with_k(rows):
    questions = [
        Question(str(number), "?", answers, evidence)
        for number, (answers, evidence, *_) in enumerate(rows)
    ]
    predictions = {
        str(number): Prediction(text, None, confidence, passages)
        for number, (_, _, text, confidence, passages) in enumerate(rows)
    }
    scores = evaluate(questions, predictions).scores()
    shares = {name: score for name, score in scores.items() if not name.startswith("n")}
    known = {name: score for name, score in shares.items() if score is not None}
    assert all(0 <= score <= 1 for score in known.values())
    if "mrr" in known:
        assert known["recall@1"] <= known["recall@3"] <= known["recall@5"]
        assert known["recall@1"] <= known["mrr"]
    if "f1" in known:
        assert known["exact_match"] <= known["f1"]
