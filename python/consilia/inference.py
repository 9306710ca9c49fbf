"""Ensembles of models within a memory budget."""

from consilia._core import inference as _inference

Engine = _inference.Engine

__all__ = ["Engine"]
