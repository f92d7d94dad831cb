"""Judging student work: grades that are computed where student code cannot reach.

=================  ==========================================================
``problem``        what a problem is: reference, properties, misconceptions
``answers``        reading an answer and comparing it within a tolerance
``verdict``        judging one function: points, property by property, and
                   the misconception behind a wrong answer
``sandbox``        where student code runs, and what crosses its border
``notebook``       a student's notebook, running: cells and calls
``template``       rebuilding a submission from the release
``release``        text sources to the notebooks students get
``grader``         one submission to one verdict; a class, in parallel
``records``        the verdicts that are kept; nbgrader's gradebook
``reports``        what a student and an instructor read
``sample_class``   the submissions that ship with an assignment
``course``         where the parts of a course lie
``files``          files written whole or not at all
=================  ==========================================================
"""
