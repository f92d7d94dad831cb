"""Chapters run again when the library changes, not only when their own cells do.

The cache of executed notebooks is keyed on the cells of a page. A chapter
whose cells stay the same would keep its old figures, or stay green, after
``cs_infer`` has changed underneath it. So the cache's path ends in a digest of
the library, and a new digest makes Sphinx read every page again.

A page made from other sources than its own, as the table of equations is, says
``execution_mode: force`` in its front matter. It runs in every build.

``CS_INFER_EXECUTION_CACHE`` names another folder, for a build that must start
from nothing.
"""

import hashlib
import os
from pathlib import Path

KEPT = ("*.py", "*.json", "*.npz")


def library_digest(root):
    """A short digest of the names and bytes of every file of ``root/cs_infer`` that can matter."""
    library = Path(root) / "cs_infer"
    digest = hashlib.sha256()
    for path in sorted(p for pattern in KEPT for p in library.rglob(pattern)):
        digest.update(path.relative_to(library).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def key_cache_on_library(app, config):
    root = Path(app.srcdir)
    configured = config.nb_execution_cache_path or "_build/.jupyter_cache"
    base = root / os.environ.get("CS_INFER_EXECUTION_CACHE", configured)
    # The setting rebuilds the environment when it changes, so pages are read again as well.
    config.nb_execution_cache_path = str(base / library_digest(root))


def forced_pages(app, env, added, changed, removed):
    """The pages that run in every build, whether or not their own text has changed."""
    return [
        page
        for page in env.found_docs
        if "execution_mode: force" in Path(env.doc2path(page)).read_text(encoding="utf-8")
    ]


def setup(app):
    app.connect("env-get-outdated", forced_pages)
    app.connect("config-inited", key_cache_on_library)
    return {"parallel_read_safe": True}
