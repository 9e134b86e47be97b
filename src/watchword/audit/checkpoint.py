"""Signed checkpoints: the trail's own Ed25519 key vouches for a row and with it for all rows before. Never keeps the key.

Why: whoever can write the file can recompute a hash chain from any row on, but cannot sign it.
"""

from watchword.audit.chain import Head, same
from watchword.audit.event import Checkpoint
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import Verifier


def make_checkpoint(signer: Signer, trail: str, head: Head, first: bytes) -> Checkpoint:
    """Vouch for the chain up to `head`.

    Args:
        signer: Of the trail's key.
        trail: The trail's id.
        head: The row right before the checkpoint's own.
        first: Digest of row 1.
    """
    digest, start = head.digest.hex(), first.hex()
    signature = signer.sign(_statement(trail, head.row, digest, start))
    return Checkpoint(trail=trail, row=head.row, digest=digest, first=start, signature=signature)


def signed_by(checkpoint: Checkpoint, verifier: Verifier) -> bool:
    """Whether the trail's key made this checkpoint."""
    statement = _statement(checkpoint.trail, checkpoint.row, checkpoint.digest, checkpoint.first)
    return verifier.verify(statement, checkpoint.signature)


def vouches_for(checkpoint: Checkpoint, head: Head) -> bool:
    """Whether a checkpoint speaks of exactly this row."""
    return checkpoint.row == head.row and same(checkpoint.digest.encode(), head.digest.hex().encode())


def _statement(trail: str, row: int, digest: str, first: str) -> bytes:
    return f"watchword-audit-checkpoint-1\n{trail}\n{row}\n{digest}\n{first}\n".encode()
