"""Computes verdicts with reasons from the records of runs and of a baseline; pure statistics, no measuring."""
