"""Gauges: the monitors of a scenario that have a threshold, and those that cannot be given one.

A threshold can be calibrated where a check's figure in a null world does not depend on it: then the
figures of one pass say what any threshold would have done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simlab.checking import Checked
from simlab.signature import find, keywords, module_of
from simlab.stages.monitor import Detectors, Quality
from simlab.stages.validate import screen_window
from simlab.watching import UNFOLLOWED, Detector, detector_of

RESTARTS = (
    "it begins anew after each signal, so what it says depends on its settings: "
    "no figure of one pass says what others would have done"
)
"""Why a detector that follows a sequence cannot be calibrated from recorded figures."""


@dataclass(frozen=True)
class Gauge:
    """A monitor with a threshold: where it is written, and which alarms it feeds."""

    name: str
    """As a person would say it: `drift of numeric columns (wasserstein)`."""
    key: str
    """Where the threshold stands in the scenario."""
    present: float
    """The threshold as it is."""
    rises: bool
    """Whether a larger figure is the worse one; a p-value falls."""
    method: str
    check: str
    settings: Mapping[str, Any] | None = None
    """The detector's other settings, which stay; None where the threshold stands alone."""
    setting: str = "threshold"
    """The detector's setting that is its threshold."""
    strict: bool = False
    """Whether a rising figure must exceed its threshold: at exactly that value it does not breach."""
    least: float = 1e-6
    most: float = float("inf")
    """Between these a scenario may set the threshold."""

    def written(self, threshold: float) -> Any:
        """What to write under the key."""
        if self.settings is None:
            return threshold
        return {self.method: {**self.settings, self.setting: threshold}}

    def legal(self, threshold: float) -> float:
        """The threshold nearest to this one that a scenario accepts."""
        return min(max(threshold, self.least), self.most)


@dataclass(frozen=True)
class Ungauged:
    """A monitor that is on and cannot be calibrated."""

    name: str
    check: str
    """Which alarms it feeds."""
    why: str


def gauges(ready: Checked) -> list[Gauge]:
    """The monitors of a scenario that have a threshold, with what it is now."""
    settings = ready.settings.get("monitor", {})
    detectors = settings.get("detectors", Detectors())
    found: list[Gauge | None] = []
    for kind in ("numeric", "categorical"):
        if any(c.kind == kind for c in ready.schema.features):
            found.append(
                _of_detector(
                    getattr(detectors, kind),
                    f"drift of {kind} columns",
                    f"stages.monitor.detectors.{kind}",
                    f"data_quality:drift:{kind}",
                )
            )
    if settings.get("multivariate") is not None:
        found.append(
            _of_detector(
                settings["multivariate"],
                "all columns at once",
                "stages.monitor.multivariate",
                "data_quality:multivariate",
            )
        )
    quality = settings.get("quality", Quality())
    found.append(
        Gauge(
            name="model quality",
            key="stages.monitor.quality.worse_by",
            present=float(quality.worse_by),
            rises=True,
            method="relative",
            check="model_quality:quality",
            strict=True,
        )
    )
    if settings.get("estimate") is not None:
        found.append(
            _of_detector(
                settings["estimate"],
                "estimated quality",
                "stages.monitor.estimate",
                "model_quality:estimated",
                setting="worse_by",
            )
        )
    share = ready.settings.get("validate", {}).get("domain_share")
    found.append(
        Gauge(
            name="values outside the learned domain",
            key="stages.validate.domain_share",
            present=float(keywords(screen_window)["domain_share"][1] if share is None else share),
            rises=True,
            method="domain",
            check="data_quality:domain",
            strict=True,
        )
    )
    return [gauge for gauge in found if gauge is not None]


def ungauged(ready: Checked) -> list[Ungauged]:
    """The monitors of a scenario that are on and cannot be calibrated, with the reason."""
    settings = ready.settings.get("monitor", {})
    sequential = settings.get("sequential", UNFOLLOWED)
    found = []
    for place, check in (("columns", "data_quality:sequential"), ("errors", "model_quality:sequential")):
        given = getattr(sequential, place)
        if given is not None:
            found.append(Ungauged(f"{place} in sequence ({detector_of(given)[0]})", check, RESTARTS))
    known = {gauge.check for gauge in gauges(ready)}
    detectors = settings.get("detectors", Detectors())
    for kind in ("numeric", "categorical"):
        check = f"data_quality:drift:{kind}"
        if check not in known and any(c.kind == kind for c in ready.schema.features):
            name, _ = detector_of(getattr(detectors, kind))
            found.append(
                Ungauged(
                    f"drift of {kind} columns ({name})", check, "its detector has no setting `threshold`"
                )
            )
    return found


def _of_detector(
    given: Detector, what: str, key: str, check: str, setting: str = "threshold"
) -> Gauge | None:
    """The gauge of a detector; None where it has no such setting."""
    name, settings = detector_of(given)
    known = keywords(find("detectors", name))
    if setting not in known:
        return None
    annotation, default = known[setting]
    rises = getattr(module_of("detectors", name), "DIRECTION", "above") == "above"
    least, most = _limits(annotation, rises)
    return Gauge(
        name=f"{what} ({name})",
        key=key,
        present=float(settings.get(setting, default)),
        rises=rises,
        method=name,
        check=check,
        settings=settings,
        setting=setting,
        strict=setting == "worse_by",
        least=least,
        most=most,
    )


def _limits(annotation: Any, rises: bool) -> tuple[float, float]:
    """Between which values a setting may lie; a bound that it must not touch is moved by a little."""
    least, most = (1e-6 if rises else 1e-12), float("inf")
    for field in getattr(annotation, "__metadata__", ()):
        for bound in getattr(field, "metadata", ()):
            low, high = getattr(bound, "gt", None), getattr(bound, "lt", None)
            if low is not None:
                least = max(least, float(low) + (1e-3 if low else 0.0))
            if high is not None:
                most = min(most, float(high) - 1e-3)
            least = max(least, float(getattr(bound, "ge", least)))
            most = min(most, float(getattr(bound, "le", most)))
    return least, most
