"""Turns a case, or a user's function, into its record: timing, counting and accounting.

`vitcnn/bench/` comes before: it prepares what is timed.
"""
