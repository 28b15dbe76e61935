"""Read further texts, which have no label and are learned from before the labelled ones are."""

from pathlib import Path

from lockgate.errors import DataError, quoted
from lockgate.reading.panics import no_panics
from lockgate.tasks.labelling.config import LabelledConfig
from lockgate.tasks.labelling.sources.texts import read_texts

_LINES = (".txt", ".txt.gz")


@no_panics
def read_further(config: LabelledConfig) -> tuple[str, ...]:
    """Read the texts of `config.unlabelled`; none where it is left out.

    A .txt file holds one on each line. Of a table the column `config.text` is read; anything else
    is read as a source of texts is, but for its labels. Texts of blanks alone are left out.

    Raises:
        DataError: If there are no texts, or they cannot be read.
    """
    if config.unlabelled is None:
        return ()
    path = Path(config.unlabelled)
    if not path.exists():
        raise DataError(
            f"unlabelled must be a file or a folder of texts, got {quoted(config.unlabelled)}, "
            "which is not there"
        )
    read = read_texts(
        path,
        text=None if path.name.lower().endswith(_LINES) else config.text,
        separator=config.separator,
        encoding=config.encoding,
        header=config.header,
        labelled=False,
    )
    assert isinstance(read.items, tuple)
    texts = tuple(text for text in read.items if text.strip())
    if not texts:
        raise DataError(f"unlabelled must hold texts, got none in {quoted(path.name)}")
    return texts
