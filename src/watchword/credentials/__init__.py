"""The shared core of testnet and gateway: key pairs, payloads, signatures, timing, permissions, restrictions."""
