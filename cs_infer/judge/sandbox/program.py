"""What a box of any kind starts: files of this folder, their arguments, their environment."""

from __future__ import annotations

from pathlib import Path

from cs_infer.judge.problem import Limits

HERE = Path(__file__).parent
PROGRAM = ("runner.py", "preloaded.py", "calls.py", "frames.py", "namespaces.py")


def limit_arguments(limits: Limits) -> list[str]:
    """The limits as the programs in the box take them."""
    return [str(limits.cpu_seconds), str(limits.memory_mb), str(limits.disk_mb)]


def environment(home: str, edition: str) -> dict[str, str]:
    """All the environment there is in a box."""
    return {
        "HOME": home,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "CS_INFER_EDITION": edition,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
