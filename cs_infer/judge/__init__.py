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
``grader``         one submission to one verdict; a class, in parallel
``gradebook``      nbgrader records, exports and gives feedback
``report``         what instructor and student read
=================  ==========================================================
"""
