"""Ensembles beside their peers."""
