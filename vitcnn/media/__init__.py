"""Pictures and videos of the user's own: read as frames, and written with what was found in them.

A frame is uint8 RGB, (height, width, 3). Nothing here needs torch; PyAV is needed for videos alone.
"""
