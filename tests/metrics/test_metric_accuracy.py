from record_builders import accuracy

from vitcnn.record.answers import correct


def test_correct_answers_come_from_predictions_and_labels():
    record = accuracy("lenet", right=[[1, 0, 1], [1, 1, 1]])
    assert correct(record).tolist() == [[True, False, True], [True, True, True]]
