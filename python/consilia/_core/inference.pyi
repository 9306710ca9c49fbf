# Made from the extension by `make stubs`; do not edit.
"""
Ensembles of models within a memory budget.
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import typing
__all__: list[str] = ['Dispatcher', 'DriftMonitor', 'EarlyStop', 'Engine', 'HeatMap', 'MemoryLedger', 'OpinionModel', 'Ticket', 'explain']
class MemoryLedger:
    """
    The memory that several engines share. They run in turns, member by member; what one keeps beyond its share goes when another needs it.
    """
    def __init__(self, *, budget_bytes: typing.SupportsInt | typing.SupportsIndex, reserve_bytes: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        """
        Args:
            budget_bytes: Most that may be held at once.
            reserve_bytes: Part of it that is kept back.
        """
    def holders(self) -> dict:
        """
        Bytes by member, the largest first.
        """
    @property
    def held_bytes(self) -> int:
        ...
    @property
    def limit_bytes(self) -> int:
        ...
    @property
    def peak_bytes(self) -> int:
        ...
class OpinionModel:
    """
    What was fitted to the opinions of one panel. Arrays of opinions are float64 [N, M, C], labels [N].
    """
    @staticmethod
    def from_json(json: str) -> OpinionModel:
        ...
    @staticmethod
    def load(path: os.PathLike | str | bytes) -> OpinionModel:
        """
        Reads what `save` wrote.
        """
    def __init__(self, member_ids: collections.abc.Sequence[str], classes: collections.abc.Sequence[str], *, rule: str = 'weighted_soft_vote', fallback: str = 'log_opinion_pool', weights: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [], confidence_threshold: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        ...
    def agree(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> dict:
        """
        The consensus of each case, as a dict of arrays. A member whose first number is NaN is missing.
        """
    def conformal_set(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> list[int]:
        """
        Class indices for the probabilities of one consensus, most probable first.
        """
    def evaluate(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], *, epsilon: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> dict:
        """
        Accuracy and coverage as (value, low, high) at 95 %; nll, brier, calibration_error, aurc and what early stops save.
        """
    def fit_conformal(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], *, alpha: typing.SupportsFloat | typing.SupportsIndex = 0.1, penalty: typing.SupportsFloat | typing.SupportsIndex = 0.0, free_ranks: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        """
        Fits conformal sets (RAPS). Use cases that no other fit has seen: coverage needs exchangeable ones.
        """
    def fit_order(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], *, cost_ms: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = []) -> None:
        """
        Sets `order` by information gained per millisecond, greedily; clears the bounds, which are of an order.
        """
    def fit_stacking(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], *, l2: typing.SupportsFloat | typing.SupportsIndex = 0.001) -> None:
        """
        Sets `rule` to `stacking` with a multinomial logistic regression on log-probabilities.
        """
    def fit_stop_bounds(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], *, confidence: typing.SupportsFloat | typing.SupportsIndex = 0.95) -> None:
        """
        Bounds of the probability that the members left change the diagnosis. Fit them last.
        """
    def fit_temperature(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> None:
        """
        Sets `temperature`, of the pool.
        """
    def fit_weights(self, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]) -> None:
        """
        Sets `weights` to those that minimise the negative log-likelihood of a soft vote or log pool.
        """
    def hash(self) -> str:
        """
        SHA-256 of `to_json()`.
        """
    def save(self, path: os.PathLike | str | bytes) -> None:
        """
        Writes `to_json()` as a new file, whole or not at all; nothing is overwritten.
        """
    def to_json(self) -> str:
        """
        Canonical: equal models write equal text.
        """
    @property
    def classes(self) -> list[str]:
        ...
    @property
    def member_ids(self) -> list[str]:
        ...
    @property
    def order(self) -> list[int]:
        ...
    @property
    def rule(self) -> str:
        ...
    @property
    def temperature(self) -> float:
        ...
    @property
    def weights(self) -> list[float]:
        ...
class DriftMonitor:
    """
    Histograms of named series against their reference. Safe to use from many threads.
    """
    def __init__(self, *, bins: typing.SupportsInt | typing.SupportsIndex = 20, window_size: typing.SupportsInt | typing.SupportsIndex = 1000, max_series: typing.SupportsInt | typing.SupportsIndex = 256, reference_size: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        """
        Args:
            bins: Of equal width over a series' range.
            window_size: Values a window that is judged.
            max_series: Most series; one more is refused.
            reference_size: A reference ends by itself after so many values; 0: when asked.
        """
    def add(self, series: str, value: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def declare(self, series: str, low: typing.SupportsFloat | typing.SupportsIndex = 0.0, high: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None:
        ...
    def end_reference(self, series: str) -> None:
        """
        From here on values are judged against those added so far.
        """
    def end_references(self) -> None:
        """
        Of every series that has values.
        """
    def merge(self, other: DriftMonitor) -> None:
        ...
    def read_json(self, json: str) -> None:
        ...
    def series(self) -> list[str]:
        ...
    def statistics(self, series: str) -> dict:
        """
        Counts, means and the population stability index `psi`.
        """
    def to_json(self) -> str:
        ...
class EarlyStop:
    """
    Says when the members left cannot change the diagnosis.
    """
    def __init__(self, model: OpinionModel) -> None:
        ...
    def add(self, member: typing.SupportsInt | typing.SupportsIndex, probabilities: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> None:
        ...
    def drop(self, member: typing.SupportsInt | typing.SupportsIndex) -> None:
        """
        The member failed or will not run.
        """
    @typing.overload
    def is_decided(self) -> bool:
        """
        Lossless.
        """
    @typing.overload
    def is_decided(self, epsilon: typing.SupportsFloat | typing.SupportsIndex) -> bool:
        """
        Bounded: with a probability of at most `epsilon` by the fitted bounds.
        """
    @property
    def class_index(self) -> int:
        ...
    @property
    def members_left(self) -> int:
        ...
class Engine:
    """
    Runs an ensemble of member packages within a memory budget.
    """
    def __init__(self, members: collections.abc.Sequence[os.PathLike | str | bytes], *, budget_bytes: typing.SupportsInt | typing.SupportsIndex = 0, device: str = '', threads: typing.SupportsInt | typing.SupportsIndex = 0, consensus: str = 'weighted_soft_vote', opinion_model: OpinionModel = None, early_stop: typing.SupportsFloat | typing.SupportsIndex | None = None, confidence_threshold: typing.SupportsFloat | typing.SupportsIndex = 0.75, augment_mirrors: bool = False, augment_shift: typing.SupportsFloat | typing.SupportsIndex = 0.0, augment_rotation_degrees: typing.SupportsFloat | typing.SupportsIndex = 0.0, is_deterministic: bool = False, precision: str | None = None, lower_precision: str | None = None, may_use_processor: bool = False, staging_bytes: typing.SupportsInt | typing.SupportsIndex = 0, can_prefetch: bool | None = None, idle_release_ms: typing.SupportsInt | typing.SupportsIndex = 0, ledger: MemoryLedger = None, ledger_share: typing.SupportsFloat | typing.SupportsIndex = 1.0, drift: DriftMonitor = None, profile_directory: os.PathLike | str | bytes = '', cache_directory: os.PathLike | str | bytes = '', backend_directory: str = '') -> None:
        """
        Reads and verifies packages. One that cannot be used is reported by `members`, and the rest goes on.

        Args:
            members: Package directories.
            budget_bytes: Most that weights, code and activations may take; 0: half of the machine's memory, or nine tenths of what another device has free.
            device: `cpu`, or another that the members' backend knows: `cuda:0`.
            threads: Within one member's run; 0: as the process has it.
            consensus: `weighted_soft_vote`, `majority` or `log_opinion_pool`.
            opinion_model: What was fitted to this panel; it replaces consensus, weights and threshold.
            early_stop: None; 0: members that cannot change the diagnosis are not asked; a number above 0: nor those that change it with at most that probability, by the opinion model.
            confidence_threshold: Below it a diagnosis needs review.
            augment_mirrors: Each opinion is a mean over views of the image, here also the mirrored one. Not for chest radiographs: the heart's side matters.
            augment_shift: Also shifted left, right, up and down by this share of a side, to 0.25.
            augment_rotation_degrees: Also turned by so much each way, to 45.
            is_deterministic: Images of a batch run one by one, so that their bits do not depend on each other.
            precision: `f32`, `bf16` or `f16`; None: as each manifest says.
            lower_precision: `bf16` or `f16`: what members may step down to where memory is refused.
            may_use_processor: Whether members may step down to the processor.
            staging_bytes: Host memory for fast copies of weights to a device.
            can_prefetch: Bring in what runs next meanwhile; None: where there is a device or core for it.
            idle_release_ms: Memory is given back when nothing has run for so long; 0: never.
            ledger: Shared with other engines: they take turns on the device. It has the budget then.
            ledger_share: Against the others' that share it and hold anything: one with 2 keeps twice as much as one with 1.
            drift: Told of each diagnosis.
            profile_directory: Where measured sizes and times are kept.
            cache_directory: Where backends keep what they compiled.
            backend_directory: Where backends are looked for first.
        """
    def members(self) -> list:
        """
        Every package in the order given, the failed ones too.
        """
    def memory(self) -> dict:
        """
        `budget_bytes`, `held_bytes` and `peak_bytes`.
        """
    def plan(self, batch: typing.SupportsInt | typing.SupportsIndex = 1) -> typing.Any:
        """
        What stays, what is streamed and in which order, with the predicted time and peak: a dict.
        """
    def plan_text(self, batch: typing.SupportsInt | typing.SupportsIndex = 1, columns: typing.SupportsInt | typing.SupportsIndex = 60) -> str:
        """
        The plan as a drawing: a bar for each step that stands for the budget.
        """
    def release_memory(self) -> None:
        """
        Gives back what no run needs at this instant.
        """
    def run(self, image: typing.Any, *, progress: typing.Any = None) -> typing.Any:
        """
        The diagnosis of an encoded image, a path or bytes, as a dict: label, confidence, probabilities, opinions,
        trace and memory. `progress(member_id, done, total)` may return False to stop.
        """
    def run_batch(self, images: collections.abc.Iterable) -> list:
        """
        Several encoded images in one pass: every member is brought in once for all of them. A list: of each image its diagnosis as of `run`, or the exception that it ended with.
        """
    def warm_up(self, batches: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = [1]) -> None:
        """
        Runs every member on empty images of these batch sizes, so that plans rest on measurements.
        """
    @property
    def classes(self) -> list[str]:
        ...
class Ticket:
    """
    A hold on a submitted request.
    """
    def cancel(self) -> bool:
        """
        Withdraws the request: from the queue at once, from a running batch before the next member. False if it is too
        late.
        """
    @property
    def stage(self) -> str:
        """
        `queued`, `running` or `done`.
        """
class Dispatcher:
    """
    Takes requests from any thread, batches them across callers, refuses at once where waiting is in vain.
    """
    def __init__(self, engine: Engine, *, name: str = 'default', queue_max: typing.SupportsInt | typing.SupportsIndex = 256, queue_bytes_max: typing.SupportsInt | typing.SupportsIndex = 536870912, batch_max: typing.SupportsInt | typing.SupportsIndex = 8, batch_wait_ms: typing.SupportsFloat | typing.SupportsIndex = 2.0, age_after_ms: typing.SupportsFloat | typing.SupportsIndex = 2000.0, patience_ms: typing.SupportsFloat | typing.SupportsIndex = 10000.0, trace_max: typing.SupportsInt | typing.SupportsIndex = 4096) -> None:
        """
        Starts a thread that runs batches on the engine, which it keeps alive.

        Args:
            engine: Several dispatchers may share one: their batches take turns.
            name: The label `dispatcher` of the metrics.
            queue_max: Requests that may wait.
            queue_bytes_max: Their tensors together.
            batch_max: Requests run together.
            batch_wait_ms: Longest that a request waits, on an idle device, for others to share its batch.
            age_after_ms: A waiting request rises one level each time this has passed.
            patience_ms: What a request without a deadline counts as due after.
            trace_max: Spans that `trace` can tell of, the newest.
        """
    def check_may_wait(self) -> None:
        """
        Raises InvalidArgument (`dispatcher.waiting`) in a callback, where a wait would never end.
        """
    def counts(self) -> dict:
        """
        What has become of the requests so far.
        """
    def metrics(self) -> str:
        """
        Counts, queue and times in Prometheus' text format.
        """
    def stop(self, mode: str = 'drain') -> None:
        """
        Refuses requests from now on and waits for the rest: `drain` runs what waits, `cancel` cancels it.
        """
    def submit_to(self, image: typing.Any, callback: typing.Any, *, priority: str = 'normal', deadline_ms: typing.SupportsFloat | typing.SupportsIndex | None = None, progress: typing.Any = None) -> Ticket:
        """
        Submits an encoded image, a path or bytes; `callback(text, error)` gets the diagnosis as JSON or the exception,
        on the dispatcher's thread, and so does `progress(member_id, done, total)` after each member. What they raise is
        counted and dropped. Raises Unavailable at once if the request is refused, before the image is decoded.
        """
    def trace(self) -> str:
        """
        The newest spans as JSON in the Chrome trace event format: requests, batches, members.
        """
    def warm_up(self) -> None:
        """
        Brings every member in and measures batches of one and of `batch_max`: for before the first request.
        """
class HeatMap:
    """
    Where a member or the panel looked, with what reproduces it.
    """
    def __repr__(self) -> str:
        ...
    def draw_over_png(self, image: typing.Any, *, opacity: typing.SupportsFloat | typing.SupportsIndex = 0.6) -> bytes:
        """
        The map over the image that was explained, a path or bytes, in the image's resolution; `opacity` from 0 to 1.
        """
    def draw_png(self) -> bytes:
        """
        The map by itself in its own resolution.
        """
    def to_dict(self) -> typing.Any:
        """
        Everything but the values: method and parameters, hash of the input, and the diagnosis with members, pipelines and versions.
        """
    @property
    def class_name(self) -> str:
        ...
    @property
    def max(self) -> float:
        ...
    @property
    def member_id(self) -> str:
        """
        Empty: the panel.
        """
    @property
    def min(self) -> float:
        ...
    @property
    def noise(self) -> float:
        """
        Of `random_masks`: by how much a value strays if the place makes no difference; less with more masks.
        """
    @property
    def probability(self) -> float:
        """
        Of the class, nothing being covered.
        """
    @property
    def values(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32 [height, width] in the resolution of the input tensor: how much the probability falls where a place is
        covered (`occlusion`), or its mean where the place is kept (`random_masks`). A view, not to be written to.
        """
