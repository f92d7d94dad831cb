"""Files that are not what they should be: each writes a submission, and says what it must earn."""

import copy
import gzip
import io
import json
import os
import zipfile

from hostile import HONEST, NAME, POINTS, own_cell

NOTHING = dict.fromkeys(POINTS, 0.0)
WRONG = POINTS | {"softmax": 0.0}
_WRONG = "def softmax(x):\n    return np.zeros(len(x))"

FILES = {}


def earns(points):
    """Enter a submission: ``write(folder, release)``; the name of the function is the student."""

    def enter(write):
        FILES[write.__name__.strip("_").replace("_", "-")] = (write, points)
        return write

    return enter


def work(release, **solutions):
    """A copy of the release, all of it right but for what is given."""
    notebook = copy.deepcopy(release)
    for cell in notebook["cells"]:
        name = grade_id(cell)
        cell["source"] = (HONEST | solutions).get(name, cell["source"])
    return notebook


def grade_id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def save(folder, notebook):
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook))


# Metadata


@earns(WRONG)
def raises_its_points(folder, release):
    notebook = work(release, softmax=_WRONG)
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception", "remove-cell"]
        if grade_id(cell):
            forged = {"points": 1000, "locked": False, "schema_version": 99, "checksum": "0"}
            cell["metadata"]["nbgrader"] |= forged
    notebook["metadata"] = {"kernelspec": {"name": "bash"}, "celltoolbar": "Create Assignment"}
    notebook["metadata"]["nbgrader"] = {"score": 1000, "points": 1000}
    save(folder, notebook)


@earns(WRONG)
def rewrites_the_locked_cells(folder, release):
    notebook = work(release, softmax=_WRONG)
    for cell in notebook["cells"]:
        if grade_id(cell) in ("setup", "check-softmax", "check-log_total"):
            cell["source"] = f"import numpy as np\n{HONEST['softmax']}\n10.0"
    save(folder, notebook)


@earns(WRONG)
def adds_cells_that_say_they_are_checks(folder, release):
    notebook = work(release, softmax=_WRONG)
    check = next(c for c in notebook["cells"] if grade_id(c) == "check-softmax")
    for _ in range(3):
        notebook["cells"].append(copy.deepcopy(check) | {"source": "10.0"})
    save(folder, notebook)


@earns(WRONG)
def claims_the_points_in_its_outputs(folder, release):
    notebook = work(release, softmax=_WRONG)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            data = {"text/plain": "10.0", "text/html": "<script>alert('attack')</script>"}
            result = {"output_type": "execute_result", "data": data, "metadata": {}}
            cell |= {"execution_count": 10, "outputs": [result | {"execution_count": 10}]}
    save(folder, notebook)


@earns(POINTS)
def has_lists_for_ids(folder, release):
    notebook = work(release)
    odd = iter([["softmax"], {"softmax": 1}, None, 10**300, True, "x" * 10**6, 1.5, []])
    for cell in notebook["cells"]:
        if grade_id(cell):
            cell["metadata"]["nbgrader"]["grade_id"] = next(odd)
            cell["id"] = ["a", "list"]
    save(folder, notebook)


@earns(POINTS)
def has_metadata_of_every_kind(folder, release):
    notebook = work(release)
    odd = iter([[], "text", 7, None, True, {"nbgrader": []}, {"nbgrader": "x"}, {"nbgrader": None}])
    for cell in notebook["cells"]:
        if grade_id(cell) not in HONEST:
            cell["metadata"] = next(odd, {"nbgrader": {"grade_id": "../../../etc/passwd"}})
            cell["attachments"] = {"../../x": {"image/png": "x"}}
    save(folder, notebook)


@earns(POINTS)
def takes_the_names_of_other_cells(folder, release):
    notebook = work(release)
    for name in ("softmax", "added-01", "check-softmax", "about-the-file", "../x", "setup"):
        notebook["cells"].append(own_cell("pass") | {"id": name})
    save(folder, notebook)


@earns(WRONG)
def answers_in_markdown_with_the_right_id(folder, release):
    notebook = work(release, softmax=_WRONG)
    for cell in notebook["cells"]:
        if grade_id(cell) == "softmax":
            cell |= {"cell_type": "markdown", "source": HONEST["softmax"]}
    save(folder, notebook)


@earns(POINTS)
def has_a_hundred_thousand_cells(folder, release):
    notebook = work(release)
    notebook["cells"] += [own_cell(str(i)) for i in range(10**5)]
    save(folder, notebook)


