# Made from the extension by `make stubs`; do not edit.
"""
Ensembles of models within a memory budget.
"""
from __future__ import annotations
import collections.abc
import os
import typing
__all__: list[str] = ['Engine']
class Engine:
    """
    Runs an ensemble of member packages within a memory budget.
    """
    def __init__(self, members: collections.abc.Sequence[os.PathLike | str | bytes], *, budget_bytes: typing.SupportsInt | typing.SupportsIndex = 0, consensus: str = 'weighted_soft_vote', threads: typing.SupportsInt | typing.SupportsIndex = 0, confidence_threshold: typing.SupportsFloat | typing.SupportsIndex = 0.75, backend_directory: str = '') -> None:
        """
        Reads and verifies packages. One that cannot be used is reported by `members`, and the rest goes on.

        Args:
            members: Package directories.
            budget_bytes: Most that weights, code and activations may take; 0: half of the machine's memory.
            consensus: `weighted_soft_vote` or `majority`.
            threads: Within one member's run; 0: as the process has it.
            confidence_threshold: Below it a diagnosis needs review.
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
    def plan(self) -> typing.Any:
        """
        What stays, what is streamed, and the predicted peak.
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
    @property
    def classes(self) -> list[str]:
        ...
