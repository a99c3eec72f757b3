"""The boundary: the only code that meets a DataFrame, a file or an external id."""
