"""Where student code runs: a box without the answers, and the border around it.

============  ==================================================================
``session``   the box and a running session in it: limits, a hard kill
``edition``   the ``cs_infer`` that a graded notebook may import
``frames``    the only thing that crosses the border: numbers, texts and arrays
``runner``    the program inside the box: it runs cells and answers calls
``calls``     inside the box: calling one function of the student
============  ==================================================================
"""

from cs_infer.judge.sandbox.session import (
    Box,
    SandboxDied,
    SandboxError,
    Session,
    sandbox_program,
    sandbox_works,
)

__all__ = ["Box", "SandboxDied", "SandboxError", "Session", "sandbox_program", "sandbox_works"]
