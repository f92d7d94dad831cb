"""Control whose backup is linear.

=====================  ========================================================
``linearly_solvable``  the problem: the agent chooses where to go, and pays
``reachable``          its checks: can an exit be reached, is all connected
``desirability``       four ways to end, four solutions
``embedding``          an ordinary problem as a linearly solvable one
``passive_learning``   Z-learning, and soft Q-learning on the same transitions
``path_integral``      controlled diffusions, on a grid
``path_sampling``      the same from sampled paths
=====================  ========================================================
"""
