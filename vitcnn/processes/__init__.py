"""Runs a suite in separate processes, to record a baseline, to measure again and to compare two revisions."""
