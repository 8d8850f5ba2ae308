"""The commands `observer export` and `import`: the formats of other tools."""

from pathlib import Path

import click

from bot.cli_options import answers_argument, documents_option, questions_argument
from corpus.errors import ObserverError


@click.command("export")
@questions_argument
@answers_argument
@click.option(
    "--to",
    "kind",
    type=click.Choice(["csv", "junit", "squad", "trec"]),
    required=True,
    help="csv and junit are one file; squad and trec are a folder of files.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PATH",
    help="The file or folder to write; files that stand there are replaced.",
)
@click.option(
    "--pass-at",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="F1",
    help="For junit: the least F1 with which an answer passes.",
)
def export_command(questions: Path, answers: Path, kind: str, output: Path, pass_at: float) -> None:
    """Write the file ANSWERS to the set QUESTIONS in the format of another tool.

    csv is for spreadsheets; in junit a CI system shows each question as a test. squad is what the
    official script of SQuAD 2.0 reads: data.json, predictions.json and null-odds.json. trec is
    run.txt and qrels.txt for trec_eval. No model is loaded.
    """
    from bot.evaluate import check_same_questions, load_predictions
    from bot.exchange.files import write_files, write_text
    from bot.exchange.junit import export_junit
    from bot.exchange.squad import export_squad
    from bot.exchange.table import export_table
    from bot.exchange.trec import export_trec
    from bot.questions import load_questions

    question_set, predictions = load_questions(questions), load_predictions(answers)
    if output.exists() and any(output.samefile(path) for path in (questions, answers)):
        raise ObserverError(f"{output}: is what is exported; name another file")
    try:
        check_same_questions(question_set, predictions)
        if kind == "csv":
            # With a mark, because spreadsheets take a table without one for Windows-1252.
            write_text(output, export_table(question_set, predictions), encoding="utf-8-sig")
        elif kind == "junit":
            suite = export_junit(question_set, predictions, name=questions.stem, pass_at=pass_at)
            write_text(output, suite)
        else:
            export = export_squad if kind == "squad" else export_trec
            write_files(output, export(question_set, predictions))
    except ObserverError as error:
        if str(error).startswith(str(output)):
            raise
        raise ObserverError(f"{answers}: {error}") from error


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="PATH",
    help="What to write: a set, a .jsonl file; of SQuAD and BEIR a folder of set and documents.",
)
@documents_option("answer the questions of a table")
@click.option(
    "--split", default="test", show_default=True, help="For BEIR: which judgements to take."
)
def import_command(source: Path, output: Path, paths: tuple[Path, ...], split: str) -> None:
    """Turn SOURCE into a question set of JSON Lines.

    SOURCE is a table (.csv, .tsv, .xlsx) with the columns question and answer, or any other
    question set; a data set of SQuAD 2.0 (.json); or the folder of a BEIR data set. Rows of a table
    get evidence where their answer stands in the documents once. SQuAD and BEIR come with their
    documents, and become the folder documents and the file questions.jsonl.
    """
    from bot.exchange.beir import import_beir, is_beir
    from bot.exchange.files import check_new, write_files, write_text
    from bot.exchange.squad import import_squad
    from bot.exchange.table import import_table
    from corpus.loaders import load_documents, shipped_documents

    check_new(output)
    if source.is_dir():
        if not is_beir(source):
            raise ObserverError(
                f"{source}: expected corpus.jsonl and queries.jsonl as in BEIR; check the folder"
            )
        n_documents, n = import_beir(source, output, split=split)
        click.echo(f"{output}: {n_documents:,} documents, {n:,} questions")
    elif source.suffix.lower() == ".json":
        files, problems = import_squad(source)
        write_files(output, files)
        for problem in problems:
            click.echo(problem, err=True)
        n = files["questions.jsonl"].count("\n")
        click.echo(f"{output}: {len(files) - 1:,} documents, {n:,} questions")
    else:
        if output.suffix.lower() != ".jsonl":
            raise click.UsageError(f"expected a .jsonl file as OUTPUT, got {output}")
        documents = {
            document.id: document for document in load_documents(paths or shipped_documents())
        }
        text = import_table(source, documents)
        write_text(output, text)
        n, n_evidence = text.count("\n"), text.count('"evidence": [{')
        click.echo(f"{output}: {n:,} questions, {n_evidence:,} with evidence")
