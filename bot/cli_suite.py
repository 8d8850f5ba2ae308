"""The commands `observer lint`, which checks a question set, and `compare`, two answers files."""

import json
from dataclasses import replace
from pathlib import Path

import click

from bot.cli_options import BotOpener, bot_options, documents_option, questions_argument
from corpus.errors import ObserverError


@click.command("lint")
@questions_argument
@documents_option("answer")
@click.option(
    "--fix", is_flag=True, help="Move evidence whose answer stands once elsewhere in its document."
)
@click.option(
    "--ask",
    is_flag=True,
    help="Ask the unanswerable questions, to find those that are answered with confidence 0.8, or "
    "what --threshold says.",
)
@bot_options
@click.pass_context
def lint_command(
    context: click.Context,
    questions: Path,
    paths: tuple[Path, ...],
    fix: bool,
    ask: bool,
    opener: BotOpener,
) -> None:
    """Check the set QUESTIONS before it is run.

    A line says what is wrong with a row: malformed, asked twice, an answer that no document holds,
    evidence that does not hold its answer, a dialogue without its start, nothing to score. No model
    and no index is needed but for --ask, which the options below it are for. Exit status 1 if
    something is left to mend.
    """
    from bot.lint import SURE, lint, mend
    from corpus.loaders import load_documents, shipped_documents

    if context.params["index_folder"] and not ask:
        raise click.UsageError("--index is for --ask; name the documents themselves by --documents")
    bot = opener() if ask else None
    if bot and not paths:
        documents = dict(bot.index.documents)
    else:
        loaded = load_documents(paths or shipped_documents())
        documents = {document.id: document for document in loaded}
    threshold = context.params["threshold"]
    result = lint(questions, documents, bot, sure_from=SURE if threshold is None else threshold)
    mendings = [finding.mending for finding in result.findings if finding.mending and fix]
    if mendings:
        mend(questions, mendings)
    for finding in result.findings:
        mended = finding.mending if fix else None
        click.echo(replace(finding, problem=str(mended)) if mended else finding)
    left = len(result.findings) - len(mendings)
    click.echo(
        f"{result.n_rows:,} rows: "
        + (f"{len(mendings):,} mended, " if fix else "")
        + (f"{left:,} left to mend" if left else "nothing to mend")
    )
    if left:
        context.exit(1)


def _parse_metrics(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    from bot.evaluate import METRICS

    # Of counts none is better, and times tell of the machine.
    known = [name for name in METRICS if not name.startswith(("n", "seconds"))]
    for name in values:
        if name not in known:
            raise click.BadParameter(
                f"{name!r} is no metric that is judged; expected one of {', '.join(known)}"
            )
    return tuple(dict.fromkeys(values))


@click.command("compare")
@questions_argument
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with every question.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many of the questions lost and won to list; 0 for all.",
)
@click.option(
    "--fail-if-worse",
    "metrics",
    metavar="METRIC",
    multiple=True,
    callback=_parse_metrics,
    help="Exit with status 1 if the metric fell by more than noise; can be given several times.",
)
@click.pass_context
def compare_command(
    context: click.Context,
    questions: Path,
    base: Path,
    new: Path,
    as_json: bool,
    limit: int,
    metrics: tuple[str, ...],
) -> None:
    """Compare two answers files, BASE and NEW, to the set QUESTIONS.

    No model is loaded. Each metric comes with a 95 % interval of its difference and a p-value,
    both from resampling whole dialogues, and with a verdict; then come the questions lost and won.
    """
    from bot.compare import compare, explain_fall, format_comparison
    from bot.evaluate import check_same_questions, load_predictions
    from bot.questions import load_questions

    question_set = load_questions(questions)
    answers = []
    for path in (base, new):
        answers.append(load_predictions(path))
        try:
            check_same_questions(question_set, answers[-1])
        except ObserverError as error:
            raise ObserverError(f"{path}: {error}") from error
    comparison = compare(question_set, *answers)
    click.echo(
        json.dumps(comparison.record(), indent=2)
        if as_json
        else format_comparison(comparison, limit)
    )
    failed = False
    for metric in metrics:
        difference = comparison.differences.get(metric)
        failed |= difference is None or difference.verdict == "worse"
        if message := explain_fall(metric, difference):
            click.echo(message, err=True)
    if failed:
        context.exit(1)
