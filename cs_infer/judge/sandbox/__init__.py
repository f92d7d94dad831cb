"""Where student code runs: a box without the answers, and the border around it.

==============  ================================================================
``box``         a box in which nothing is worth stealing, by bubblewrap
``containers``  the same by a container engine; ``program``: what both start
``running``     what runs in a box, as the grader sees it; ``process``: one of its own
``watch``       what all the processes of a submission use together
``cgroups``     limits that the kernel keeps for all of a program's processes
``nursery``     boxes that start in milliseconds; ``forked``: one of them
``session``     the conversation with it: cells to run, functions to call
``edition``     the library, as a graded notebook may import it
``frames``      the only thing that crosses the border: numbers, texts and arrays
``runner``      inside the box: it runs cells and answers calls
``calls``       inside the box: calling functions of the student
``preloaded``   inside the box: Python with its packages, forked for each submission
``namespaces``  inside the box: walls and refusals, as the kernel offers them
==============  ================================================================
"""

from cs_infer.judge.sandbox.box import Box, box_for, sandbox_works
from cs_infer.judge.sandbox.nursery import Nursery
from cs_infer.judge.sandbox.running import Place, SandboxDied, SandboxError
from cs_infer.judge.sandbox.session import Session

__all__ = [
    "Box",
    "Nursery",
    "Place",
    "SandboxDied",
    "SandboxError",
    "Session",
    "box_for",
    "sandbox_works",
]
