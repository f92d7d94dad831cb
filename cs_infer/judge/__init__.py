"""Judging student work: grades that are computed where student code cannot reach.

=================  ==========================================================
``problem``        what a problem is: reference, properties, misconceptions
``answers``        reading an answer and comparing it within a tolerance;
                   ``rollouts`` for policies, ``statistics`` for chance,
                   ``words`` for what a person reads
``verdict``        judging one function: points, property by property;
                   ``trial`` asks it, ``diagnosis`` finds the misconception,
                   ``examples`` shows it
``sandbox``        where student code runs, and what crosses its border
``notebook``       a student's notebook, running: cells and calls
``submissions``    what was handed in; ``template`` rebuilds it from the release
``release``        text sources to the notebooks students get;
                   ``agreement`` holds notebook and checks together
``grader``         one submission to one verdict
``class_run``      a class, in parallel, by ``workers`` that may die
``own_work``       a student's own notebook, without a course
``ledger``         the verdicts that are kept, and earlier ones
``card``           what a student reads about one problem
``records``        nbgrader's gradebook; learning management systems
``reports``        what a student and an instructor read
``sample_class``   the submissions that ship with an assignment, and the
                   ``mishaps`` that befell some of them
``course``         where the parts of a course lie
``files``          files written whole or not at all
=================  ==========================================================
"""
