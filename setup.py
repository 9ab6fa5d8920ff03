"""The compiled parts: fast twins of the loops of sender, desk and crowd. Without a compiler Python serves."""

import sys
from pathlib import Path

from setuptools import Extension, setup

FANOUT, DESK = Path("streaming/fanout"), Path("commerce/desk")

setup(
    ext_modules=[
        Extension(
            "streaming.fanout._native",
            sources=[str(FANOUT / "_native.c"), *map(str, sorted(FANOUT.glob("c/*.c")))],
            depends=[*map(str, sorted(FANOUT.glob("c/*.h")))],
            extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"],
            libraries=["dl", "pthread"] if sys.platform == "linux" else [],
            optional=True,
        ),
        Extension(
            "commerce.desk._native",
            sources=[str(DESK / "_native.c"), *map(str, sorted(DESK.glob("c/*.c")))],
            depends=[*map(str, sorted(DESK.glob("c/*.h")))],
            extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra", "-fvisibility=hidden"],
            optional=True,
        ),
        Extension(
            "commerce.api._crowd",
            sources=["commerce/api/_crowd.c"],
            extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra"],
            optional=True,
        ),
    ]
)
