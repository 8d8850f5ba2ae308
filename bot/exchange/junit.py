"""JUnit XML: a CI system shows each question as a test."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence

from bot.evaluate import Prediction, question_scores
from bot.exchange.files import printable
from bot.questions import Question


def export_junit(
    questions: Sequence[Question],
    predictions: Mapping[str, Prediction],
    *,
    name: str,
    pass_at: float = 0.5,
) -> str:
    """Write each question as a test.

    A question that the documents answer passes if the F1 of its answer is high enough, one that
    they do not if the bot abstained; one that is not scored is skipped.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.
        name: Of the suite.
        pass_at: The least F1 that passes, in [0, 1].
    """
    f1 = question_scores(questions, predictions)["f1"]
    # Allowing for the rounding of F1, which is a quotient.
    n_failures = sum(score < pass_at - 1e-9 for score in f1.values())
    seconds = sum(predictions[question.id].seconds or 0 for question in questions)
    counts = {
        "name": printable(name),
        "tests": str(len(questions)),
        "failures": str(n_failures),
        "errors": "0",
        "skipped": str(len(questions) - len(f1)),
        "time": f"{seconds:.3f}",
    }
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", counts)
    for question in questions:
        prediction = predictions[question.id]
        case = ET.SubElement(
            suite,
            "testcase",
            {
                "classname": printable(name),
                "name": printable(f"{question.id}: {question.text}"),
                "time": f"{prediction.seconds or 0:.3f}",
            },
        )
        if question.id not in f1:
            ET.SubElement(case, "skipped", {"message": "the set does not say what is right"})
        elif f1[question.id] < pass_at - 1e-9:
            expected, got = _expected(question), _got(prediction)
            failure = ET.SubElement(
                case,
                "failure",
                {
                    "type": "wrong answer" if prediction.text.strip() else "no answer",
                    "message": printable(f"expected {expected}, got {got}"),
                },
            )
            failure.text = printable(_details(question, prediction, f1[question.id]))
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _details(question: Question, prediction: Prediction, f1: float) -> str:
    lines = [
        f"question: {question.text}",
        f"expected: {_expected(question)}",
        f"got: {_got(prediction)}",
        f"F1: {f1:.3f}",
    ]
    if prediction.confidence is not None:
        lines.append(f"confidence: {prediction.confidence:.3f}")
    if place := prediction.cited:
        lines.append(f"from: {place.document_id}:{place.start}-{place.end}")
    return "\n".join(lines)


def _expected(question: Question) -> str:
    return " or ".join(question.answers or ()) or "no answer"


def _got(prediction: Prediction) -> str:
    return "no answer" if prediction.abstained else prediction.text
