"""The run, with a codec that is none: retries, states, a bounded number in flight."""

import threading
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from sarcodec.archiving.deciding import Step, Wishes
from sarcodec.archiving.names import Scene
from sarcodec.archiving.places import FolderPlace
from sarcodec.archiving.running import Plan, Run
from sarcodec.archiving.table import Row, Table
from sarcodec.archiving.tally import Tally
from sarcodec.archiving.tasks import DIED, Answer, Codec, Verdict
from sarcodec.errors import ModelError, SarcodecError


class Fake:
    """Answers from lists: of make and of judge, by the name of the source; 0 where there is nothing more. Counts what is in flight."""

    def __init__(self, make=None, judge=None):
        self.answers = {"make": make or {}, "judge": judge or {}}
        self.calls, self.now, self.most, self._lock = [], 0, 0, threading.Lock()
        self.codec = Codec(self.make, self.judge)

    def _next(self, what, job):
        with self._lock:
            self.calls.append((what, job.source, job.overwrite))
        waiting = self.answers[what].get(job.source, [])
        return waiting.pop(0) if waiting else {}

    def make(self, job):
        said = self._next("make", job)
        if not said.get("code"):
            Path(job.target).write_bytes(b"made")
        if said.get("dies"):
            raise SystemExit(1)
        return Answer(**{"place": "here", **said})

    def judge(self, job, by):
        said = self._next("judge", job)
        return Verdict(**({"bytes_in": 10, "bytes_out": 4, "head": "h", "modified_ns": 1, "rmse_db": 0.5} | said))


FULL = {"code": 1, "error": "the disk is full", "again": True}


def steps(*sources, action="make", **about):
    return [Step(Scene(source, f"{source}.sarc"), action, **about) for source in sources]


def run(tmp_path, fake, todo, wishes=None, window=4, workers=2):
    """The tally and the table's rows, by source."""
    plan = Plan(FolderPlace(tmp_path), {}, window, wishes or Wishes(), backoff_s=(0.0, 0.01))
    with Table(tmp_path / "archive.sqlite") as table, ThreadPoolExecutor(workers) as executor:
        job = Run(plan, executor, fake.codec, table, Tally(len(todo)))
        try:
            job.go(iter(todo))
        finally:
            job.rows = {row.source: row for row in table}
    return job


def test_each_scene_is_made_then_judged(tmp_path):
    fake = Fake()
    done = run(tmp_path, fake, steps("a", "b", "c"))
    assert (done.tally.done, done.tally.bytes_in, done.tally.bytes_out) == (3, 30, 12)
    assert all(row.state == "done" and row.tries == 1 and row.rmse_db == 0.5 for row in done.rows.values())
    assert sorted(fake.calls) == sorted([(what, name, False) for what in ("make", "judge") for name in "abc"])


@pytest.mark.parametrize(
    "answer, state, tries",
    [
        ({"code": 3, "error": "complex"}, "refused", 1),
        ({"code": 7, "error": "too small"}, "refused", 1),
        ({"code": 2, "error": "gone"}, "failed", 1),
        ({"code": 70, "error": "ValueError"}, "failed", 1),
        (FULL, "failed", 3),
        ({"code": 8, "error": "no answer", "again": True}, "failed", 3),
    ],
)
def test_exit_codes_decide_about_another_try(tmp_path, answer, state, tries):
    fake = Fake(make={"b": [answer] * 9})
    done = run(tmp_path, fake, steps("a", "b", "c"))
    row = done.rows["b"]
    assert (row.state, row.tries, row.exit_code, row.error) == (state, tries, answer["code"], answer["error"])
    assert fake.calls.count(("make", "b", False)) == tries and ("judge", "b", False) not in fake.calls
    assert done.tally.done == 2 and done.tally.problems[0].source == "b"


def test_a_try_that_helps(tmp_path):
    done = run(tmp_path, Fake(make={"a": [FULL, FULL]}, judge={"a": [FULL, FULL]}), steps("a"))
    assert done.rows["a"].state == "done" and done.rows["a"].tries == 3 and done.rows["a"].error is None


def test_a_worker_that_dies_costs_a_try(tmp_path):
    done = run(tmp_path, Fake(make={"a": [{"dies": True}], "b": [{"dies": True}] * 3}), steps("a", "b"))
    assert (done.rows["a"].state, done.rows["a"].tries) == ("done", 2)
    assert (done.rows["b"].state, done.rows["b"].tries, done.rows["b"].exit_code) == ("failed", 3, DIED)
    assert "worker process died" in done.rows["b"].error and done.unclean == {"a.sarc", "b.sarc"}


def test_no_more_are_in_flight_than_the_window(tmp_path):
    asked, taken, most = iter(steps(*map(str, range(200)))), [0], [0]

    class Watched(Fake):
        def judge(self, job, by):
            verdict = super().judge(job, by)
            with self._lock:
                self.now += 1  # scenes that are over
                most[0] = max(most[0], taken[0] - self.now)
            return verdict

    def counted():
        for step in asked:
            taken[0] += 1
            yield step

    fake = Watched()
    with Table(tmp_path / "archive.sqlite") as table, ThreadPoolExecutor(2) as executor:
        Run(Plan(FolderPlace(tmp_path), {}, 5), executor, fake.codec, table, Tally(200)).go(counted())
    assert fake.now == 200 and most[0] <= 5


