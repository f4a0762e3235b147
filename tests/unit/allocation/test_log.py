"""The claim log: one spelling, a chain, a lock."""

import hashlib
import json
import multiprocessing
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from tests.support.claims import MORNING, World, opening, start

from steelyard.assign.allocation.events import Grow, Stop
from steelyard.assign.allocation.log import ClaimLog, locked
from steelyard.errors import AllocationError

Begin = Callable[..., World]


def refusal(path: Path) -> str:
    with pytest.raises(AllocationError) as caught:
        ClaimLog.read(path)
    return str(caught.value)


def test_what_was_written_is_read_again(world: Begin) -> None:
    one = world()
    one.claim(start("a"), Grow(owner="a", buckets=50), Stop(owner="a"))
    again = ClaimLog.read(one.path)
    assert again.lines == one.log.lines
    assert [line.event.op for line in again.lines] == ["open", "start", "grow", "stop"]
    assert [line.previous for line in again.lines] == ["", *(line.hash for line in again.lines[:-1])]


def test_every_line_says_its_schema(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    assert [json.loads(line)["schema"] for line in one.path.read_text(encoding="utf-8").splitlines()] == [
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda text: text.replace('"buckets":100,', '"buckets":101,'),
            "main.jsonl:2: the line has been changed",
        ),
        (lambda text: text.replace('"by":"ada"', '"by":"eve"', 1), "main.jsonl:1: the line has been changed"),
        (lambda text: text.replace('"seq":2', '"seq": 2'), "main.jsonl:2: the line has been changed"),
        (lambda text: "".join(text.splitlines(True)[:1] + text.splitlines(True)[2:]), "does not follow"),
        (lambda text: text + text.splitlines(True)[-1], "does not follow the line before it"),
        (lambda text: text[:-10], "the last line is cut off"),
        (lambda text: text + "{}\n", "main.jsonl:5: the line is not of schema 1"),
        (lambda text: text + "hello\n", "main.jsonl:5: the line is no JSON"),
        (lambda text: text + "\n", "main.jsonl:5: the line is no JSON"),
    ],
    ids=["number", "author", "spelling", "removed", "twice", "cut", "schema", "text", "empty"],
)
def test_an_edit_by_hand_is_found(world: Begin, edit: Callable[[str], str], message: str) -> None:
    one = world()
    one.claim(start("a"), Grow(owner="a", buckets=50), Stop(owner="a"))
    text = one.path.read_text(encoding="utf-8")
    one.path.write_text(edit(text), encoding="utf-8")
    assert message in refusal(one.path)


def test_two_branches_of_a_log_do_not_merge(world: Begin, tmp_path: Path) -> None:
    one = world()
    one.claim(start("a"))
    common = one.path.read_text(encoding="utf-8")
    one.claim(start("b"))
    other = World(tmp_path / "other.jsonl", opening())
    other.path.write_text(common, encoding="utf-8")
    other.log = ClaimLog.read(other.path)
    other.claim(start("c"))
    theirs = other.path.read_text(encoding="utf-8").splitlines(keepends=True)[-1]
    with one.path.open("a", encoding="utf-8") as file:
        file.write(theirs)
    assert "after a merge keep one side's lines" in refusal(one.path)


def test_a_line_of_an_unknown_kind_is_refused(world: Begin) -> None:
    """A whole line with a right hash, as a newer version might write it."""
    one = world()
    one.claim(start("a"))
    first = one.path.read_text(encoding="utf-8").splitlines(keepends=True)[0]
    for change, message in (
        ({"op": "stat"}, "did you mean 'start'"),
        ({"colour": 1}, "unknown key 'colour'"),
    ):
        one.path.write_text(forged(first, change), encoding="utf-8")
        assert message in refusal(one.path)


def forged(line: str, change: dict[str, object]) -> str:
    """Return a line changed by someone who computes its hash again."""
    content = {key: value for key, value in {**json.loads(line), **change}.items() if key != "hash"}
    compact = json.dumps(content, separators=(",", ":"), ensure_ascii=False)
    content["hash"] = hashlib.sha256(compact.encode()).hexdigest()
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False) + "\n"


def test_a_forged_last_line_leads_to_other_buckets(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    lines = one.path.read_text(encoding="utf-8").splitlines(keepends=True)
    one.path.write_text(lines[0] + forged(lines[1], {"buckets": 101}), encoding="utf-8")
    with pytest.raises(AllocationError, match="leads to other buckets than when it was written"):
        ClaimLog.read(one.path).replay()


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "main.jsonl"
    path.write_bytes(b"\xff\xfe\n")
    assert "not UTF-8" in refusal(path)


def test_a_log_that_was_never_written_has_no_state(tmp_path: Path) -> None:
    with pytest.raises(AllocationError, match="nothing has been claimed yet"):
        ClaimLog.read(tmp_path / "main.jsonl").replay()


def test_a_claim_on_an_old_reading_is_refused(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    mine = ClaimLog.read(one.path)
    one.claim(start("b"))
    before = one.path.read_bytes()
    with pytest.raises(AllocationError, match=r"main.jsonl:3: another claim came first: start b by ada"):
        mine.claim(start("c"), at=one.now, by="eve")
    assert one.path.read_bytes() == before


def test_a_log_that_was_replaced_meanwhile_is_refused(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    one.path.unlink()
    World(one.path, opening(salt="other")).claim(start("b"))
    with pytest.raises(AllocationError, match="replaced since it was read"):
        one.claim(start("c"))


def test_a_refused_claim_writes_nothing(world: Begin) -> None:
    one = world()
    one.claim(start("a", 900))
    before = one.path.read_bytes()
    with pytest.raises(AllocationError, match="'b' asks for 200 buckets and 100 of 1,000 are free"):
        one.claim(start("b", 200))
    assert one.path.read_bytes() == before
    assert [path.name for path in one.path.parent.iterdir()] == ["main.jsonl"]


def test_a_claim_is_refused_while_another_is_being_written(world: Begin) -> None:
    one = world()
    with locked(one.path.parent), pytest.raises(AllocationError, match="another claim is being written"):
        one.claim(start("a"))
    one.claim(start("a"))


def _claim(path: Path, name: str, barrier: Barrier, answers: "multiprocessing.Queue[str]") -> None:
    log = ClaimLog.read(path)
    barrier.wait()
    try:
        log.claim(start(name), at=MORNING + timedelta(days=30), by=name)
        answers.put(f"{name} won")
    except AllocationError as error:
        answers.put(str(error))


@pytest.mark.long
def test_of_two_processes_that_claim_at_once_one_wins(world: Begin) -> None:
    """Each has read the same log before either writes."""
    one = world()
    one.claim(start("zero"))
    context = multiprocessing.get_context("spawn")
    for turn in range(3):
        barrier, answers = context.Barrier(2), context.Queue()
        names = [f"left{turn}", f"right{turn}"]
        processes = [
            context.Process(target=_claim, args=(one.path, name, barrier, answers)) for name in names
        ]
        for process in processes:
            process.start()
        found = [answers.get(timeout=60) for _ in processes]
        for process in processes:
            process.join()
        assert sum(answer.endswith("won") for answer in found) == 1
        (lost,) = (answer for answer in found if not answer.endswith("won"))
        assert "another claim came first" in lost or "another claim is being written" in lost
        assert "hint: nothing was claimed" in lost
        owners = ClaimLog.read(one.path).replay().owners
        assert len(owners) == turn + 2


def test_the_log_can_be_read_by_everyone(world: Begin) -> None:
    one = world()
    one.claim(start("a"))
    assert one.path.stat().st_mode & 0o777 == 0o644
