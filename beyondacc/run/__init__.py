"""How blocks of users are executed."""
