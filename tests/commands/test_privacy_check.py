"""`hal doctor` on privacy: the mode and what it means, the key, and what the user allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hal.commands.checks import privacy
from hal.commands.checks.result import Check, Context, Status
from hal.commands.doctor import _PARTS
from hal.commands.stored import Places, settings_in_force
from hal.privacy_files import load_key, save_allowed

OK, WARN, FAIL = Status.OK, Status.WARN, Status.FAIL
ONE, TWO = "ab" * 32, "cd" * 32


def found(folder: Path, **environ: str) -> dict[str, Check]:
    env = {"HOME": str(folder), "HAL_DATA_DIR": str(folder), **environ}
    checks = list(privacy.checks(Context(env, settings_in_force(env), Places.of(env), port=1)))
    assert all(check.remedy for check in checks if check.status is not OK), checks
    return {check.name: check for check in checks}


def test_it_is_part_of_the_report() -> None:
    assert privacy in _PARTS


def test_a_machine_that_nothing_has_run_on_is_fine_and_stays_empty(tmp_path: Path) -> None:
    checks = found(tmp_path)
    assert {name: check.status for name, check in checks.items()} == {
        "privacy": OK,
        "privacy key": OK,
        "allowed values": OK,
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mode", "key", "status", "words"),
    [
        ("local", "k", OK, "local: turns with personal data or keys stay"),
        ("scrub", "k", OK, "scrub: the cloud sees placeholders"),
        ("off", "k", WARN, "off: nobody looks"),
        ("off", "", OK, "off: nobody looks"),
    ],
)
def test_the_mode(mode: str, key: str, status: Status, words: str, tmp_path: Path) -> None:
    check = found(tmp_path, HAL_PRIVACY_MODE=mode, XAI_API_KEY=key)["privacy"]
    assert (check.status, check.detail.startswith(words)) == (status, True)


def test_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_key(tmp_path / "privacy.key")
    check = found(tmp_path)["privacy key"]
    assert (check.status, key.hex() in check.detail) == (OK, False)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_that_others_may_read_is_told(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "privacy.key"
    load_key(path)
    path.chmod(mode)
    check = found(tmp_path)["privacy key"]
    assert (check.status, check.remedy) == (WARN, f"chmod 600 {path}")


def test_a_damaged_key_fails(tmp_path: Path) -> None:
    (tmp_path / "privacy.key").write_text("nonsense")
    check = found(tmp_path)["privacy key"]
    assert (check.status, check.remedy) == (FAIL, "Delete it to have a new one made.")


def test_a_key_that_cannot_be_read_fails(tmp_path: Path) -> None:
    (tmp_path / "privacy.key").mkdir()
    assert found(tmp_path)["privacy key"].status is FAIL


def test_allowed_values_are_counted(tmp_path: Path) -> None:
    save_allowed(tmp_path / "allowed.txt", [ONE, TWO])
    check = found(tmp_path)["allowed values"]
    assert (check.status, check.detail) == (OK, "2 (`hal privacy allow`)")


def test_values_in_clear_in_the_list_are_told_and_not_shown(tmp_path: Path) -> None:
    (tmp_path / "allowed.txt").write_text(f"{ONE}\n\njane@x.de\n")
    check = found(tmp_path)["allowed values"]
    assert check.status is WARN
    assert check.detail.startswith("1; 1 line(s)")
    assert "jane" not in check.detail


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "allowed.txt").mkdir()
    assert found(tmp_path)["allowed values"].status is WARN
