"""A camera sees a hand and a face; the machine works out what the person means and says it aloud."""

import os

__version__ = "0.1.0"

# Read by OpenCV when it is loaded, by whichever module is first, or first opens something; a user's own choice stays.
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
