"""MathJax from the book's own folder, so that pages opened from a disk show mathematics.

The package sphinx-mathjax-offline carries MathJax 3, but as an extension it copies all 24 MB.
A page needs the TeX reader, its on-demand extensions and the fonts: 4 MB.
"""

import shutil
from importlib.util import find_spec
from pathlib import Path

from sphinx.errors import ExtensionError

PACKAGE = "sphinx-mathjax-offline"
NEEDED = ("tex-chtml.js", "input/tex/extensions", "output/chtml/fonts", "a11y/assistive-mml.js")


def mathjax_folder():
    """Where the installed package keeps MathJax."""
    spec = find_spec(PACKAGE)
    if spec is None:
        raise ExtensionError(f"the book needs the package {PACKAGE} (extra: book)")
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(app, error):
    if error is not None or app.builder.format != "html":
        return
    source, target = mathjax_folder(), Path(app.outdir) / "_static" / "mathjax"
    for name in NEEDED:
        copied = target / name
        if copied.exists():
            continue
        copied.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy2
        copy(source / name, copied)


def setup(app):
    mathjax_folder()
    app.connect("build-finished", copy_mathjax)
    return {"parallel_read_safe": True}