def test_what_breaks_its_promise_goes(tmp_path):
    bad = {"code": 5, "error": "its pixels are not those of its source"}
    done = run(tmp_path, Fake(judge={"a": [bad]}), steps("a", "b"))
    assert done.rows["a"].state == "failed" and done.rows["a"].error == bad["error"]
    assert not (tmp_path / "a.sarc").exists() and (tmp_path / "b.sarc").exists()


def test_what_was_there_and_is_of_something_else_stays(tmp_path):
    (tmp_path / "a.sarc").write_bytes(b"of somebody")
    fake = Fake(judge={"a": [{"code": 5, "error": "not of it"}]})
    done = run(tmp_path, fake, steps("a", action="judge"))
    assert (done.rows["a"].state, done.rows["a"].exit_code) == ("failed", 6) and "move it away" in done.rows["a"].error
    assert (tmp_path / "a.sarc").read_bytes() == b"of somebody" and fake.calls == [("judge", "a", False)]


def test_what_is_ours_and_damaged_is_made_again(tmp_path):
    fake = Fake(judge={"a": [{"code": 5, "error": "damaged"}]})
    row = Row(output="a.sarc", source="a", state="done", tries=1, head="old")
    done = run(tmp_path, fake, steps("a", action="judge", row=row, ours=True))
    assert fake.calls == [("judge", "a", False), ("make", "a", True), ("judge", "a", True)]
    assert done.rows["a"].state == "done" and done.rows["a"].head == "h"


def test_an_output_that_appeared_meanwhile_is_judged(tmp_path):
    fake = Fake(make={"a": [{"code": 6, "error": "already there"}]})
    done = run(tmp_path, fake, steps("a"))
    assert done.rows["a"].state == "done" and done.tally.entered == 1


def test_a_model_that_is_not_here_ends_the_run(tmp_path):
    with pytest.raises(ModelError, match="a: no model"):
        run(tmp_path, Fake(make={"a": [{"code": 4, "error": "no model"}]}), steps("a", "b"))


def test_a_disk_that_stays_full_ends_the_run(tmp_path):
    names = [f"{number:03}" for number in range(100)]
    fake = Fake(make={name: [FULL] * 3 for name in names[20:]})
    with pytest.raises(
        SarcodecError, match="10 scenes failed one after the other, the last with: the disk is full. Mend that"
    ):
        run(tmp_path, fake, steps(*names))
    with Table(tmp_path / "archive.sqlite") as table:
        states = [row.state for row in table]
    assert states.count("done") == 20 and states.count("failed") == 10


def test_known_scenes_are_counted_and_not_touched(tmp_path):
    done_before = Row(output="a.sarc", source="a", state="done", bytes_in=7, bytes_out=2)
    refused = Row(output="b.sarc", source="b", state="refused", exit_code=3)
    todo = [*steps("a", action="keep", row=done_before), *steps("b", action="pass", row=refused)]
    fake = Fake()
    tally = run(tmp_path, fake, todo).tally
    assert (tally.done, tally.kept, tally.refused, tally.bytes_in, fake.calls) == (1, 1, 1, 7, [])


class Broken(Executor):
    """Takes one task and breaks."""

    def __init__(self):
        self.futures = []

    def submit(self, function, /, *args, **kwargs):
        if self.futures:
            raise BrokenExecutor("it is broken")
        self.futures.append(Future())
        self.futures[0].set_exception(BrokenExecutor("it broke"))
        return self.futures[0]


def test_an_executor_that_breaks_ends_the_run_with_words(tmp_path):
    with (
        Table(tmp_path / "archive.sqlite") as table,
        pytest.raises(SarcodecError, match="takes no work any more .it is broken.; start again"),
    ):
        Run(Plan(FolderPlace(tmp_path), {}, 4, backoff_s=(0.0,)), Broken(), Fake().codec, table, Tally(1)).go(
            iter(steps("a"))
        )


def test_sources_go_after_their_row_and_only_as_they_were(tmp_path):
    import os

    paths = [tmp_path / name for name in ("a.tif", "a.tif.aux.xml", "b.tif")]
    for path in paths:
        path.write_bytes(b"pixels")
    found = {
        p.name: {"bytes_in": 6, "modified_ns": os.stat(p).st_mtime_ns, "files": tuple(map(str, paths))} for p in paths
    }
    fake = Fake(judge={str(paths[0]): [found["a.tif"]], str(paths[2]): [found["b.tif"] | {"modified_ns": 5}]})
    todo = [Step(Scene(str(path), f"{path.stem}.sarc"), "make") for path in (paths[0], paths[2])]
    done = run(tmp_path, fake, todo, Wishes(delete=True))
    assert [path.exists() for path in paths] == [False, False, True]
    assert done.rows[str(paths[0])].deleted and not done.rows[str(paths[2])].deleted
