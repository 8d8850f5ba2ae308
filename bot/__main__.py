"""`python -m bot` is the command `observer`."""

from bot.cli import main

main(prog_name="observer")
