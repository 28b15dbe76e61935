"""How fits scale out: what each costs beside its computing, and what many nodes would give."""
