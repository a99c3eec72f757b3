"""The largest memory that a program took, for programs that tests run in processes of their own."""

#: Lines that define ``peak()``, in bytes. Where there is one, of /proc: ru_maxrss begins at that of the process that
#: ran the program, which after many tests is more than a program takes, so that nothing could be seen of it.
PEAK = """
import pathlib, resource

def peak():
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    words = status.read_text().split()
    return int(words[words.index("VmHWM:") + 1]) * 1024
"""
