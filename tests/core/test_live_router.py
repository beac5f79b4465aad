"""The learned router as its files are now: read anew when they change, never in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from hal.live_router import LiveRouter, Models
from hal.routing.learned.calibration import Calibration, Choice
from hal.routing.learned.folder import RouterFolder, prior

NOW = Models("local:30b", "abc", "cloud-1")
CHOICE = Choice(0.95, 0.1, 0.4, 0.97, 0.95)


def calibration(router_id: str, **changes: object) -> Calibration:
    made = Calibration(
        router_id=router_id,
        local_model="local:30b",
        local_digest="abc",
        cloud_model="cloud-1",
        choices=(CHOICE,),
        fixed=None,
        turns=400,
        since="2026-09-01",
        until="2026-10-01",
        labels={},
        made_at="2026-10-02T00:00:00+00:00",
    )
    return replace(made, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> RouterFolder:
    return RouterFolder(tmp_path / "router")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def live(folder: RouterFolder, said: list[str]) -> LiveRouter:
    return LiveRouter(folder, said.append)


def test_without_files_the_prior_is_there_and_decides_nothing(
    live: LiveRouter, said: list[str]
) -> None:
    now = live.in_force(NOW, 0.95)
    assert (now.id, now.choice, now.note) == (prior().id, None, "")
    assert live.candidate() is None
    assert said == []


def test_new_files_count_without_a_restart(live: LiveRouter, folder: RouterFolder) -> None:
    assert live.in_force(NOW, 0.95).choice is None
    folder.put_calibration(calibration(prior().id))
    assert live.in_force(NOW, 0.95).choice == CHOICE
    name = folder.put_weights(replace(prior().weights, made={"n": "1"}))
    now = live.in_force(NOW, 0.95)
    assert (now.id, now.choice) == (name, None)
    assert "weights have changed" in now.note
    folder.put_calibration(calibration(name))
    assert live.in_force(NOW, 0.95).choice == CHOICE
    folder.weights_path.unlink()
    assert live.in_force(NOW, 0.95).id == prior().id


def test_files_that_did_not_change_are_not_read_again(
    live: LiveRouter, folder: RouterFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.put_calibration(calibration(prior().id))
    first = live.in_force(NOW, 0.95)
    reads: list[str] = []
    original = Path.read_text

    def counted(self: Path, *args: object, **options: object) -> str:
        reads.append(self.name)
        return original(self, *args, **options)

    monkeypatch.setattr(Path, "read_text", counted)
    assert live.in_force(NOW, 0.95).router is first.router
    assert reads == []


@pytest.mark.parametrize(
    ("models", "words"),
    [
        (replace(NOW, local="local:70b"), "local:70b answers now"),
        (replace(NOW, local_digest="def"), "another version"),
        (replace(NOW, cloud="cloud-2"), "cloud-2 answers now"),
    ],
    ids=["local model", "its version", "cloud model"],
)
def test_another_model_makes_it_stale(
    live: LiveRouter, folder: RouterFolder, models: Models, words: str
) -> None:
    folder.put_calibration(calibration(prior().id))
    now = live.in_force(models, 0.95)
    assert now.choice is None
    assert words in now.note
    assert "hal router calibrate" in now.note


def test_a_digest_that_is_not_told_is_not_compared(live: LiveRouter, folder: RouterFolder) -> None:
    folder.put_calibration(calibration(prior().id))
    assert live.in_force(replace(NOW, local_digest=""), 0.95).choice == CHOICE


def test_a_target_that_nothing_keeps(live: LiveRouter, folder: RouterFolder) -> None:
    folder.put_calibration(calibration(prior().id))
    now = live.in_force(NOW, 0.99)
    assert now.choice is None
    assert "99%" in now.note


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\xfe", b"nonsense"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("weights", "shipped prior is used"),
        ("calibration", "calibrat"),
        ("candidate", "candidate is left out"),
    ],
)
def test_a_broken_file_is_said_once_and_the_rest_goes_on(
    live: LiveRouter, folder: RouterFolder, said: list[str], name: str, words: str, content: bytes
) -> None:
    folder.put_calibration(calibration(prior().id))
    (folder.path / f"{name}.json").write_bytes(content)
    for _ in range(3):
        now = live.in_force(NOW, 0.95)
        assert live.candidate() is None
        assert now.id == prior().id
        assert now.router.predict("What is a monad?").p_local_ok > 0
    assert len(said) == 1
    assert words in said[0]
    assert (now.choice is None) == (name == "calibration")


def test_a_candidate_decides_nothing(live: LiveRouter, folder: RouterFolder) -> None:
    name = folder.put_candidate(replace(prior().weights, made={"n": "1"}))
    candidate = live.candidate()
    assert candidate is not None
    assert (candidate.id, candidate.choice) == (name, None)
    assert live.in_force(NOW, 0.95).id == prior().id
