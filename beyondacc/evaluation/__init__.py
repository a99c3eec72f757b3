"""From lists to a report: who counts, what is accumulated, values with intervals."""
