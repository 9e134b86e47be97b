"""Envelope encryption, KEK sources' port, sealed and unsealed; hands out signers, never bytes."""
