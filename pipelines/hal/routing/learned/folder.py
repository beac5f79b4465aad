"""The folder with a learned router's files, and the prior that is shipped for when it is empty.

Reads and writes whole files; knows no turn and keeps nothing. `hal router` writes here, the server
reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from ...whole_file import write_whole
from .calibration import Calibration
from .calibration_file import dump_calibration, load_calibration
from .weights import Weights
from .weights_file import LARGEST_FILE_BYTES, BadWeights, dump_weights, parse_weights

PRIOR = "prior"


@dataclass(frozen=True, slots=True)
class Named:
    """Weights and the id that the log knows them by: whose they are, and the hash of their file."""

    id: str
    weights: Weights


class RouterFolder:
    """`weights.json`: what decides; `candidate.json`: what would like to; `calibration.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def weights_path(self) -> Path:
        return self.path / "weights.json"

    @property
    def candidate_path(self) -> Path:
        return self.path / "candidate.json"

    @property
    def calibration_path(self) -> Path:
        return self.path / "calibration.json"

    def weights(self) -> Named:
        """What decides: the learned weights, else the prior. Raises BadWeights."""
        return self._named(self.weights_path) or prior()

    def candidate(self) -> Named | None:
        """Weights that have not taken over; None where there are none. Raises BadWeights."""
        return self._named(self.candidate_path)

    def calibration(self) -> Calibration | None:
        """None where there is none yet. Raises BadCalibration."""
        return load_calibration(self.calibration_path) if self.calibration_path.exists() else None

    def put_weights(self, weights: Weights) -> str:
        """Write what decides from now on; the id."""
        return self._put(self.weights_path, weights)

    def put_candidate(self, weights: Weights) -> str:
        return self._put(self.candidate_path, weights)

    def put_calibration(self, calibration: Calibration) -> None:
        write_whole(self.calibration_path, dump_calibration(calibration))

    def _named(self, path: Path) -> Named | None:
        try:
            if path.stat().st_size > LARGEST_FILE_BYTES:
                raise BadWeights(f"{path.name} is larger than any router. Fit it: hal router fit")
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise BadWeights(f"{path.name} cannot be read ({type(error).__name__}).") from error
        return Named(name_of("router", text), parse_weights(text))

    def _put(self, path: Path, weights: Weights) -> str:
        text = dump_weights(weights)
        write_whole(path, text)
        return name_of("router", text)


def prior() -> Named:
    """The weights that are shipped: what length and a few other marks say of any prompt."""
    text = files(__package__).joinpath("prior.json").read_text(encoding="utf-8")
    return Named(name_of(PRIOR, text), parse_weights(text))


def name_of(kind: str, text: str) -> str:
    """As for prompts, eight digits of the hash: enough to tell the files of one machine apart."""
    return f"{kind}+{sha256(text.encode()).hexdigest()[:8]}"
