"""What is read: by a student, by an instructor.

===============  ===============================================================
``card``         what a student reads about one problem
``grade_table``  the class, student by student
===============  ===============================================================
"""
