"""Reports of runs, shown as the plugin shows them: with every question of the catalogue."""

from vitcnn.questions import questions
from vitcnn.report import terminal
from vitcnn.report import tradeoffs as sentences

QUESTIONS = tuple(questions().values())


def summary(run, *, width):
    return terminal.summary(run, QUESTIONS, width=width)


def table(run, *, width):
    return terminal.table(run.records, QUESTIONS, width=width)


def tradeoffs(run):
    return sentences.tradeoffs(run, terminal.told_by(QUESTIONS))
