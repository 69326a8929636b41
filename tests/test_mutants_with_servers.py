"""The wrong and the right answers of the labs whose checks wait for MLflow and Prefect."""

from tests.answers import WITH_SERVERS as LABS
from tests.answers import (
    engine,
    pytest_generate_tests,
    test_each_exercise_can_be_passed_with_those_that_it_builds_on,
    test_every_wrong_answer_is_caught_and_named,
    test_right_answers_written_another_way_pass,
    test_the_starter_is_all_todo,
)

__all__ = [
    "LABS",
    "engine",
    "pytest_generate_tests",
    "test_each_exercise_can_be_passed_with_those_that_it_builds_on",
    "test_every_wrong_answer_is_caught_and_named",
    "test_right_answers_written_another_way_pass",
    "test_the_starter_is_all_todo",
]
