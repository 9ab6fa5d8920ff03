"""The one compiled part: the fast twin of the sender. Optional: without a compiler Python serves."""

import sys

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "streaming.fanout._native",
            sources=["streaming/fanout/_native.c"],
            extra_compile_args=["-O3", "-std=c11", "-Wall", "-Wextra"],
            libraries=["dl", "pthread"] if sys.platform == "linux" else [],
            optional=True,
        )
    ]
)
