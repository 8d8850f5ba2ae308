"""The commands that need no conversation: `observer run`, `evaluate` and `verify`."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli_options import (
    BotOpener,
    answers_argument,
    bot_options,
    document_option,
    documents_option,
    questions_argument,
)
from corpus.errors import ObserverError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.changes import Record
    from bot.evaluate import Report
    from bot.intervals import Interval
    from bot.questions import Question, QuestionFile

    Intervals = Mapping[str, Interval]
    Groups = Mapping[str, Mapping[str, tuple[Report, Intervals]]]

_STANDARD_OUTPUT = Path("-")


@click.command("run")
@questions_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The answers file to write, JSON Lines; - for standard output.",
)
@click.option("--resume", is_flag=True, help="Keep the answers in OUTPUT and ask only the rest.")
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT if it exists.")
@click.option("--strict", is_flag=True, help="Stop at a malformed row before anything is asked.")
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many questions to ask at a time. For any number the answers file is the same, byte "
    'for byte, but for "seconds".',
)
@click.option(
    "--compare",
    "old_answers",
    type=click.Path(path_type=Path),
    metavar="OLD_ANSWERS",
    help="List the answers that are others than in this answers file, OUTPUT itself or another.",
)
@document_option
@bot_options
@click.pass_context
def run_command(
    context: click.Context,
    questions: Path,
    output: Path,
    resume: bool,
    overwrite: bool,
    strict: bool,
    workers: int,
    old_answers: Path | None,
    names: tuple[str, ...],
    opener: BotOpener,
) -> None:
    """Ask every question of the set QUESTIONS.

    QUESTIONS is JSON Lines (.jsonl), a table (.csv, .tsv, .xlsx), a question a line (.txt) or SQuAD
    2.0 (.json). Each answer is written as soon as it is found; a run that was interrupted goes on
    with --resume, if questions, index and settings are still those in OUTPUT.run.json. A malformed
    row is named and left out, and the exit status is 1 at the end.
    """
    from bot.changes import load_records
    from bot.questions import QuestionFile

    if resume and overwrite:
        raise click.UsageError(
            "--resume keeps OUTPUT and --overwrite replaces it; name one of them"
        )
    if output == _STANDARD_OUTPUT and (resume or overwrite):
        raise click.UsageError("--resume and --overwrite need a file as OUTPUT, not -")
    question_set = QuestionFile.open(questions, strict=strict)
    for problem in question_set.problems:
        click.echo(problem, err=True)
    old = load_records(old_answers) if old_answers else None
    if output == _STANDARD_OUTPUT:
        _run_to_terminal(question_set, lambda: opener(names), workers, old)
    else:
        _run_into(output, question_set, lambda: opener(names), resume, overwrite, workers)
        if old is not None:
            _show_changes(old, load_records(output))
    if question_set.problems:
        click.echo(f"{questions}: {len(question_set.problems):,} rows were left out", err=True)
        context.exit(1)


def _run_to_terminal(
    question_set: "QuestionFile", opener: BotOpener, workers: int, old: "Sequence[Record] | None"
) -> None:
    from bot.run import ask_all, record_line

    records = []
    for record in ask_all(opener(), question_set, workers=workers):
        click.echo(record_line(record), nl=False)
        if old is not None:
            records.append(record)
    if old is not None:
        _show_changes(old, records, err=True)


def _run_into(
    output: Path,
    question_set: "QuestionFile",
    opener: BotOpener,
    resume: bool,
    overwrite: bool,
    workers: int,
) -> None:
    from bot.run import kept_answers, run_questions
    from bot.run_record import check_begun, describe

    if output.exists() and output.samefile(question_set.path):
        raise ObserverError(f"{output}: is the question set itself; name another answers file")
    # Before the models are loaded, which takes seconds.
    kept = kept_answers(output, question_set, resume=resume, overwrite=overwrite)
    is_known = kept.n > 0 and check_begun(output, {"questions": question_set.sha256})
    if kept.n == len(question_set) and not is_known:
        return
    bot = opener()
    begun_with = describe(bot, question_set.sha256)
    try:
        run_questions(bot, question_set, output, kept, begun_with=begun_with, workers=workers)
    except KeyboardInterrupt:
        click.echo(f"{output}: interrupted; go on with --resume", err=True)
        raise


def _show_changes(old: "Sequence[Record]", new: "Sequence[Record]", *, err: bool = False) -> None:
    from bot.changes import compare_runs, format_changes

    click.echo(format_changes(compare_runs(old, new)), err=err)


def _parse_bounds(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, float]:
    """Parse `f1=0.8`; where a metric is named twice the stricter bound counts."""
    from bot.evaluate import METRICS

    # Of times, less is better: a lower bound on them would be met by a slow bot.
    known = [name for name in METRICS if not name.startswith("seconds")]
    bounds: dict[str, float] = {}
    for value in values:
        name, _, number = value.partition("=")
        if name not in known:
            raise click.BadParameter(
                f"{name!r} is no metric; expected METRIC=NUMBER with one of {', '.join(known)}"
            )
        try:
            bound = float(number)
        except ValueError:
            bound = math.nan
        if not math.isfinite(bound):
            raise click.BadParameter(f"expected a number as in f1=0.8, got {value!r}")
        bounds[name] = max(bound, bounds.get(name, bound))
    return bounds


@click.command("evaluate")
@questions_argument
@answers_argument
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON object; null for what is missing."
)
@click.option(
    "--fail-under",
    "bounds",
    metavar="METRIC=NUMBER",
    multiple=True,
    callback=_parse_bounds,
    help="Exit with status 1 if the metric is lower, or missing; can be given several times.",
)
@click.option(
    "--by",
    "columns",
    metavar="COLUMN",
    multiple=True,
    help="Score the groups that a column of QUESTIONS makes as well; can be given several times.",
)
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write a page with plots and every question into FOLDER; needs the extra report.",
)
@click.pass_context
def evaluate_command(
    context: click.Context,
    questions: Path,
    answers: Path,
    as_json: bool,
    bounds: dict[str, float],
    columns: tuple[str, ...],
    folder: Path | None,
) -> None:
    """Score the file ANSWERS, written by `observer run`, against its set QUESTIONS.

    No model is loaded. Exact match and F1 are those of SQuAD 2.0; recall is the share of questions
    with evidence of which one of the first passages overlaps it.
    """
    from bot.evaluate import check_same_questions, evaluate, load_predictions, question_scores
    from bot.groups import group_by, grouping_columns, subset
    from bot.intervals import intervals
    from bot.questions import load_questions
    from bot.resampling import dialogues_by_id

    if folder:
        from bot.plots import check_drawable
        from bot.report.contents import gather, load_passages
        from bot.report.page import write_report

        check_drawable()
    question_set, predictions = load_questions(questions), load_predictions(answers)
    dialogue_of = dialogues_by_id(question_set)

    def scored(rows: "Sequence[Question]") -> "tuple[Report, Intervals]":
        part = subset(rows, predictions)
        scores = question_scores(rows, part)
        return evaluate(rows, part, scores), intervals(rows, part, scores, dialogue_of)

    try:
        check_same_questions(question_set, predictions)
    except ObserverError as error:
        raise ObserverError(f"{answers}: {error}") from error
    try:
        groups = {column: group_by(question_set, column) for column in columns}
    except ObserverError as error:
        raise ObserverError(f"{questions}: {error}") from error
    report, found = scored(question_set)
    parts = {
        column: {value: scored(rows) for value, rows in group.items()}
        for column, group in groups.items()
    }
    if folder:
        contents = gather(
            question_set,
            predictions,
            load_passages(answers, question_set),
            columns or grouping_columns(question_set),
        )
        page = write_report(folder, f"{answers.name} to {questions.name}", contents)
        click.echo(f"{page}: written", err=True)
    click.echo(_as_json(report, found, parts) if as_json else _as_text(report, found, parts))
    unmet = _unmet(report, bounds)
    for message in unmet:
        click.echo(message, err=True)
    if unmet:
        context.exit(1)


def _as_json(report: "Report", found: "Intervals", parts: "Groups") -> str:
    record: dict[str, object] = {**report.scores(), "intervals": found}
    if parts:
        record["by"] = {
            column: {
                value: {**part.scores(), "intervals": own} for value, (part, own) in group.items()
            }
            for column, group in parts.items()
        }
    return json.dumps(record, indent=2, ensure_ascii=False)


def _as_text(report: "Report", found: "Intervals", parts: "Groups") -> str:
    from bot.figures_text import format_groups, format_report

    tables = [format_report(report, found)]
    for column, group in parts.items():
        tables.append(format_groups(column, {value: part for value, (part, _) in group.items()}))
    return "\n\n".join(tables)


@click.command("verify")
@answers_argument
@documents_option("were indexed")
@click.pass_context
def verify_command(context: click.Context, answers: Path, paths: tuple[Path, ...]) -> None:
    """Read every quote in the file ANSWERS again in its document.

    No model and no index is needed. Exit status 1 if a character, an offset or a document is not as
    the answers have it.
    """
    from bot.verify import verify_answers
    from corpus.loaders import load_documents, shipped_documents

    documents = {document.id: document for document in load_documents(paths or shipped_documents())}
    n_answers = n_quotes = n_problems = 0
    for check in verify_answers(answers, documents):
        n_answers, n_quotes = n_answers + 1, n_quotes + check.n_quotes
        n_problems += len(check.problems)
        for problem in check.problems:
            click.echo(problem)
    click.echo(f"{n_quotes:,} quotes and passages of {n_answers:,} answers read again", nl=False)
    click.echo(f": {n_problems:,} problems" if n_problems else ": all as in the documents")
    if n_problems:
        context.exit(1)


def _unmet(report: "Report", bounds: dict[str, float]) -> list[str]:
    """Say which bounds are not met, allowing for the rounding of a mean."""
    messages = []
    for name, bound in bounds.items():
        score = report.scores()[name]
        if score is None:
            messages.append(
                f"{name} cannot be computed from these files, expected at least {bound:g}"
            )
        elif score < bound - 1e-9:
            messages.append(f"{name} is {score:.4f}, expected at least {bound:g}")
    return messages
