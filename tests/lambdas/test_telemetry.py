"""The functions' logs and metrics: a record is one line, whatever stands in it."""

import json
import logging
import threading
from io import StringIO
from logging import StreamHandler

import pytest

from lambdas.telemetry import gauge, logger, metrics, took
from tests.support.rows import rows

ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


@rows("end", ENDS)
def test_a_record_is_one_line_of_json(end: str) -> None:
    written = StringIO()
    handler = StreamHandler(written)
    handler.setFormatter(logger.registered_formatter)
    own = threading.get_ident()
    handler.addFilter(lambda record: record.thread == own)  # not what other threads log meanwhile
    logger.addHandler(handler)
    try:
        forged = f'x{end}{{"level": "ERROR"}}\u202e'
        logger.warning("refused", extra={"reason": forged, "at": object()})
        try:
            raise ValueError(forged)
        except ValueError:
            logger.exception("failed")
    finally:
        logging.getLogger(logger.name).removeHandler(handler)
    refused, failed = written.getvalue().splitlines()
    assert json.loads(refused)["reason"] == forged
    assert forged in json.loads(failed)["exception"]


def test_a_gauge_is_written_at_once_and_a_clock_that_went_back_makes_no_negative_duration(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics.provider, "namespace", "Switchboard")
    took("Waited", -5.0)
    gauge("Held", 3)
    written = json.loads(capsys.readouterr().out)
    assert (written["Waited"], written["Held"]) == ([0.0], [3])
