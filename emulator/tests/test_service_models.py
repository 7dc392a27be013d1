"""The models of AWS's services that the emulator keeps: all that is used, and little more."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.loaders import JSONFileLoader, Loader

from emulator import service_models


def test_shapes_and_operations_are_those_of_botocore_without_their_documentation() -> None:
    small = service_models.session().get_service_model("sqs")
    whole = botocore.session.Session().get_service_model("sqs")
    assert small.operation_names == whole.operation_names
    for name in whole.operation_names:
        ours: Any = small.operation_model(name)
        theirs: Any = whole.operation_model(name)
        assert ours.input_shape.members.keys() == theirs.input_shape.members.keys()
        assert (ours.documentation, bool(theirs.documentation)) == ("", True)


def test_services_have_the_regions_that_botocore_has() -> None:
    ours, theirs = service_models.session(), botocore.session.Session()
    for service in ("dynamodb", "s3", "sns", "cognito-idp"):
        assert ours.get_available_regions(service) == theirs.get_available_regions(service)


def test_endpoints_of_fips_and_dual_stack_are_left_out() -> None:
    assert "variants" in str(Loader(file_loader=JSONFileLoader()).load_data("endpoints"))
    assert "variants" not in str(service_models.loader().load_data("endpoints"))


def test_sessions_that_others_make_have_small_models_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loader, "FILE_LOADER_CLASS", Loader.FILE_LOADER_CLASS)
    service_models.small_for_all()
    model = botocore.session.Session().get_service_model("sqs")
    assert model.operation_model("SendMessage").documentation == ""
