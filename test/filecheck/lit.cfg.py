"""lit's configuration of the FileCheck suite: `lit test/filecheck`, or any file or folder below it."""

import os
import sys
from pathlib import Path

here = Path(__file__).parent
sys.path.insert(0, str(here))

from zygote import ZygoteTest

config.name = "WebDNN"
config.test_format = ZygoteTest()
config.suffixes = [".mlir"]
config.test_source_root = str(here)
config.test_exec_root = str(here.parents[1] / "build" / "filecheck")
# The tools of the environment that runs lit, whether or not it is activated.
config.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
