"""`atelier`: the command line of users and operators."""
