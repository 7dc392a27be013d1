"""Images, scheduling and scaling, without a process."""

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.containers import image, model, scheduling
from emulator.containers.images import Images
from emulator.containers.scheduling import TaskView, plan
from emulator.containers.task import executable
from emulator.providers import EmulatorError

DOCKERFILE = r"""
# a comment
FROM python:3.13-slim AS packages
COPY requirements.txt .
ENV LOST=1
RUN pip install --require-hashes \
    --prefix=/packages \
    -r requirements.txt

FROM python:3.13-slim
# another
ENV PYTHONUNBUFFERED=1 GREETING="good day"
ENV OLD form of it
COPY --from=packages /packages /usr/local
WORKDIR /app
COPY . lambdas
COPY one.txt two.txt data/
USER nobody
EXPOSE 8080
CMD ["python", "-m", "lambdas.api.server"]
"""


def test_the_last_stage_of_a_dockerfile_is_read() -> None:
    read = image.read_dockerfile(DOCKERFILE)
    assert read.command == ("python", "-m", "lambdas.api.server")
    assert read.workdir == PurePosixPath("/app")
    assert read.environment == {
        "PYTHONUNBUFFERED": "1",
        "GREETING": "good day",
        "OLD": "form of it",
    }
    assert read.copies == (
        (".", PurePosixPath("/app/lambdas")),
        ("one.txt", PurePosixPath("/app/data/one.txt")),
        ("two.txt", PurePosixPath("/app/data/two.txt")),
    )


def test_an_entrypoint_comes_before_the_command() -> None:
    text = 'FROM x\nENTRYPOINT ["python", "-m"]\nCMD ["server"]'
    assert image.read_dockerfile(text).command == ("python", "-m", "server")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM x\nCMD python -m server", "exec form"),
        ('FROM x\nCMD "server"', "exec form"),
        ("FROM x\nWORKDIR /app", "neither CMD nor ENTRYPOINT"),
        ('FROM x\nCMMD ["x"]', "CMMD"),
    ],
)
def test_dockerfiles_that_cannot_be_run_are_rejected(text: str, message: str) -> None:
    with pytest.raises(EmulatorError, match=message):
        image.read_dockerfile(text)


def test_an_image_is_laid_out_and_laid_over(tmp_path: Path) -> None:
    context, root, sources = tmp_path / "asset", tmp_path / "root", tmp_path / "lambdas"
    for folder in (context, sources):
        (folder / "api" / "__pycache__").mkdir(parents=True)
        (folder / "api" / "server.py").write_text("old")
        (folder / "api" / "gone.py").write_text("old")
    (context / "Dockerfile").write_text("FROM x")
    (context / "api" / "__pycache__" / "server.pyc").write_text("")
    text = 'FROM x\nWORKDIR /app\nCOPY . lambdas\nCMD ["python"]'
    read = image.read_dockerfile(text)
    (root / "app" / "leftover").mkdir(parents=True)
    image.lay_out(read, context, root)
    found = sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
    assert found == ["app/lambdas/api/gone.py", "app/lambdas/api/server.py"]

    (sources / "api" / "server.py").write_text("new")
    (sources / "api" / "gone.py").unlink()
    (sources / "fresh").mkdir()
    (sources / "fresh" / "module.py").write_text("new")
    changed = [sources / "api" / "server.py", sources / "api" / "gone.py"]
    assert image.overlay(read, sources, [*changed, sources / "fresh" / "module.py"], root)
    assert (root / "app/lambdas/api/server.py").read_text() == "new"
    assert not (root / "app/lambdas/api/gone.py").exists()
    assert (root / "app/lambdas/fresh/module.py").exists()
    assert not image.overlay(read, tmp_path / "web", [], root)


def test_a_task_keeps_little_freed_memory_unless_its_image_says_otherwise(tmp_path: Path) -> None:
    images = Images(lambda _: tmp_path, dict, tmp_path / "images")
    (tmp_path / "Dockerfile").write_text('FROM x\nENV MALLOC_ARENA_MAX=4\nCMD ["python"]')
    images.lay_out("repository:hash")
    task = model.TaskDefinition("repository:hash", {}, command=None, stop_timeout=30)
    environment = images.launch(task).environment
    assert environment["MALLOC_ARENA_MAX"] == "4"
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "131072"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    read = image.read_dockerfile('FROM x\nCOPY lost.txt /\nCMD ["python"]')
    with pytest.raises(EmulatorError, match=r"lost\.txt"):
        image.lay_out(read, tmp_path, tmp_path / "root")


