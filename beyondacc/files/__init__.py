"""Files that are whole or not there, and folders that nobody else can write in."""
