"""Measures LLMtrack against baselines in the same run: `make bench`."""
