#!/usr/bin/env python3
"""Prints what is in a tree as text: one line for each entry, sorted by path.

    tree_dump.py DIRECTORY [--no-holes] [--no-owners]

Shares no code with what it is there to check. A line has the path (as Python writes bytes), kind,
permissions, owner, time, and what the kind has besides: size, SHA-256 of the content, ranges of
data, target, device number, extended attributes, and the first of the entry's names. Directories are
opened one below the other, so that a path may be of any length.
"""

import argparse
import errno
import hashlib
import os
import stat

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
         stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block"}
PAGE = 4096
WINDOW = 4 * 1024 * 1024


def regions(fd, size):
    """Ranges of data between the holes."""
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            return
        at = min(os.lseek(fd, start, os.SEEK_HOLE), size)
        yield start, at


def content(fd, size, with_holes):
    """The digest is of all pages that are not zero, with their places: holes do not change it."""
    digest = hashlib.sha256()
    ranges = []
    for start, end in regions(fd, size):
        ranges.append("%d-%d" % (start, end))
        at = start - start % PAGE
        while at < end:
            data = os.pread(fd, WINDOW, at)
            if not data:
                break
            if data.count(0) == len(data):
                at += len(data)
                continue
            for page in range(0, len(data), PAGE):
                piece = data[page:page + PAGE].rstrip(b"\0")
                if piece:
                    digest.update(b"%d:%d:" % (at + page, len(piece)))
                    digest.update(piece)
            at += len(data)
    words = ["sha256=" + digest.hexdigest()]
    if with_holes and ranges != ["0-%d" % size] and size > 0:
        words.append("data=" + ",".join(ranges))
    return words


def xattrs(path):
    try:
        names = sorted(map(os.fsencode, os.listxattr(path, follow_symlinks=False)))
    except OSError as error:
        return [] if error.errno == errno.EOPNOTSUPP else ["xattrs=" + errno.errorcode[error.errno]]
    words = []
    for name in names:
        value = os.getxattr(path, name, follow_symlinks=False)
        words.append("xattr:%s=%s" % (name.hex() if b" " in name else repr(name), value.hex()))
    return words


def describe(directory_fd, name, path, options, first_names):
    status = os.stat(name, dir_fd=directory_fd, follow_symlinks=False)
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    words = [repr(path), kind, "%04o" % stat.S_IMODE(status.st_mode)]
    if options.owners:
        words.append("%d:%d" % (status.st_uid, status.st_gid))
    words.append("%d.%09d" % divmod(status.st_mtime_ns, 10**9))
    if kind != "directory" and status.st_nlink > 1:
        words.append("links=%r" % first_names.setdefault((status.st_dev, status.st_ino), path))
    if kind == "file":
        words.append("size=%d" % status.st_size)
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory_fd)
            try:
                words += content(fd, status.st_size, options.holes)
            finally:
                os.close(fd)
        except PermissionError:
            words.append("unreadable")
    elif kind == "symlink":
        words.append("target=%r" % os.readlink(name, dir_fd=directory_fd))
    elif kind in ("char", "block"):
        words.append("device=%d:%d" % (os.major(status.st_rdev), os.minor(status.st_rdev)))
    return words + xattrs(b"/proc/self/fd/%d/%s" % (directory_fd, name)), kind


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("--no-holes", dest="holes", action="store_false")
    parser.add_argument("--no-owners", dest="owners", action="store_false")
    options = parser.parse_args()

    lines = []
    first_names = {}
    root = os.open(options.directory, os.O_RDONLY | os.O_DIRECTORY)
    lines.append((b"", describe(root, b".", b"", options, first_names)[0]))
    # Depth first with one open directory a level; names sorted so that the first name of an inode
    # is the same in equal trees.
    waiting = [(root, b"", iter(sorted(map(os.fsencode, os.listdir(root)))))]
    while waiting:
        fd, path, names = waiting[-1]
        name = next(names, None)
        if name is None:
            os.close(fd)
            waiting.pop()
            continue
        below = path + b"/" + name if path else name
        words, kind = describe(fd, name, below, options, first_names)
        lines.append((below, words))
        if kind == "directory":
            try:
                opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            except PermissionError:
                words.append("closed")
                continue
            try:
                inside = sorted(map(os.fsencode, os.listdir(opened)))
            except PermissionError:
                words.append("closed")
                os.close(opened)
                continue
            waiting.append((opened, below, iter(inside)))
    for _, words in sorted(lines):
        print(" ".join(words))


main()
