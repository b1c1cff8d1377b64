"""The ledger's pure decisions: values in, values out."""
