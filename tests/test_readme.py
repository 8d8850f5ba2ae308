import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import main

README = Path("README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.mark.model
def test_the_first_example_runs_and_prints_what_it_says(capsys):
    code = blocks("python")[0]
    exec(compile(code, "README.md", "exec"), {})
    promised = re.findall(r"#\s*(.+)", code)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(promised) > 0
    for line, start in zip(printed, promised, strict=True):
        assert line.startswith(start.removesuffix("..."))


@pytest.mark.model
def test_every_terminal_example_shows_the_real_output():
    shown = [block.split("\n", 1) for block in blocks("console")]
    assert shown
    for command, output in shown:
        name, *args = shlex.split(command.removeprefix("$ "))
        assert name == "observer"
        assert CliRunner().invoke(main, args, prog_name=name).stdout == output


def test_every_command_that_the_readme_names_exists():
    named = set(re.findall(r"`observer (\w+)", README)) | set(
        re.findall(r"^observer (\w+)", README, re.MULTILINE)
    )
    assert named
    assert named <= set(main.commands)


def test_every_option_in_the_table_is_one_of_the_web_command():
    options = set(re.findall(r"^\| `(--[a-z-]+)", README, re.MULTILINE))
    known = {
        name
        for option in main.commands["web"].params
        for name in [*option.opts, *option.secondary_opts]
    }
    assert options
    assert options <= known


def test_every_make_target_that_the_readme_names_exists():
    targets = set(
        re.findall(r"^([a-z-]+):", Path("Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(re.findall(r"\bmake ([a-z-]+)", README)) <= targets | {"and"}


def test_every_local_file_that_the_readme_links_to_is_there():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    assert links
    assert [link for link in links if not Path(link).exists()] == []
