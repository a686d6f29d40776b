"""Traces: where a run's time goes. Recording needs torch; reading a trace does not."""
