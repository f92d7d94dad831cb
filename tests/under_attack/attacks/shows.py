# Writes what a terminal, a browser or a spreadsheet would obey. The work itself is right or wrong.

# %% shows-markup: 10 + 10
def softmax(x):
    weight = np.exp(x - np.max(x))
    return weight / weight.sum()
print("<script>alert('attack')</script><img src=x onerror=alert(1)></pre></div><h1>20 of 20 points")
print("\\(\\href{javascript:alert(1)}{x}\\) $$\\unicode{x}$$ ]]> <!-- {{ 7 * 7 }} {% raw %}")

# %% shows-markup-as-html: 10 + 10
def softmax(x):
    weight = np.exp(x - np.max(x))
    return weight / weight.sum()
from IPython.display import HTML, SVG, IFrame, Javascript, Markdown, display
display(HTML("<script>alert('attack')</script>"), Javascript("alert('attack')"))
display(Markdown("<img src=x onerror=alert('attack')>"), IFrame("https://attack.example", 1, 1))
display({"text/html": "<script>alert('attack')</script>", "image/svg+xml": "<svg onload='attack'/>"}, raw=True)

# %% raises-markup: 0 + 10
def softmax(x):
    raise ValueError("<script>alert('attack')</script>" * 3 + "'\"><img src=x onerror=attack>")

# %% raises-terminal-codes: 0 + 10
def softmax(x):
    raise ValueError("\x1b[2J\x1b]0;attack\x07\x1b[1;31m10 of 10\x9b31m\r\x08\u202egnitset\u2066\ud800")

# %% raises-at-length: 0 + 10
def softmax(x):
    raise ValueError("attack " * 10**6)

# %% raises-a-class-of-any-name: 0 + 10
Odd = type("<script>alert('attack')</script>\x1b[2J", (Exception,), {})
def softmax(x):
    raise Odd("=cmd|' /C calc'!A0")

# %% fails-with-a-formula: 0 + 10
def softmax(x):
    raise type("=HYPERLINK(\"http://attack.example\")", (Exception,), {"__module__": "="})("@attack\t+1")

# %% forges-its-feedback: 0 + 0 + 0
# the second forgery is taken for the output of the next cell, which ends with the process
send(message(status="ran", text="x" * 10**6, error="<script>alert('attack')</script>\x1b[2J",
             pictures={"list": ["\"><script>alert('attack')</script>", "PHNjcmlwdD4=" * 50000]}))
send(message(status="ran", text={"list": [1]}, error={"dict": {}}, pictures="attack"))
os._exit(0)
# + log_total
def log_total(x):
    return None
# + inverse
def inverse(f):
    return None

# %% forges-its-fault: 0 + 10
def softmax(x):
    send(message(status="run-time error", message="</small></li></ul></div><script>alert('attack')</script>\x1b[2J"))
    os._exit(0)

# %% names-a-misconception: 0 + 10
# a message in the words of the grader stays a message
def softmax(x):
    send(message(status="run-time error", message="10 of 10 points", misconception="none", earned=10.0,
                 illustration="<script>alert('attack')</script>"))
    os._exit(0)

# %% shows-a-picture-that-is-none: 10 + 10
from IPython.display import display
def softmax(x):
    weight = np.exp(x - np.max(x))
    return weight / weight.sum()
class Picture:
    def _repr_mimebundle_(self, **kwargs):
        return {"image/png": "PHN2ZyBvbmxvYWQ9ImF0dGFjayIvPg==", "text/plain": "<b>attack</b>"}
display(Picture())