def test_the_images_python_is_this_one() -> None:
    import sys

    assert executable(["python3.13", "-m", "x"]) == [sys.executable, "-m", "x"]
    with pytest.raises(EmulatorError, match="gunicorn-of-old"):
        executable(["gunicorn-of-old"])


def views(text: str) -> Any:
    """`h1` healthy of revision 1, `n1` not (yet) healthy, `f1` faulty; oldest first."""
    return [
        TaskView(f"{mark}{n}", int(mark[1]), mark[0] == "h", mark[0] == "f")
        for n, mark in enumerate(text.split())
    ]


@rows(
    ("desired", "tasks", "start", "stop"),
    [
        (2, "", 2, []),
        (2, "h1", 1, []),
        (2, "h1 h1", 0, []),
        (1, "h1 h1", 0, ["h11"]),
        (0, "h1 n1", 0, ["h10", "n11"]),
        (1, "n1 h1", 0, ["n10"]),
        # a new version: new ones first, then as many old ones go as new ones are healthy
        (2, "h0 h0", 2, []),
        (2, "h0 h0 n1 n1", 0, []),
        (2, "h0 h0 h1 n1", 0, ["h01"]),
        (2, "h0 h1 h1", 0, ["h00"]),
        (2, "n0 h0 n1 n1", 0, []),
        (2, "n0 h0 n1 h1", 0, ["n00"]),
        (2, "h0 h0 h0 n1 n1", 0, ["h02"]),
        # faulty ones are replaced, and go when their replacement is healthy
        (2, "h1 f1", 1, []),
        (2, "h1 f1 n1", 0, []),
        (2, "h1 f1 h1", 0, ["f11"]),
        (2, "f1 f1", 2, []),
        (2, "f1 f1 h1 n1", 0, ["f11"]),
    ],
)
def test_what_a_service_does_next(desired: int, tasks: str, start: int, stop: list[str]) -> None:
    assert plan(desired, 1, views(tasks)) == (start, tuple(stop))


@given(
    st.integers(0, 5),
    st.lists(
        st.tuples(st.integers(0, 1), st.booleans(), st.booleans()),
        max_size=8,
    ),
)
def test_a_plan_never_stops_what_is_needed_to_serve(desired: int, marks: Any) -> None:
    tasks = [
        TaskView(str(n), revision, healthy and not faulty, faulty)
        for n, (revision, healthy, faulty) in enumerate(marks)
    ]
    start, stop = plan(desired, 1, tasks)
    healthy = sum(task.healthy for task in tasks)
    left = sum(task.healthy for task in tasks if task.id not in stop)
    assert left >= min(desired, healthy)
    assert len(tasks) - len(stop) + start >= desired


def test_a_task_that_keeps_ending_is_started_less_and_less_often() -> None:
    assert [scheduling.pause_after(n) for n in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]


def test_a_task_of_two_containers_is_rejected() -> None:
    with pytest.raises(EmulatorError, match="one container"):
        model.read_task_definition("task", {"ContainerDefinitions": [{}, {}]})


def load_balanced(*groups: str, **more: Any) -> Any:
    balancers = [{"ContainerName": "api", "TargetGroupArn": group, **more} for group in groups]
    return {"TaskDefinition": "task", "LoadBalancers": balancers}


def read_service(properties: Any) -> model.Service:
    tasks = {"task": model.read_task_definition("", {"ContainerDefinitions": [{"Image": "x"}]})}
    return model.read_service("service", "arn", "small", tasks, properties)


def test_a_service_may_be_in_several_target_groups() -> None:
    service = read_service(load_balanced("arn:alb", "arn:nlb", ContainerPort=8080))
    assert service.target_groups == ("arn:alb", "arn:nlb")


def test_services_whose_target_groups_are_unsupported_are_rejected() -> None:
    with pytest.raises(EmulatorError, match="1 to 5 target groups, this one is in 0"):
        read_service({"TaskDefinition": "task"})
    with pytest.raises(EmulatorError, match="this one is in 6"):
        read_service(load_balanced(*"abcdef"))
    two_ports = load_balanced("a", "b")
    two_ports["LoadBalancers"][0]["ContainerPort"] = 8080
    with pytest.raises(EmulatorError, match="the same ContainerPort"):
        read_service(two_ports)


def test_a_tasks_share_of_cpu_is_read() -> None:
    containers = {"ContainerDefinitions": [{"Image": "x"}]}
    assert model.read_task_definition("", {"Cpu": "512", **containers}).vcpus == 0.5
    assert model.read_task_definition("", containers).vcpus == 0.25
