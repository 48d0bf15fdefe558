#!/usr/bin/env python3
"""Builds a tree that has every oddity which a file system of Linux can hold.

    odd_tree.py DIRECTORY

DIRECTORY must not exist. What needs the rights of root is left out where they are missing. Prints a
JSON object: `root`, and `missing`, the features that this file system or kernel refused.
"""

import errno
import hashlib
import json
import os
import stat
import struct
import sys

ROOT = os.geteuid() == 0
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
missing = []


def noise(seed, length):
    """Bytes that do not compress, the same on every machine."""
    return hashlib.shake_128(seed.encode()).digest(length)


def prose(seed, length):
    """Bytes that compress."""
    words = [b"the", b"of", b"block", b"chunk", b"flist", b"store", b"inode", b"and", b"\n"]
    numbers = noise(seed, length // 4 + 1)
    return b" ".join(words[number % len(words)] for number in numbers)[:length].ljust(length)


def write(path, content=b""):
    with open(path, "wb") as file:
        file.write(content)
    return path


def sparse(path, size, *pieces):
    """A file of `size` bytes with data only where `pieces` (offset, content) say."""
    with open(path, "wb") as file:
        file.truncate(size)
        for offset, content in pieces:
            os.pwrite(file.fileno(), content, offset)
    return path


def attempt(feature, action, *arguments, **options):
    """Does what a file system may lack, and notes where it does."""
    try:
        action(*arguments, **options)
        return True
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL, errno.ENAMETOOLONG,
                               errno.ENOSPC, errno.EOVERFLOW):
            raise
        missing.append("%s: %s" % (feature, errno.errorcode[error.errno]))
        return False


def xattr(path, name, value):
    attempt("xattr %s" % name, os.setxattr, path, name, value, follow_symlinks=False)


