"""Who may be in which experiment: programmes, their logs of claims, and what follows from those."""
