"""The gateway: verify a bot's signature, apply its policy, write the record, sign again with the real key, forward."""