def explain(engine: Engine, image: typing.Any, *, member_id: str = '', class_name: str = '', method: str = 'occlusion', fill: typing.SupportsFloat | typing.SupportsIndex | None = None, window: typing.SupportsInt | typing.SupportsIndex | None = None, stride: typing.SupportsInt | typing.SupportsIndex | None = None, masks: typing.SupportsInt | typing.SupportsIndex = 1000, cells: typing.SupportsInt | typing.SupportsIndex = 8, keep_probability: typing.SupportsFloat | typing.SupportsIndex = 0.5, seed: typing.SupportsInt | typing.SupportsIndex = 0, batch_max: typing.SupportsInt | typing.SupportsIndex = 16, progress: typing.Any = None) -> HeatMap:
    """
    Where a member, or the whole panel, looked: the image is run again and again with parts of it covered.

    Args:
        engine: Runs the covered images in batches, within its budget.
        image: A path or encoded bytes.
        member_id: Empty: the probability that the panel pools.
        class_name: Empty: the diagnosis of that member or of the panel.
        method: `occlusion` (a moving window) or `random_masks` (RISE).
        fill: What covered places hold, in the unit of the prepared tensor; None: the mean of each channel.
        window: Of `occlusion`: its side in pixels of the input tensor; None: an eighth of the shorter side.
        stride: Of `occlusion`: how far it moves; None: half of the window.
        masks: Of `random_masks`: how many, 1 to 100000.
        cells: Of `random_masks`: along each side.
        keep_probability: Of `random_masks`: of each point of the grid.
        seed: Of `random_masks`: the same masks for the same seed.
        batch_max: Covered images that are handed to the engine together.
        progress: Called as `progress(masks_done, masks_total)`; it may return False to stop.

    Raises:
        InvalidArgument: `heat_map.<field>` has no meaning, or does not fit the input.
        InferenceError: A member that is asked cannot answer.
        Cancelled: `progress` said so.
    """
