"""Policies from reweighted trajectories, and within a divergence of the last one.

====================  =========================================================
``reweighting``       weighted trajectories; the policy as the next prior
``entropy_search``    REPS: the best occupancy within a divergence of a given one
``occupancy_dual``    the dual it solves
``feature_matching``  maximum causal entropy
``newton``            Newton's method for small convex functions
====================  =========================================================
"""
