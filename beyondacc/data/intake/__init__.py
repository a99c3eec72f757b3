"""What comes from outside, read once: files, containers, columns, ids, genres, dates; and what was taken for what."""
