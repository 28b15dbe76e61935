"""Examples of docstrings as code on the site: an extension of Griffe.

Docstrings here have an `Example:`; only `Examples:` is a section of its style.
"""

import re
from typing import Any

import griffe


class Examples(griffe.Extension):
    """Reads `Example:` as `Examples:`."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Change the docstring of what was found."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(
                r"^Example:$", "Examples:", obj.docstring.value, flags=re.M
            )
