"""Files in, tables out: what is read by pandas and pyarrow, and every guess about it in a function of its own."""

from beyondacc.data.intake.files.reader import names_ids, read_file
from beyondacc.data.intake.files.source import FORMATS, File
from beyondacc.data.intake.files.vectors import read_vectors

__all__ = ["FORMATS", "File", "names_ids", "read_file", "read_vectors"]
