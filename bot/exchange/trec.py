"""TREC: a run and its relevance judgements, so that trec_eval and its kin measure the retrieval.

Evidence is a list of alternative places, and a passage that overlaps one of them has found it. TREC
knows only documents under a name. So a question has one relevant name, that of its first place of
evidence, and the first passage that overlaps evidence is listed under it, however the documents
were cut. Recall@k and reciprocal rank are then those of `observer evaluate`.
"""

from collections.abc import Mapping, Sequence

from bot.evaluate import Prediction
from bot.exchange.files import safe_name
from bot.questions import Evidence, Question
from corpus.errors import ObserverError

_TAG = "silent-observer"


def export_trec(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> dict[str, str]:
    """Write the retrieved passages of the questions that name evidence.

    Args:
        questions: The question set.
        predictions: One for every question, by its id.

    Returns:
        `run.txt` and `qrels.txt`. The score in the run falls by one a rank, because passages that
        score the same would be put in another order.

    Raises:
        ObserverError: No question names evidence, or a prediction has no passages.
    """
    judged = [question for question in questions if question.evidence]
    if not judged:
        raise ObserverError("no question names evidence, so no passage is relevant; name some")
    run, qrels = [], []
    for question in judged:
        passages = predictions[question.id].passages
        if passages is None:
            raise ObserverError(
                f'the answer to {question.id!r} has no "passages"; write it by observer run'
            )
        topic = safe_name(question.id)
        qrels.append(f"{topic} 0 {_name(question.evidence[0])} 1\n")
        names = _ranked(question, passages)
        run += [
            f"{topic} Q0 {name} {rank} {len(names) - rank + 1} {_TAG}\n"
            for rank, name in enumerate(names, start=1)
        ]
    return {"run.txt": "".join(run), "qrels.txt": "".join(qrels)}


def _ranked(question: Question, passages: Sequence[Evidence]) -> list[str]:
    """Name passages, best first; those that overlap evidence after the first one are left out."""
    relevant = _name(question.evidence[0])
    names: dict[str, None] = {}
    for passage in passages:
        found = any(passage.overlaps(place) for place in question.evidence)
        names.setdefault(relevant if found else _name(passage))
    return list(names)


def _name(place: Evidence) -> str:
    return f"{safe_name(place.document_id)}:{place.start}-{place.end}"
