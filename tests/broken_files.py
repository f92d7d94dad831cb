"""Two hundred ways to hand in a notebook, most of them broken.

``kinds(notebook, name)`` gives, for each student, a function that fills the
folder of the submission, and the points it must earn: an honest solution
earns 100 wherever its text can still be found, and never more.
"""

import copy
import gzip
import io
import json
import os
import random
import zipfile

from cs_infer.judge.mishaps import CELL_KINDS, FILE_KINDS
from cs_infer.judge.template import grade_id_of

FUZZED = 135
ODD = [None, True, -1, 10**30, 1e308, "", "text", [], {}, [[]], [None, {}], {"a": 1}, "\x00\ud800"]


def kinds(notebook, name):
    """(student, fill, points) for a class of broken files; points None: anything explained."""
    text = json.dumps(notebook)
    data = text.encode()
    file = f"{name}.ipynb"
    yield from _repository_kinds(notebook, name, file)
    for student, content, points in (
        ("plain", data, 100),
        ("byte-order-mark", b"\xef\xbb\xbf" + data, 100),
        ("crlf", json.dumps(notebook, indent=1).replace("\n", "\r\n").encode(), 100),
        ("ascii-escapes", json.dumps(notebook, ensure_ascii=True).encode(), 100),
        ("trailing-garbage", data + b"\nthe end", 0),
        ("latin-1", data[:-1] + b', "author": "Zo\xeb"}', 0),
        ("null-bytes", data.replace(b"{", b"\x00{", 3), 0),
        ("only-null-bytes", bytes(5000), 0),
        ("only-spaces", b" \n" * 5000, 0),
        ("not-a-number", data[:-1] + b', "x": [NaN, Infinity, -Infinity]}', 100),
        ("cells-twice", data[:-1] + b', "cells": []}', 0),
        ("long-integer", data[:-1] + b', "x": ' + b"9" * 100_000 + b"}", 0),
        ("zipped", _zipped(file, data), 0),
        ("gzipped", gzip.compress(data), 0),
        ("web-page", b"<!DOCTYPE html><html><body>" + data + b"</body></html>", 0),
        ("pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + data, 0),
        ("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, 0),
        ("python", "\n".join("".join(c["source"]) for c in notebook["cells"]).encode(), 0),
        ("a-number", b"42", 0),
        ("a-list", b"[" + data + b"]", 0),
        ("null", b"null", 0),
        ("no-cells", b"{}", 0),
        ("utf-32", text.encode("utf-32"), 0),
        ("git-conflict", b"<<<<<<< HEAD\n" + data + b"\n=======\n>>>>>>> b\n", 0),
        ("nested-objects", b'{"cells": ' + b'{"a": ' * 50_000 + b"1" + b"}" * 50_000 + b"}", 0),
        ("json-bomb", b'{"cells": [' + b"[[]]," * 400_000 + b"[]]}", 0),
        ("huge", data + b" " * (20 * 2**20), 0),
        ("many-cells", _with(notebook, cells=_many(notebook, 20_000)), 100),
        ("huge-cell", _with(notebook, cells=[*notebook["cells"], _code("#" * 5_000_000)]), 100),
        ("huge-metadata", _with(notebook, metadata={"x": "y" * 5_000_000}), 100),
        ("huge-outputs", _with_outputs(notebook), 100),
        ("surrogates", _with(notebook, cells=[*notebook["cells"], _code("'\ud800'")]), 100),
        ("null-in-source", _with(notebook, cells=[*notebook["cells"], _code("x = 1\x00")]), 100),
        ("unknown-format", _with(notebook, nbformat=99, nbformat_minor="x"), 100),
        ("worksheets", _with({}, worksheets=[{"cells": notebook["cells"]}]), 100),
    ):
        yield student, _file(file, content), points
    yield from _folder_kinds(data, file)
    for number in range(FUZZED):
        yield f"fuzzed-{number:03d}", _file(file, _fuzzed(notebook, number)), None


def _repository_kinds(notebook, name, file):
    """What may happen to cells and files in the sample classes."""
    for kind, change in CELL_KINDS.items():
        problem = next(g for c in notebook["cells"] if (g := _solution(c)))
        changed = change(copy.deepcopy(notebook), notebook, problem)
        points = {"missing": None, "duplicated": 100, "changed-ids": 100}.get(kind, 100)
        yield f"cells-{kind}", _file(file, json.dumps(changed).encode()), points
    readable = ("utf16", "old-format", "wrong-name")
    for kind, change in FILE_KINDS.items():
        data = change(notebook)
        fill = _file("my final version (2).ipynb" if kind == "wrong-name" else file, data)
        yield f"file-{kind}", fill if data is not None else _nothing, 100 * (kind in readable)


def _folder_kinds(data, file):
    """Files of the wrong kind, in the wrong place, or too many."""
    other = file.replace(".ipynb", " (1).ipynb")
    yield "empty-folder", _nothing, 0
    yield "directory", lambda folder: (folder / file).mkdir(), 0
    yield "fifo", lambda folder: os.mkfifo(folder / file), 0
    yield "link", lambda folder: (folder / file).symlink_to(f"../../plain/{folder.name}/{file}"), 0
    yield "dangling-link", lambda folder: (folder / file).symlink_to("nowhere"), 0
    yield "endless-link", lambda folder: (folder / file).symlink_to(file), 0
    yield "device-link", lambda folder: (folder / file).symlink_to("/dev/zero"), 0
    yield "socket-name", _file("notes.txt", data), 0
    yield "upper-case", _file(file.replace("ipynb", "IPYNB"), data), 100
    yield "in-a-folder", _file(f"homework/{file}", data), 100
    yield "two-copies", _files({"a.ipynb": data, "b.ipynb": data}), 0
    yield "right-name-of-two", _files({file: data, other: b"x"}), 100
    yield "checkpoint-only", _file(f".ipynb_checkpoints/{file}", data), 0
    yield "mac-litter", _files({file: data, f"._{file}": b"\x00\x05\x16\x07"}), 100
    yield "odd-file-name", _file("\x1b[31m\u202e.ipynb", data), 100
    yield "bad-timestamp", _files({file: data, "timestamp.txt": b"tomorrow\xff"}), 100
    yield "huge-timestamp", _files({file: data, "timestamp.txt": b"9" * 10**6}), 100
    yield "timestamp-folder", _files({file: data, "timestamp.txt/x": b""}), 100
    yield "ships-a-numpy", _files({file: data, "numpy.py": b"raise SystemExit"}), 100
    yield "Zoë Ångström", _file(file, data), 100
    yield "学生", _file(file, data), 100
    yield "x" * 100, _file(file, data), 100


def _fuzzed(notebook, seed):
    """The notebook with one to four of its values replaced by odd ones."""
    rng = random.Random(seed)
    changed = copy.deepcopy(notebook)
    for _ in range(rng.randint(1, 4)):
        places = list(_places(changed))
        where, key = rng.choice(places)
        where[key] = rng.choice(ODD)
    return json.dumps(changed).encode()


def _places(value):
    """Every (container, key) of a JSON value, from the outside in."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in list(items):
        yield value, key
        if isinstance(part, (dict, list)):
            yield from _places(part)


def _with(notebook, **changes):
    return json.dumps({**notebook, **changes}).encode()


def _many(notebook, count):
    return [*notebook["cells"], *(_code(f"x = {i}") for i in range(count))]


def _with_outputs(notebook):
    cells = copy.deepcopy(notebook["cells"])
    cells[-1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "y" * 10**7}]
    return _with(notebook, cells=cells)


def _code(text):
    return {"cell_type": "code", "metadata": {}, "outputs": [], "source": text}


def _solution(cell):
    return grade_id_of(cell) if cell["metadata"].get("nbgrader", {}).get("solution") else None


def _zipped(name, data):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return made.getvalue()


def _file(name, data):
    return _files({name: data})


def _files(content):
    def fill(folder):
        for name, data in content.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)

    return fill


def _nothing(folder):
    """An empty folder."""
