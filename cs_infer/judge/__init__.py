"""Judging student work: grades that are computed where student code cannot reach.

=================  ==========================================================
``problem``        what a problem is: reference, properties, misconceptions
``answers``        reading an answer and comparing it within a tolerance
``verdict``        judging one function: points, property by property, and
                   the misconception behind a wrong answer
``frames``         the only thing that crosses the border: arrays
``runner``         the program inside the sandbox that runs student cells
``sandbox``        the box: bubblewrap, limits, a hard kill
``edition``        the cs_infer a graded notebook may import
``release``        text sources to the notebooks students get
``template``       rebuilding a submission from the release
``notebook``       a student's notebook, running: cells and calls
``grader``         one submission to one verdict; a class, in parallel
``ledger``         the verdicts that are kept
``gradebook``      nbgrader records, exports and gives feedback
``report``         what a student reads about one problem
``grades``         what an instructor reads about the class
``sample_class``   the submissions that ship with an assignment
``course``         where the parts of a course lie
``files``          files written whole or not at all
=================  ==========================================================
"""
