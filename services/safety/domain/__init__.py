"""What may be written and shown: the text screen and the verdicts. Pure decisions."""
