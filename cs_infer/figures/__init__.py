"""Figures of the book, each drawn by code.

A figure is an inline SVG whose black is the page's text colour, so that it
reads in a light and in a dark theme, and whose meaning never hangs on colour
alone. Nothing here is imported by ``cs_infer`` itself; matplotlib is loaded
when a figure is drawn.
"""
