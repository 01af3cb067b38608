"""Dumps of goroutines, as Go writes them."""

import re


def printed(name):
    """A function's name as Go prints it."""
    start, end = name.find("["), name.rfind("]")
    return name[:start] + "[...]" + name[end + 1:] if 0 <= start < end else name


def parsed(text):
    """The goroutines of a dump, and who wrote it."""
    found, writer = {}, None
    for block in text.split("\n\n"):
        lines = block.strip("\n").split("\n")
        head = re.match(r"goroutine (\d+) .*?\[(.*)\]:$", lines[0])
        if not head:
            raise ValueError(lines[0])
        number, frames, at = int(head.group(1)), [], 1
        while at + 1 < len(lines) and not lines[at].startswith("created by "):
            name = re.sub(r"\([^()]*\)$", "", lines[at].replace("{...}", "").replace("(...)", "()"))
            while name.endswith(")") and "(" in name and not re.search(r"\(\*[^()]*\)$", name):
                name = name[:name.rindex("(")]
            frames.append((name, re.sub(r" \+0x[0-9a-f]+$", "", lines[at + 1].strip())))
            at += 2
        found[number] = frames
        writer = number if head.group(2).startswith("running") and writer is None else writer
    return found, writer
