#!/usr/bin/python3
"""Records what a real kernel asks and what programs on libfuse answer: exchanges.json.

Goal: vectors that were not made by our own code. Method: mount a squashfs image with squashfuse_ll,
and a directory of three entries with pyfuse3 (which answers READDIRPLUS; squashfuse does not), use
the mounts, and take requests and replies from strace(1).

Needs root, Debian's squashfuse, squashfs-tools, python3-pyfuse3, strace. Times in the image are fixed;
process numbers in the requests, and addresses that squashfuse uses as file handles, are not.

    ./make_exchanges.py > exchanges.json
    ./make_exchanges.py --serve MOUNTPOINT    (what it starts by itself: the pyfuse3 program)
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time

TIME = 1_600_000_000


def serve(mountpoint):
    import pyfuse3
    import stat
    import trio

    NAMES = [b"alpha", b"b", b"name of 19 bytes .."]

    class Three(pyfuse3.Operations):
        def attributes(self, inode):
            entry = pyfuse3.EntryAttributes()
            is_root = inode == pyfuse3.ROOT_INODE
            entry.st_mode = (stat.S_IFDIR | 0o755) if is_root else (stat.S_IFREG | 0o640)
            entry.st_nlink = 2 if is_root else 1
            entry.st_size = 0 if is_root else 1000 + inode
            entry.st_blocks = 0 if is_root else 2
            entry.st_blksize = 4096
            for name in ("st_atime_ns", "st_ctime_ns", "st_mtime_ns"):
                setattr(entry, name, TIME * 10**9 + 123_456_789)
            entry.st_gid = 50
            entry.st_uid = 1000
            entry.st_ino = inode
            entry.entry_timeout = entry.attr_timeout = 2**31 - 1
            return entry

        async def getattr(self, inode, ctx=None):
            return self.attributes(inode)

        async def lookup(self, parent, name, ctx=None):
            if name not in NAMES:
                raise pyfuse3.FUSEError(2)
            return self.attributes(10 + NAMES.index(name))

        async def opendir(self, inode, ctx):
            return inode

        async def readdir(self, handle, start, token):
            for i, name in enumerate(NAMES):
                if i >= start:
                    pyfuse3.readdir_reply(token, name, self.attributes(10 + i), i + 1)

    pyfuse3.init(Three(), mountpoint, {"fsname=three"})
    trio.run(pyfuse3.main)
    pyfuse3.close()


def exchanges(command, mountpoint, use):
    """Runs `command`, which mounts, and `use`, and pairs requests with replies."""
    log = mountpoint + ".strace"
    traced = ["strace", "-f", "-qq", "-e", "trace=read,write,writev", "-s", "200000", "-xx", "-o", log]
    process = subprocess.Popen(traced + command)
    while not os.path.ismount(mountpoint):
        time.sleep(0.05)
    use(mountpoint)
    subprocess.run(["umount", mountpoint], check=True)
    process.wait(10)
    requests, pairs = {}, []
    number = r"\d+"
    for line in open(log):
        line = re.sub(r"^\d+ ", "", line)
        found = re.match(r'(?:read\(\d+, )?"((?:\\x..)+)", \d+\) += (\d+)', line.replace("<... read resumed>", ""))
        if found:
            data = bytes.fromhex(found[1].replace("\\x", ""))
            if len(data) >= 40 and int.from_bytes(data[0:4], "little") == len(data):
                requests[data[8:16]] = data
            continue
        if line.startswith("writev("):
            parts = re.findall(r'iov_base="((?:\\x..)*)"', line)
            data = bytes.fromhex("".join(parts).replace("\\x", ""))
            request = requests.pop(data[8:16], None) if len(data) >= 16 else None
            if request is not None:
                pairs.append({"request": request.hex(), "reply": data.hex()})
    # What is left was answered by nobody.
    pairs += [{"request": request.hex(), "reply": None} for request in requests.values()]
    return pairs


def use_image(root):
    def refused(call, *arguments):
        try:
            call(*arguments)
        except OSError:
            return
        raise AssertionError("this should have failed")

    os.listdir(root)
    os.stat(root + "/file")
    os.readlink(root + "/link")
    refused(os.stat, root + "/absent")
    open(root + "/file").read()
    os.listdir(root + "/sub")
    os.getxattr(root + "/file", "user.color")
    os.listxattr(root + "/file")
    refused(os.getxattr, root + "/file", "user.none")
    os.statvfs(root)
    descriptor = os.open(root + "/file", os.O_RDONLY)
    os.lseek(descriptor, 0, os.SEEK_HOLE)
    os.close(descriptor)
    refused(open, root + "/new", "w")
    subprocess.run(["stat", root + "/sub/inner"], stdout=subprocess.DEVNULL, check=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.makedirs("tree/sub")
        for name, text in {"file": "hello\n", "sub/inner": "x\n", "sub/n1": "1\n"}.items():
            with open("tree/" + name, "w") as file:
                file.write(text)
        os.symlink("file", "tree/link")
        os.setxattr("tree/file", "user.color", b"blue")
        subprocess.run(
            ["mksquashfs", "tree", "image", "-quiet", "-all-root", "-all-time", str(TIME), "-mkfs-time", str(TIME)],
            check=True, stdout=subprocess.DEVNULL,
        )
        os.mkdir("image.mnt")
        os.mkdir("three.mnt")
        image = exchanges(["squashfuse_ll", "-f", "-s", "image", "image.mnt"], "image.mnt", use_image)
        three = exchanges(
            ["/usr/bin/python3", os.path.join(HERE, "make_exchanges.py"), "--serve", "three.mnt"],
            "three.mnt",
            lambda root: os.listdir(root),
        )
        json.dump({"squashfuse": image, "pyfuse3": three}, sys.stdout, indent=1)
        print()


HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    serve(sys.argv[2]) if sys.argv[1:2] == ["--serve"] else main()
