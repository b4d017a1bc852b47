"""How the C library deals with memory that arrays have let go of."""

import ctypes

# Numbers of glibc's mallopt(3).
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MB = 2**20


def keep_freed() -> None:
    """Have this process use memory again that it has freed, some 64 MB, where glibc is.

    As it comes, every array of more than 128 kB is asked of the kernel, which clears each of its
    pages: a twentieth of the time of a build.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another C library
        return
    for parameter, value in (
        (_MMAP_THRESHOLD, 32 * _MB),
        (_TRIM_THRESHOLD, 64 * _MB),
        (_TOP_PAD, 8 * _MB),
    ):
        mallopt(parameter, value)