@earns(POINTS)
def writes_what_no_file_can_hold(folder, release):
    save(folder, work(release, softmax=HONEST["softmax"] + "\n# \ud800 \x00 \x1b[2J \u202e \ufeff"))


@earns(WRONG)
def writes_a_cell_of_nineteen_megabytes(folder, release):
    save(folder, work(release, softmax="#" * 19 * 2**20 + "\n" + HONEST["softmax"]))


# JSON


@earns(NOTHING)
def nests_too_deep(folder, release):
    (folder / f"{NAME}.ipynb").write_bytes(b'{"cells":' + b"[" * 10**6 + b"]" * 10**6 + b"}")


@earns(NOTHING)
def holds_five_million_lists(folder, release):
    (folder / f"{NAME}.ipynb").write_bytes(b'{"cells":[' + b"[]," * (5 * 10**6) + b"[]]}")


@earns(NOTHING)
def has_two_lists_of_cells(folder, release):
    text = json.dumps(work(release))
    (folder / f"{NAME}.ipynb").write_text(text[:-1] + ', "cells": []}')


@earns(NOTHING)
def holds_a_number_of_a_million_digits(folder, release):
    (folder / f"{NAME}.ipynb").write_bytes(b'{"cells":[],"nbformat":' + b"9" * 10**6 + b"}")


@earns(NOTHING)
def has_worksheets_of_text(folder, release):
    save(folder, {"worksheets": "cells", "cells": work(release)["cells"]})


@earns(NOTHING)
def is_a_program_for_pickle(folder, release):
    (folder / f"{NAME}.ipynb").write_bytes(b"cos\nsystem\n(S'touch /tmp/left-behind'\ntR.")


@earns(NOTHING)
def is_a_zip_that_unfolds(folder, release):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{NAME}.ipynb", bytes(10**8))
        archive.writestr("../../left-behind", b"x")
    (folder / f"{NAME}.ipynb").write_bytes(packed.getvalue())


@earns(NOTHING)
def is_compressed(folder, release):
    (folder / f"{NAME}.ipynb").write_bytes(gzip.compress(json.dumps(work(release)).encode()))


@earns(NOTHING)
def is_a_terabyte_of_nothing(folder, release):
    with open(folder / f"{NAME}.ipynb", "wb") as file:
        file.truncate(2**40)


# What is no file


@earns(NOTHING)
def links_to_the_work_of_another(folder, release):
    (folder / f"{NAME}.ipynb").symlink_to(f"../../a-honest/{NAME}/{NAME}.ipynb")


@earns(NOTHING)
def links_a_folder_to_the_work_of_another(folder, release):
    (folder / "mine").symlink_to(f"../../a-honest/{NAME}")


@earns(NOTHING)
def links_to_the_secret(folder, release):
    (folder / f"{NAME}.ipynb").symlink_to("../../../../../.grading-secret")


@earns(NOTHING)
def links_to_itself(folder, release):
    (folder / f"{NAME}.ipynb").symlink_to(f"{NAME}.ipynb")


@earns(NOTHING)
def is_a_pipe(folder, release):
    os.mkfifo(folder / f"{NAME}.ipynb")


@earns(NOTHING)
def is_a_folder(folder, release):
    (folder / f"{NAME}.ipynb").mkdir()


@earns(NOTHING)
def is_the_memory_of_the_grader(folder, release):
    (folder / f"{NAME}.ipynb").symlink_to("/proc/self/environ")


# What else lies in the folder


@earns(WRONG)
def brings_its_own_modules(folder, release):
    save(folder, work(release, softmax=_WRONG))
    for name in ("numpy", "sitecustomize", "checks", "nbgrader_config", "conftest", "IPython"):
        (folder / f"{name}.py").write_text("open('/tmp/left-behind', 'w')\n")
    (folder / "cs_infer").mkdir()
    (folder / "cs_infer" / "__init__.py").write_text("open('/tmp/left-behind', 'w')\n")
    (folder / ".grading-secret").write_text("mine\n")
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\x00")


@earns(POINTS)
def brings_an_odd_time(folder, release):
    save(folder, work(release))
    (folder / "timestamp.txt").write_text("9999-99-99 \x1b[2J ../../x\n" * 5)


@earns(POINTS)
def brings_files_with_odd_names(folder, release):
    save(folder, work(release))
    for name in ("\x1b[2J.txt", "a\nb.ipynb.txt", "<script>.html", "=1+1.csv", "-rf", "x" * 250):
        (folder / name).write_text("attack")


@earns(POINTS)
def brings_a_thousand_notebooks(folder, release):
    save(folder, work(release))
    for i in range(1000):
        (folder / f"{i}.ipynb").write_text("{}")
