"""Measurements: what notify costs beside the bare work, in ratios of one and the same run."""
