"""Makes the states of containers that `runtime` (beside this folder) asks coroner about, with real programs."""
