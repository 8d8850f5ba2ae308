"""The command `observer tune`, which fits the confidence and the threshold on a question set."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.cli_options import BotOpener, bot_options, questions_argument
from corpus.errors import QuestionFormatError

if TYPE_CHECKING:
    from bot.expectation import Aim


def _parse_aim(_context: click.Context, _parameter: click.Parameter, value: str) -> "Aim":
    from bot.expectation import Aim

    try:
        return Aim.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("tune")
@questions_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to write the calibration, to be named by --calibration or in observer.toml; by "
    "default into the index, where every command finds it.",
)
@click.option(
    "--aim",
    default="f1",
    show_default=True,
    callback=_parse_aim,
    help='f1; or "wrong<=0.05", the share of wrong answers among those given; or "answered>=0.9", '
    "the share of the answerable questions that are answered.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Draw the risk-coverage curve as a PNG file as well; needs the extra report.",
)
@bot_options
@click.pass_context
def tune_command(
    context: click.Context,
    questions: Path,
    output: Path | None,
    aim: "Aim",
    plot: Path | None,
    opener: BotOpener,
) -> None:
    """Fit the reader's threshold and confidence on your own QUESTIONS.

    QUESTIONS needs some that the documents answer and some that they do not, ten of each at least
    and better a hundred. What is said of the threshold is what it does on questions held out from
    the fit, with a 95 % interval. A wrong answer is one that shares less than half its words with
    an expected one (F1), or is given where the documents do not answer.
    """
    from bot.opening import tuned_calibration
    from bot.plots import check_drawable, draw_curve, risk_coverage_plot
    from bot.questions import load_questions
    from bot.reader.extractive import ExtractiveReader
    from bot.tune import describe, tune

    question_set = load_questions(questions)
    if plot:
        check_drawable(plot)
    bot = opener(tuned=False)
    assert isinstance(bot.reader, ExtractiveReader)
    try:
        tuning = tune(bot, bot.reader, question_set, aim)
    except QuestionFormatError as error:
        raise QuestionFormatError(f"{questions}: {error}") from error
    output = output or tuned_calibration(context.params["index_folder"], bot.index.encoder)
    tuning.calibration.save(output)
    seen = tuning.expectation
    point = (seen.answered, seen.wrong)
    if plot:
        plot.write_bytes(risk_coverage_plot(*seen.curve(), point))
    for line in draw_curve(*seen.curve(), point):
        click.echo(line)
    click.echo()
    for name, value in {"threshold": tuning.calibration.threshold, **seen.figures()}.items():
        click.echo(f"{name:20} {value:.3f}")
    click.echo()
    for line in describe(tuning):
        click.echo(line)
    click.echo(f"{output}: written")
