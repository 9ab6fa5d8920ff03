"""The face of the fast twin of a crowd's loop; `crowd.py` alone looks at it."""

from commerce.api.crowd import Listener

interface: int  # which build this is: crowd.py takes no other than its own

def learn(kind: type[Listener], /) -> None: ...
def tell(listeners: tuple[Listener, ...], payload: bytes, /) -> list[tuple[Listener, int]]: ...
