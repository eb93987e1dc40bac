"""A learner's functions are applied, in a sandbox, to inputs they have not seen; the host compares what comes out.

data, runner                 inside the sandbox (Python and NumPy alone): values as JSON; cells run, functions applied
specs, submission, sandbox   on the host: what is right; any file as a notebook; where nothing can be reached
verdict                      these together: the points and a sentence for each answer of a notebook
judge, intake, course        nbgrader's side: Reader and Judge; submissions as nbgrader wants them; its API
"""