def acl(*entries):
    """An ACL as the kernel takes it: version 2, then tag, permissions and id of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


USER_OBJ, USER, GROUP_OBJ, MASK, OTHER = 0x01, 0x02, 0x04, 0x10, 0x20
NOBODY = 0xFFFFFFFF


def contents():
    os.mkdir("content")
    write("content/empty")
    write("content/one", b"x")
    write("content/nul", bytes(1000))
    for name, size in [
        ("bundle-limit", 256 * KIB), ("rfs-piece", 512 * KIB), ("chunk-limit", 2 * MIB),
    ]:
        for change in (-1, 0, 1):
            write("content/%s%+d" % (name, change), noise(name, size + change))
    write("content/prose", prose("prose", 3 * MIB + 17))
    write("content/window", prose("window", 8 * MIB + 1))
    os.mkdir("content/copies")
    for name in ("one", "nul", "rfs-piece+1", "prose"):
        with open("content/" + name, "rb") as file:
            write("content/copies/" + name, file.read())
    for number in range(40):
        write("content/copies/small-%d" % number, noise("small %d" % (number % 10), 900))


def holes():
    os.mkdir("sparse")
    sparse("sparse/all-hole", MIB)
    sparse("sparse/at-start", 700 * KIB, (600 * KIB, noise("start", 100 * KIB)))
    sparse("sparse/in-middle", MIB, (0, b"head"), (MIB - 4, b"tail"))
    sparse("sparse/at-end", MIB, (0, noise("end", 12 * KIB)))
    sparse("sparse/only-middle", MIB, (400 * KIB, noise("middle", 12 * KIB)))
    sparse("sparse/small", 100_000, (0, b"small and sparse"))
    sparse("sparse/tiny", 5000)
    sparse("sparse/zeros-in-data", 2 * MIB, (0, bytes(64 * KIB)), (MIB, b"x"))
    sparse("sparse/comb", 2 * MIB, *[(n * 64 * KIB, noise("comb %d" % n, 4 * KIB)) for n in range(32)])
    sparse("sparse/over-4-gib", 5 * GIB, (0, b"first"), (4 * GIB - 2, b"over"), (5 * GIB - 4, b"last"))
    sparse("sparse/over-4-gib-copy", 5 * GIB, (0, b"first"), (4 * GIB - 2, b"over"), (5 * GIB - 4, b"last"))


def links():
    os.mkdir("links")
    for name, target in [
        (b"dangling", b"nowhere/at all"), (b"absolute", b"/etc/passwd"), (b"self", b"self"),
        (b"up", b"../.."), (b"directory", b"../content"), (b"slashes", b"//x///y/"),
        (b"bytes", b"\xff\xfe/\x80"), (b"newline", b"a\nb"), (b"long", b"l" * 4000),
        (b"longest", b"m" * 4095),
    ]:
        attempt("symlink %s" % name.decode(), os.symlink, target, b"links/" + name)
    write("links/first", b"several names")
    write("links/empty first")
    os.mkfifo("links/fifo first")
    os.symlink("a target", "links/symlink first")
    write("links/large first", noise("linked", 600 * KIB))
    sparse("links/sparse first", MIB, (512 * KIB, b"x"))
    os.mkdir("links/deeper")
    for kind in ("", "empty ", "fifo ", "symlink ", "large ", "sparse "):
        for name in ("links/%ssecond", "links/deeper/%sthird", "%sbefore all others"):
            os.link("links/%sfirst" % kind, name % kind, follow_symlinks=False)


def specials():
    os.mkdir("special")
    os.mkfifo("special/fifo", 0o640)
    os.mknod("special/socket", stat.S_IFSOCK | 0o700)
    if not ROOT:
        return
    for name, kind, major, minor in [
        ("null", stat.S_IFCHR, 1, 3), ("block", stat.S_IFBLK, 7, 300),
        ("large", stat.S_IFCHR, 4095, 1048575), ("nvme", stat.S_IFBLK, 259, 65537),
        ("zero", stat.S_IFCHR, 0, 0),
    ]:
        attempt("device " + name, os.mknod, "special/" + name, kind | 0o660, os.makedev(major, minor))
    os.link("special/null", "special/null again")


def modes():
    os.mkdir("modes")
    for mode in (0o000, 0o111, 0o222, 0o444, 0o400, 0o777, 0o1644, 0o4755, 0o2755, 0o6711, 0o7777):
        write("modes/file %04o" % mode, b"%o" % mode)
        os.chmod("modes/file %04o" % mode, mode)
        os.mkdir("modes/directory %04o" % mode)
        write("modes/directory %04o/inside" % mode, b"i%o" % mode)
    os.mkdir("modes/empty directory")
    # Owners before modes, because a change of owner takes setuid and setgid away.
    if ROOT:
        os.mkdir("owners")
        write("owners/file", b"theirs")
        os.chown("owners/file", 1234, 5678)
        write("owners/setuid", b"run as them")
        os.chown("owners/setuid", 1234, 5678)
        os.chmod("owners/setuid", 0o6755)
        os.mkdir("owners/directory")
        write("owners/directory/file", b"mine")
        os.chown("owners/directory", 65534, 0)
        os.symlink("x", "owners/link")
        os.chown("owners/link", 3, 4, follow_symlinks=False)
        os.mkfifo("owners/fifo")
        os.chown("owners/fifo", 0, 100)
        write("owners/highest", b"h")
        os.chown("owners/highest", 0xFFFFFFFE, 0xFFFFFFFE)


def attributes():
    os.mkdir("xattrs")
    write("xattrs/file", b"with attributes")
    xattr("xattrs/file", "user.text", b"some text")
    xattr("xattrs/file", "user.bytes", bytes(range(256)))
    xattr("xattrs/file", "user.empty", b"")
    xattr("xattrs/file", b"user.\xff\xfename", b"not UTF-8")
    xattr("xattrs/file", "user.long", noise("xattr", 2500))
    write("xattrs/empty file")
    xattr("xattrs/empty file", "user.on empty", b"1")
    write("xattrs/large file", noise("large with xattr", 300 * KIB))
    xattr("xattrs/large file", "user.on large", b"2")
    sparse("xattrs/sparse file", MIB)
    xattr("xattrs/sparse file", "user.on sparse", b"3")
    write("xattrs/many")
    for number in range(30):
        xattr("xattrs/many", "user.number %02d" % number, b"%d" % number)
    write("xattrs/read only", b"r")
    xattr("xattrs/read only", "user.read only", b"4")
    os.chmod("xattrs/read only", 0o444)
    os.mkdir("xattrs/directory")
    xattr("xattrs/directory", "user.on directory", b"5")
    os.link("xattrs/file", "xattrs/directory/another name")
    write("xattrs/acl", b"a")
    xattr("xattrs/acl", "system.posix_acl_access", acl(
        (USER_OBJ, 6, NOBODY), (USER, 4, 99), (GROUP_OBJ, 4, NOBODY), (MASK, 6, NOBODY),
        (OTHER, 0, NOBODY)))
    os.mkdir("xattrs/default acl")
    write("xattrs/default acl/before", b"b")
    xattr("xattrs/default acl", "system.posix_acl_default", acl(
        (USER_OBJ, 7, NOBODY), (USER, 7, 98), (GROUP_OBJ, 5, NOBODY), (MASK, 7, NOBODY),
        (OTHER, 5, NOBODY)))
    write("xattrs/default acl/after", b"c")
    os.mkdir("xattrs/default acl/directory after")
    if not ROOT:
        return
    write("xattrs/capability", b"net_raw")
    xattr("xattrs/capability", "security.capability",
          struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    xattr("xattrs/file", "trusted.root only", b"6")
    os.symlink("x", "xattrs/link")
    xattr("xattrs/link", "trusted.on link", b"7")
    os.mkfifo("xattrs/fifo")
    xattr("xattrs/fifo", "trusted.on fifo", b"8")
    os.mknod("xattrs/device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    xattr("xattrs/device", "trusted.on device", b"9")


NAMES = [
    b"\xff\xfe", b"\x80bad", b"half \xf0\x9f\x98", b"\xed\xa0\x80 surrogate", b"\xc0\xaf overlong",
    b"new\nline", b"tab\t", b"escape\x1b[31m", b"\x01\x7f", b"back\\slash", b"quote'\"", b" leading",
    b"trailing ", b"-rf", b"...", b".hidden", b"*?[x]{a,b}!$(x)`", b"#comment", b"n" * 255,
    "\U0001f600 \U0001f468\u200d\U0001f469\u200d\U0001f467".encode(), ("\u00fc" * 127 + "x").encode(),
    "e\u0301".encode(), "\u00e9".encode(), "\u202etxt.exe".encode(), "\uffff".encode(),
    "\ue000".encode(), "\U00010000".encode(), "\u0085".encode(), b"\x85", b"CON", b"a:b",
    b".myfs-unpack-12345678",
]


def names():
    os.mkdir("names")
    for number, name in enumerate(NAMES):
        attempt("name %r" % name, write, b"names/" + name, b"%d" % number)
    attempt("name of a directory", os.mkdir, b"names/directory \xff")
    write(b"names/directory \xff/\xfe inside", b"inside")
    os.link(b"names/directory \xff/\xfe inside", b"names/link to \xff")


def deep():
    """300 directories in each other: 15,300 bytes of path, four times PATH_MAX."""
    os.mkdir("deep")
    fd = os.open("deep", os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d" * 50, dir_fd=fd)
        below = os.open("d" * 50, os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = below
    leaf = os.open("leaf", os.O_CREAT | os.O_WRONLY, dir_fd=fd)
    os.write(leaf, b"at the bottom")
    attempt("xattr on leaf", os.setxattr, leaf, "user.deep", b"10")
    os.close(leaf)
    os.symlink("leaf", "link", dir_fd=fd)
    os.mkfifo("fifo", dir_fd=fd)
    os.link("deep bottom", "another name", dst_dir_fd=fd)
    os.utime("leaf", ns=(0, 1_234_567_890_123_456_789), dir_fd=fd)
    os.utime(fd, ns=(0, 987_654_321_987_654_321))
    os.close(fd)


def many():
    os.mkdir("many")
    for number in range(500):
        write("many/%d" % number, b"%d" % (number % 50) if number % 3 else b"")


# Seconds and nanoseconds; ext4 knows the years 1901 to 2446.
TIMES = [(0, 0), (0, 1), (-1, 999_999_999), (-315_619_200, 5), (-2_147_000_000, 123_456_789),
         (1_700_000_000, 123_456_789), (2**31, 1), (2**32, 999_999_999), (7_258_118_400, 1)]


def times():
    os.mkdir("times")
    for seconds, nanoseconds in TIMES:
        name = "%d.%09d" % (seconds, nanoseconds)
        stamp = seconds * 10**9 + nanoseconds
        write("times/file " + name, name.encode())
        os.mkdir("times/directory " + name)
        write("times/directory %s/inside" % name)
        os.symlink(name, "times/link " + name)
        for kind in ("file", "directory", "link"):
            path = "times/%s %s" % (kind, name)
            os.utime(path, ns=(0, stamp), follow_symlinks=False)
            if os.lstat(path).st_mtime_ns != stamp:
                missing.append("time " + name)


def close_directories():
    """Modes that would have kept this script out come last."""
    for mode in (0o111, 0o222, 0o444, 0o555, 0o400, 0o1644, 0o4755, 0o2755, 0o6711, 0o7777, 0o1777, 0o000):
        path = "modes/directory %04o" % mode
        if not os.path.exists(path):
            os.mkdir(path)
            write(path + "/inside", b"i%o" % mode)
        os.chmod(path, mode)


def main():
    os.umask(0o022)
    os.mkdir(sys.argv[1])
    os.chdir(sys.argv[1])
    contents()
    holes()
    links()
    specials()
    modes()
    attributes()
    names()
    write("deep bottom", b"links up")
    deep()
    many()
    times()
    close_directories()
    os.utime("links", ns=(0, 1_600_000_000_000_000_001))
    os.utime(".", ns=(0, 1_286_705_410_500_000_000))
    print(json.dumps({"root": ROOT, "missing": missing}))


if __name__ == "__main__":
    main()
