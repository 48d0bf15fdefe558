#!/usr/bin/env python3
"""Changes the tree that odd_tree.py built, in every way that an overlay keeps in a way of its own.

    odd_changes.py DIRECTORY

DIRECTORY is the mounted overlay over the tree. Needs the rights of root.
"""

import os
import shutil
import stat
import subprocess
import sys

from odd_tree import acl, noise, sparse, write

KIB = 1024
MIB = 1024 * KIB


def at(path, offset, content):
    with open(path, "r+b") as file:
        os.pwrite(file.fileno(), content, offset)


def move(source, target):
    """As mv does it: by rename where the overlay can, else by copy."""
    subprocess.run(["mv", "-T", source, target], check=True)


def contents():
    with open("content/one", "ab") as file:
        file.write(b" and more")
    at("content/prose", MIB, b"in the middle")
    os.truncate("content/window", 5 * MIB)
    os.truncate("content/rfs-piece-1", 0)
    os.truncate("content/rfs-piece+0", 600 * KIB)
    write("content/empty", b"not any more")
    write("content/new small", b"new")
    write("content/new large", noise("new large", 700 * KIB))
    # What the base has already, under a new name.
    shutil.copyfile("content/bundle-limit+1", "content/copy of bundle-limit+1")
    shutil.copyfile("content/nul", "content/copy of nul")
    sparse("content/new sparse", 3 * MIB, (MIB, b"x"))
    os.remove("content/chunk-limit+0")


def metadata():
    os.chmod("content/bundle-limit+0", 0o600)
    os.chown("content/chunk-limit-1", 1234, 5678)
    os.utime("content/copies/prose", ns=(0, 1_000_000_000_000_000_007))
    os.chmod("sparse/comb", 0o640)
    os.chmod("sparse/over-4-gib", 0o640)
    os.chmod("modes/file 0000", 0o123)
    os.chmod("modes/directory 0555", 0o751)
    os.chown("owners/link", 7, 8, follow_symlinks=False)
    os.chmod("owners/file", 0o4711)
    os.chown("owners/directory", 9, 9)
    os.utime("times/link 0.000000001", ns=(0, -5), follow_symlinks=False)
    os.utime("times/directory 0.000000000", ns=(0, 1))
    os.chmod(".", 0o711)
    os.setxattr(".", "user.on the root", b"r")


def holes():
    at("sparse/in-middle", 512 * KIB, b"no hole any more")
    os.truncate("sparse/all-hole", 2 * MIB)
    os.truncate("sparse/at-end", 100)


def links():
    # A name that is changed is a file of its own; the others stay one.
    with open("links/second", "ab") as file:
        file.write(b", this one changed")
    os.remove("large before all others")
    os.remove("fifo before all others")
    os.chmod("links/sparse first", 0o600)
    os.link("links/deeper/third", "links/fourth")
    os.link("links/symlink first", "links/symlink fourth", follow_symlinks=False)
    write("links/new", b"new with two names")
    os.link("links/new", "links/new again")
    os.remove("links/absolute")
    os.symlink("elsewhere", "links/absolute")


def kinds():
    os.remove("names/#comment")
    os.mkdir("names/#comment")
    write("names/#comment/inside", b"was a file")
    shutil.rmtree("modes/directory 0777")
    write("modes/directory 0777", b"was a directory")
    shutil.rmtree("modes/directory 1777")
    os.symlink("../content", "modes/directory 1777")
    os.remove("links/dangling")
    os.mkdir("links/dangling")
    os.remove("special/fifo")
    write("special/fifo", b"was a fifo")
    os.remove("special/socket")
    os.mkfifo("special/socket")
    os.remove("special/block")
    os.mknod("special/block", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    os.chmod("special/nvme", 0o600)
    os.mknod("special/new", stat.S_IFBLK | 0o600, os.makedev(8, 1))
    shutil.rmtree("content/copies")
    os.mkdir("content/copies", 0o700)
    write("content/copies/one", b"x")
    os.rmdir("modes/empty directory")
    os.mkdir("modes/empty directory")
    write("comes and goes")
    os.remove("comes and goes")


def directories():
    move("xattrs", "xattrs moved")
    move("xattrs moved/directory", "xattrs moved/directory moved")
    write("xattrs moved/directory moved/new", b"n")
    move("links/deeper", "modes/deeper")
    os.remove("modes/deeper/third")
    move("many", "content/many")
    for number in range(0, 500, 7):
        os.remove("content/many/%d" % number)
    write("content/many/1", b"changed after the move")
    # Somebody else has the old name now.
    os.mkdir("many")
    write("many/3", b"another three")
    move("times", "times aside")
    move("names", "times")
    move("times aside", "names")
    os.mkdir("empty now")
    move("empty now", "still empty")


def attributes():
    os.setxattr("xattrs/many", "user.number 07", b"changed")
    os.removexattr("xattrs/many", "user.number 08")
    os.setxattr("xattrs/many", "user.number 30", b"new")
    os.setxattr("xattrs/large file", "user.another", b"a")
    os.setxattr("xattrs/directory", "user.another", b"b")
    os.removexattr("xattrs/acl", "system.posix_acl_access")
    os.setxattr("xattrs/file", "system.posix_acl_access", acl(
        (0x01, 6, 0xFFFFFFFF), (0x02, 4, 97), (0x04, 4, 0xFFFFFFFF), (0x10, 6, 0xFFFFFFFF),
        (0x20, 0, 0xFFFFFFFF)))
    os.setxattr("xattrs/link", "trusted.on link", b"changed", follow_symlinks=False)
    # Attributes that look like an overlay's are the user's inside of one.
    os.setxattr("xattrs/empty file", "trusted.overlay.opaque", b"y")
    os.setxattr("xattrs/empty file", "user.overlay.redirect", b"/etc")
    os.removexattr("xattrs/capability", "security.capability")
    write("xattrs/default acl/inherits", b"i")


def names():
    write(b"names/\xff\xfe", b"changed")
    os.remove(b"names/\x80bad")
    write(b"names/\xfd new", b"new")
    os.rename(b"names/new\nline", b"names/new\xffline")
    os.chmod("names/\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467", 0o600)
    os.mkdir(b"names/\xfa")
    os.symlink(b"\xff", b"names/\xfb")


def deep():
    """At the end of a path that is too long to be written down."""
    fd = os.open("deep", os.O_RDONLY)
    for _ in range(300):
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    os.unlink("fifo", dir_fd=fd)
    new = os.open("new", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=fd)
    os.write(new, b"deep")
    os.close(new)
    os.chmod("leaf", 0o600, dir_fd=fd)
    os.close(fd)


def main():
    os.umask(0o022)
    os.chdir(sys.argv[1])
    # Directories come last, because the others know their names.
    for change in (contents, metadata, holes, links, kinds, attributes, names, deep, directories):
        change()


main()
