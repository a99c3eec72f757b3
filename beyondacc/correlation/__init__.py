"""How metrics move together."""
