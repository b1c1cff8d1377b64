"""How providers are chosen, tried and given up. Pure decisions, standard library only."""
