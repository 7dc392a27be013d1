"""Plausible mistakes in what AWS may answer: each is found by the faults of its kind only."""

from lambdas.delivery import delivery_watch, push
from lambdas.messages import append
from lambdas.presence import connection
from lambdas.tables import Table
from tests.model.mutant import edited

FAULT_MUTANTS = (
    edited(
        "unprocessed_keys_are_dropped",
        (Table, "batch_get"),
        ('request = response.get("UnprocessedKeys")', "request = None"),
        "not woken|never showed|no rest|no lease|lacks it|never notified",
    ),
    edited(
        "unprocessed_items_are_dropped",
        (Table, "batch_write"),
        ("if not left:", "if True:"),
        "by half",
        ("seldom", "group_begins"),
    ),
    edited(
        "a_connection_is_as_old_as_the_functions_clock_says",
        (connection, "connect"),
        (
            "caller.connection_id, at, asked_at",
            "caller.connection_id, int(aws.now() * 1000), asked_at",
        ),
        "lease|no rest|never notified",
        ("comes",),
    ),
    edited(
        "only_the_first_page_is_read",
        (Table, "query_all"),
        ("while page.next:", "while False:"),
        "not woken|never showed|counts",
    ),
    edited(
        "a_conflict_counts_as_written",
        (Table, "_conditional"),
        ("pause()  # another transaction is writing the item", "return {}"),
        "is not stored",
    ),
    edited(
        "any_item_there_counts_as_stored",
        (append, "_put_once"),
        ("if failure.item != message:", "if False:"),
        "is not stored",
    ),
    edited(
        "what_the_queue_rejects_is_forgotten",
        (delivery_watch, "_wake"),
        ('raise ConnectionError("the queue rejected push jobs")', "pass"),
        "not woken",
        ("harsh", "seldom", "watch_runs"),
    ),
    edited(
        "the_watch_names_the_last_failure",
        (delivery_watch, "watch"),
        ("in failed][:1]", "in failed][-1:]"),
        "not woken|not nudged",
        ("harsh", "watch_runs"),
    ),
    edited(
        "a_job_that_failed_is_done",
        (push, "_push_record"),
        ("        raise\n", ""),
        "not woken|counts|twice|still shows",
        ("harsh", "push_runs"),
    ),
)
