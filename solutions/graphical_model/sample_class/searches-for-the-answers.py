# expected: traj_logprob=0 posterior_enumerate=0 p_not_optimal=0
# about: looks for the checks on disk, in memory and in the calling frames

# %% solution="traj_logprob"
import glob
import os
import sys

def traj_logprob(P, mu0, rho, s, a):
    places = [*sys.path, os.getcwd(), "/", "/box", "/edition", "/home", "/root", "/tmp"]
    for place in places:
        for pattern in ("checks.py", "*/checks.py", "solutions/*/*.py", "*/solutions/*/*.py"):
            for path in glob.glob(os.path.join(place, pattern)):
                if "graphical_model" in path:
                    space = {}
                    exec(open(path).read(), space)
                    return space["TRAJ_LOGPROB"].reference(P, mu0, rho, s, a)
    raise LookupError("not on disk")

# %% solution="posterior_enumerate"
import gc

def posterior_enumerate(P, R, mu0, rho, T):
    for thing in gc.get_objects():
        if type(thing).__name__ in ("Problem", "Assignment"):
            return thing.reference(P, R, mu0, rho, T)
        if callable(thing) and getattr(thing, "__name__", "") == "enumerate_trajectories":
            raise RuntimeError("found it")
    raise LookupError("not in memory")

# %% solution="p_not_optimal"
import inspect

def p_not_optimal(R, rho):
    for frame in inspect.stack():
        for value in [*frame.frame.f_locals.values(), *frame.frame.f_globals.values()]:
            if hasattr(value, "reference"):
                return value.reference(R, rho)
    from cs_infer.judge.verdict import judge
    raise LookupError("not in the frames")
