"""Estimates how long cases take, from earlier runs on this machine or from the table `reference.json`."""

from vitcnn.durations.estimate import Estimate as Estimate
from vitcnn.durations.estimate import estimate as estimate
from vitcnn.durations.known import Durations as Durations
from vitcnn.durations.known import known_durations as known_durations
from vitcnn.durations.time_left import TimeLeft as TimeLeft
