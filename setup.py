"""The one compiled part: the fast twin of the sender. Optional: without a compiler Python serves."""

import sys
from pathlib import Path

from setuptools import Extension, setup

FANOUT = Path("streaming/fanout")

setup(
    ext_modules=[
        Extension(
            "streaming.fanout._native",
            sources=[str(FANOUT / "_native.c"), *map(str, sorted(FANOUT.glob("c/*.c")))],
            depends=[*map(str, sorted(FANOUT.glob("c/*.h")))],
            extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"],
            libraries=["dl", "pthread"] if sys.platform == "linux" else [],
            optional=True,
        )
    ]
)
