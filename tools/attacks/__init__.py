"""The attacks on the gate, by what they attack; `attack_gate.py` tries them."""

from attacks import cases, controls, recordings, scores, session, store, stored_runs, times
from attacks.steps import Attack

ATTACKS: tuple[Attack, ...] = (
    *controls.ATTACKS,
    *times.ATTACKS,
    *scores.ATTACKS,
    *cases.ATTACKS,
    *session.ATTACKS,
    *store.ATTACKS,
    *recordings.ATTACKS,
    *stored_runs.ATTACKS,
)
