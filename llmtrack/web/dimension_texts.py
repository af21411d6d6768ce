"""What dimensions are called on pages: a tag by its key, the others by their name."""

from markupsafe import Markup, escape

from llmtrack.domain.tags import key_of
from llmtrack.web.page_query import DIMENSIONS


def dimension_text(name: str) -> str:
    """In the middle of a sentence; a tag that is called as another dimension says so."""
    key = key_of(name)
    if key is None:
        return name
    return f"tag {key}" if key.lower() in DIMENSIONS else key


def dimension_title(name: str) -> str:
    """As a heading; the key of a tag stays as it is."""
    text = dimension_text(name)
    return text if key_of(name) else text.capitalize()


def dimension_heading(name: str) -> Markup:
    """The title as HTML: a key may be long, and written in any direction."""
    title = dimension_title(name)
    if key_of(name) is None:
        return escape(title)
    return Markup('<bdi class="name" title="{0}">{0}</bdi>').format(title)


def value_title(name: str) -> str:
    """Before one of its values."""
    key = key_of(name)
    return f"Tag {key}" if key else name.capitalize()


def no_value(name: str) -> str:
    """Of events without one."""
    return "not set" if key_of(name) else f"no {name}"


def use_without(name: str) -> str:
    """The same as the subject of a sentence."""
    key = key_of(name)
    return f"use without the tag {key}" if key else f"use without a {name}"
