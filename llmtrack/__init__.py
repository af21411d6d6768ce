"""LLMtrack: what LLM calls cost, who and what causes it.

Layers, imports point down only:

    cli -> web -> services -> storage -> formats -> domain

See docs/architecture.md for what lives where.
"""

__version__ = "0.1.0"
