"""The explorers of the book, each handed a problem from Python.

The page computes with the book's own scripts, so that a slider answers at
once; tests hold the scripts and this library together. What an explorer opens
with, a function named ``…_problem`` builds here, to go on with in code.
"""

from cs_infer.figures.explorers.cliff import cliff_explorer
from cs_infer.figures.explorers.conditioning import conditioning_explorer
from cs_infer.figures.explorers.cone import cone_explorer
from cs_infer.figures.explorers.cooling import cooling_explorer, cooling_problem
from cs_infer.figures.explorers.frontier import frontier_explorer, frontier_problem
from cs_infer.figures.explorers.gap import gap_explorer, gap_problem
from cs_infer.figures.explorers.grids import (
    ACTIONS,
    CLIFF_LAYOUT,
    LAYOUT,
    cliff_problem,
    cliff_states,
    gridworld_problem,
)
from cs_infer.figures.explorers.lottery import lottery_explorer
from cs_infer.figures.explorers.messages import messages_explorer
from cs_infer.figures.explorers.small import chain_problem, line_problem, lottery_problem
from cs_infer.figures.explorers.temperature import temperature_explorer

__all__ = [
    "ACTIONS",
    "CLIFF_LAYOUT",
    "LAYOUT",
    "chain_problem",
    "cliff_explorer",
    "cliff_problem",
    "cliff_states",
    "conditioning_explorer",
    "cone_explorer",
    "cooling_explorer",
    "cooling_problem",
    "frontier_explorer",
    "frontier_problem",
    "gap_explorer",
    "gap_problem",
    "gridworld_problem",
    "line_problem",
    "lottery_explorer",
    "lottery_problem",
    "messages_explorer",
    "temperature_explorer",
]
