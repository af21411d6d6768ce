"""What the operator decides, and where things are.

`table` lists every setting once; `loading` reads them from flags, environment and one file;
`reference` writes the documentation. Only `cli` and `web.app` read any of it: everything
below takes plain values.
"""

from pathlib import Path


def resource_dir() -> Path:
    """The directory that holds `templates/` and `static/`.

    A wheel carries them inside the package; a checkout and the one-file binary, which
    unpacks like a checkout, beside it.
    """
    package = Path(__file__).resolve().parents[1]
    return package if (package / "templates").is_dir() else package.parent
