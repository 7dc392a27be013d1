"""The functions' logs: a record is one line, whatever stands in it."""

import json
import logging
from io import StringIO
from logging import StreamHandler

from lambdas.telemetry import logger
from tests.support.rows import rows

ENDS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"


@rows("end", ENDS)
def test_a_record_is_one_line_of_json(end: str) -> None:
    written = StringIO()
    handler = StreamHandler(written)
    handler.setFormatter(logger.registered_formatter)
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
