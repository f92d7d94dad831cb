"""What is recorded: nbgrader's gradebook, and what goes to and from learning management systems.

==============  ================================================================
``gradebook``   verdicts into nbgrader's gradebook, a class at a time
``rows``        the rows of the gradebook that grading writes
``recorded``    what the gradebook holds: points, comments, penalties
``late``        due dates, extensions, what lateness costs
``autograde``   what nbgrader's own commands and buttons do
``configure``   the settings that make them do so
``converters``  nbgrader's own steps: it makes the release
``archive``     what the files of a zip archive are
``collect``     submissions out of the archive of a learning management system
``roster``      the files in which such a system names the students
``lms``         grades in the columns that such a system imports
==============  ================================================================
"""
