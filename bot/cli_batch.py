"""The commands that need no conversation: `observer run`, `tune`, `evaluate` and `verify`."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli_options import BotOpener, bot_options, document_option, documents_option
from corpus.errors import ObserverError

if TYPE_CHECKING:
    from bot.evaluate import Report

_STANDARD_OUTPUT = Path("-")


@click.command("run")
@click.argument("questions", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The answers file to write, JSON Lines; - for standard output.",
)
@click.option("--resume", is_flag=True, help="Keep the answers in OUTPUT and ask only the rest.")
@click.option("--overwrite", is_flag=True, help="Replace OUTPUT if it exists.")
@document_option
@bot_options
def run_command(
    questions: Path,
    output: Path,
    resume: bool,
    overwrite: bool,
    names: tuple[str, ...],
    opener: BotOpener,
) -> None:
    """Ask every question of the set QUESTIONS.

    QUESTIONS is JSON Lines (.jsonl), a table (.csv, .tsv), a question a line (.txt) or SQuAD 2.0
    (.json). Each answer is written as soon as it is found; a run that was interrupted goes on with
    --resume.
    """
    from bot.questions import load_questions
    from bot.run import ask_all, kept_records, record_line, run_questions

    if resume and overwrite:
        raise click.UsageError(
            "--resume keeps OUTPUT and --overwrite replaces it; name one of them"
        )
    if output == _STANDARD_OUTPUT and (resume or overwrite):
        raise click.UsageError("--resume and --overwrite need a file as OUTPUT, not -")
    question_set = load_questions(questions)
    if output == _STANDARD_OUTPUT:
        for record in ask_all(opener(names), question_set):
            click.echo(record_line(record), nl=False)
        return
    if output.exists() and output.samefile(questions):
        raise ObserverError(f"{output}: is the question set itself; name another answers file")
    # Before the models are loaded, which takes seconds.
    kept = kept_records(output, question_set, resume=resume, overwrite=overwrite)
    if len(kept) == len(question_set):
        return
    bot = opener(names)
    try:
        run_questions(bot, question_set, output, resume=resume, overwrite=overwrite)
    except KeyboardInterrupt:
        click.echo(f"{output}: interrupted; go on with --resume", err=True)
        raise


@click.command("tune")
@click.argument("questions", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    help="Where to write the calibration; name it by --calibration, or in observer.toml.",
)
@bot_options
def tune_command(questions: Path, output: Path, opener: BotOpener) -> None:
    """Fit the reader's threshold and confidence on your own QUESTIONS.

    QUESTIONS needs some that the documents answer and some that they do not. The threshold is the
    one with the best mean F1.
    """
    from bot.questions import load_questions
    from bot.reader.extractive import ExtractiveReader
    from bot.tune import tune
    from corpus.errors import QuestionFormatError

    question_set = load_questions(questions)
    bot = opener()
    assert isinstance(bot.reader, ExtractiveReader)
    try:
        calibration, figures = tune(bot, bot.reader, question_set)
    except QuestionFormatError as error:
        raise QuestionFormatError(f"{questions}: {error}") from error
    calibration.save(output)
    for name, value in {"threshold": calibration.threshold, **figures}.items():
        click.echo(f"{name:20} {value:.3f}")


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
@click.argument("questions", type=click.Path(path_type=Path))
@click.argument("answers", type=click.Path(path_type=Path))
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
@click.pass_context
def evaluate_command(
    context: click.Context, questions: Path, answers: Path, as_json: bool, bounds: dict[str, float]
) -> None:
    """Score the file ANSWERS, written by `observer run`, against its set QUESTIONS.

    No model is loaded. Exact match and F1 are those of SQuAD 2.0; recall is the share of questions
    with evidence of which one of the first passages overlaps it.
    """
    from bot.evaluate import evaluate, format_report, load_predictions
    from bot.questions import load_questions

    question_set, predictions = load_questions(questions), load_predictions(answers)
    try:
        report = evaluate(question_set, predictions)
    except ObserverError as error:
        raise ObserverError(f"{answers}: {error}") from error
    click.echo(json.dumps(report.scores(), indent=2) if as_json else format_report(report))
    unmet = _unmet(report, bounds)
    for message in unmet:
        click.echo(message, err=True)
    if unmet:
        context.exit(1)


@click.command("verify")
@click.argument("answers", type=click.Path(path_type=Path))
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
