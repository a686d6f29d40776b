"""What a record must be before it is kept, and which objects of others are set aside."""

import gc
import math
from dataclasses import replace

import pytest
from record_builders import latency

from vitcnn.errors import CaseError
from vitcnn.measuring.accounting import storable
from vitcnn.measuring.alone import earlier_objects_aside

RECORD = latency("lenet", 0.1)


@pytest.mark.parametrize("value", [math.nan, object()])
def test_what_no_json_can_hold_is_an_error_of_its_case(value):
    assert storable(lambda: RECORD) == RECORD
    with pytest.raises(CaseError):
        storable(lambda: replace(RECORD, settings={**RECORD.settings, "strange": value}))


def test_what_is_kept_has_few_digits():
    assert storable(lambda: latency("lenet", 1 / 3)).samples("latency_s") == (0.333333333,)


def test_what_somebody_else_has_set_aside_stays_aside():
    with earlier_objects_aside():
        before = gc.get_freeze_count()
        with earlier_objects_aside():
            pass
        assert gc.get_freeze_count() == before > 0
