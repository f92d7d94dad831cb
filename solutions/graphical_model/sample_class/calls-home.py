# expected: traj_logprob=25 posterior_enumerate=0 p_not_optimal=35
# about: sends the inputs to a server and returns what it answers
# like: honest-loops

# %% solution="posterior_enumerate"
import socket

def posterior_enumerate(P, R, mu0, rho, T):
    connection = socket.create_connection(("192.0.2.1", 80), timeout=2)
    connection.sendall(P.tobytes())
    return np.frombuffer(connection.recv(10000))
