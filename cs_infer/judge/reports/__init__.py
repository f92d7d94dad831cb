"""What is read: by a student, by an instructor.

=================  =============================================================
``page``           the frame of every page: runs nothing, fetches nothing
``book_links``     links into the book
``feedback``       a student's page, written where nbgrader looks for it
``feedback_page``  what stands on it
``grade_table``    the class, student by student
``class_report``   the class in figures
``report_page``    what stands on the page of the report
``histogram``      its figure
``report``         the report, written
``similarity``     pairs of submissions that are alike
``audit``          how a verdict came about
=================  =============================================================
"""
