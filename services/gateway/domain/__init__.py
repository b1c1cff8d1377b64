"""Pure decisions of the gateway: which templates a batch uses and what its prompts say."""
