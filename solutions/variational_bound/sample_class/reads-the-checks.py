# expected: elbo=0 kl_gap=0 soft_vi=0
# about: looks for the reference in files, in modules and in the frames of the caller
# why: neither the checks nor the reference are in the sandbox

# %% solution="elbo"
import glob
import sys

def elbo(P, R, mu0, rho, policy, alpha):
    for path in glob.glob("checks.py") + glob.glob("../*/checks.py") + glob.glob("/tmp/*/checks.py"):
        text = open(path).read()
        if "variational_bound" in text:
            space = {"__name__": "stolen"}
            exec(text, space)
            return space["_elbo"](P, R, mu0, rho, policy, alpha)
    raise LookupError("not here")

# %% solution="kl_gap"
def kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s):
    for module in list(sys.modules.values()):
        if hasattr(module, "_kl_gap"):
            return module._kl_gap(P, R, mu0, rho, policy, alpha, log_beta_s)
    raise LookupError("not here")

# %% solution="soft_vi"
def soft_vi(P, R, rho, alpha, gamma):
    frame = sys._getframe()
    while frame is not None:
        for value in frame.f_locals.values():
            if hasattr(value, "reference"):
                return value.reference(P, R, rho, alpha, gamma)
        frame = frame.f_back
    raise LookupError("not here")
