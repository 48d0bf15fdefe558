#!/usr/bin/env python3
"""Makes the golden flists and the text that must be read from them.

Nothing of myfs takes part: the schema is written down here once more, and the text is put together
from the same lists as the tables. Run it in this folder to make the files again:

    python3 make_flists.py

myfs.fl / myfs.txt   profile myfs, every kind of row      (FORMAT.md sections 2 and 4)
rfs.fl / rfs.txt     profile rfs, the schema of rfs 0.2    (FORMAT.md sections 3 and 4)
rfs-early.fl         the same without the index on names  (F45), read as rfs.txt
"""
import hashlib
import os
import sqlite3

DIRECTORY, FILE, SYMLINK = 0o040000, 0o100000, 0o120000
FIFO, SOCKET, CHARACTER, BLOCK = 0o010000, 0o140000, 0o020000, 0o060000
KINDS = {DIRECTORY: "directory", FILE: "file", SYMLINK: "symlink", FIFO: "fifo",
         SOCKET: "socket", CHARACTER: "char-device", BLOCK: "block-device"}


def number(text):
    """32 bytes that look like a digest."""
    return hashlib.sha256(text.encode()).digest()


def escape(data):
    """F62, for the few characters that occur here."""
    out = []
    for character in data.decode("utf-8", "surrogateescape"):
        code = ord(character)
        if 0xDC80 <= code <= 0xDCFF:
            out.append("\\x%02x" % (code - 0xDC00))
        elif code <= 0x20 or code == 0x5C or 0x7F <= code <= 0xA0 or code == 0x202E:
            out.extend("\\x%02x" % byte for byte in character.encode())
        else:
            out.append(character)
    return "".join(out)


def entry_line(path, mode, uid, gid, size, seconds, nanoseconds, *attributes):
    words = ["/" + escape(path), KINDS[mode & 0o170000], "%04o" % (mode & 0o7777),
             "%d:%d" % (uid, gid), str(size), "%d.%09d" % (seconds, nanoseconds)]
    return " ".join(words + list(attributes))


def create(path, page_size=4096):
    if os.path.exists(path):
        os.remove(path)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA page_size = %d" % page_size)
    database.execute("PRAGMA encoding = 'UTF-8'")
    return database


def make_myfs():
    database = create("myfs.fl")
    database.execute("PRAGMA application_id = 0x6d796673")
    database.execute("PRAGMA user_version = 1")
    database.executescript("""
        create table inode (
            ino integer primary key,
            parent integer not null,
            name blob not null,
            size integer not null,
            uid integer not null,
            gid integer not null,
            mode integer not null,
            rdev integer not null,
            mtime integer not null,
            mtime_nsec integer not null
        ) strict;
        create table directory ( ino integer primary key, first integer not null,
            last integer not null ) strict;
        create table extra ( ino integer primary key, data blob not null ) strict;
        create table xattr ( ino integer not null, name blob not null, value blob not null,
            primary key (ino, name) ) strict, without rowid;
        create table hardlink ( ino integer primary key, target integer not null ) strict;
        create table content ( ino integer primary key, digest blob, chunk integer,
            chunk_offset integer ) strict;
        create table extent (
            ino integer not null,
            file_offset integer not null,
            chunk integer not null,
            chunk_offset integer not null,
            length integer not null,
            primary key (ino, file_offset)
        ) strict, without rowid;
        create table chunk ( chunk integer primary key, id blob not null, key blob not null,
            size integer not null, stored_size integer not null ) strict;
        create table tag ( key text not null primary key, value text not null )
            strict, without rowid;
        create table route ( start integer not null, end integer not null, url text not null )
            strict;
    """)
    # ino, parent, name, mode, uid, gid, size, seconds, nanoseconds, rdev
    inodes = [
        (1, 0, b"/", DIRECTORY | 0o755, 0, 0, 0, 1700000000, 123456789, 0),
        (2, 1, b"a dir", DIRECTORY | 0o1777, 1000, 1000, 0, 1700000001, 1, 0),
        (3, 1, b"bytes \xff\xfe", FILE | 0o644, 0, 0, 5, -5, 999999999, 0),
        (4, 1, b"disk", BLOCK | 0o660, 0, 6, 0, 0, 0, 0x800 + 1),
        (5, 1, "na\u00efve\u202e\\".encode(), FILE | 0o4755, 4294967295, 0, 3000000, 1700000002, 0, 0),
        (6, 1, b"null", CHARACTER | 0o666, 0, 0, 0, 0, 0, 0x100 + 3),
        (7, 1, b"pipe", FIFO | 0o600, 0, 0, 0, 0, 0, 0),
        (8, 1, b"socket", SOCKET | 0o600, 0, 0, 0, 0, 0, 0),
        # Inode 9 is missing: numbers need not be all there.
        (10, 2, b"again", FILE | 0o644, 0, 0, 5, -5, 999999999, 0),
        (11, 2, b"empty", FILE | 0o000, 0, 0, 0, 0, 0, 0),
        (12, 2, b"link", SYMLINK | 0o777, 0, 0, 12, 0, 0, 0),
        (13, 2, b"link again", SYMLINK | 0o777, 0, 0, 12, 0, 0, 0),
        (14, 2, b"sparse", FILE | 0o600, 0, 0, 9000000000, 0, 0, 0),
    ]
    database.execute("BEGIN")
    for ino, parent, name, mode, uid, gid, size, seconds, nanoseconds, rdev in inodes:
        database.execute("INSERT INTO inode VALUES (?,?,?,?,?,?,?,?,?,?)",
                         (ino, parent, name, size, uid, gid, mode, rdev, seconds, nanoseconds))
    database.execute("INSERT INTO extra VALUES (12, ?)", (b"../bytes \xff\xfe/",))
    database.execute("INSERT INTO hardlink VALUES (10, 3)")
    database.execute("INSERT INTO hardlink VALUES (13, 12)")
    # Inode 9 was the last entry of the root.
    database.executemany("INSERT INTO directory VALUES (?,?,?)", [(1, 2, 9), (2, 10, 14)])
    # In one piece, in several with a digest; a file with holes has none, and no row.
    database.executemany("INSERT INTO content VALUES (?,?,?,?)",
                         [(3, number("five"), 1, 995), (5, number("large"), None, None)])
    chunks = [(1, "bundle", 1000, 700), (2, "large 1", 2097152, 2097180), (4, "large 2", 902848, 1),
              (5, "bundle", 16777216, 16778240)]
    for chunk, name, size, stored in chunks:
        database.execute("INSERT INTO chunk VALUES (?,?,?,?,?)",
                         (chunk, number("id " + name), number("key " + name), size, stored))
    extents = [(5, 0, 2, 0, 2097152), (5, 2097152, 4, 0, 902848),
               (14, 1, 1, 0, 10), (14, 8999999000, 5, 16776216, 1000)]
    database.executemany("INSERT INTO extent VALUES (?,?,?,?,?)", extents)
    xattrs = [(2, b"user.empty", b""), (5, b"security.capability", b"\x01\x00\x00\x02"),
              (5, b"user.a=b", b"c d")]
    database.executemany("INSERT INTO xattr VALUES (?,?,?)", xattrs)
    database.executemany("INSERT INTO tag VALUES (?,?)",
                         [("myfs.format", "myfs/1"), ("version", "2.0"), ("a b", "")])
    database.executemany("INSERT INTO route VALUES (?,?,?)",
                         [(0, 127, "dir:///tmp/a b"), (0, 255, "http://h/x?y=1")])
    database.execute("COMMIT")
    database.close()

    ids = {name: number("id " + name).hex() for name in ("bundle", "large 1", "large 2")}
    lines = [
        "myfs-flist-text 1 profile=myfs keys=yes",
        "tag a\\x20b=",
        "tag version=2.0",
        "route 00-7f dir:///tmp/a\\x20b",
        "route 00-ff http://h/x?y=1",
        entry_line(b"", DIRECTORY | 0o755, 0, 0, 0, 1700000000, 123456789),
        entry_line(b"a dir", DIRECTORY | 0o1777, 1000, 1000, 0, 1700000001, 1, "xattr:user.empty="),
        entry_line(b"a dir/again", FILE | 0o644, 0, 0, 5, -5, 999999999,
                   "digest=" + number("five").hex(), "extents=0+5@%s+995" % ids["bundle"]),
        entry_line(b"a dir/empty", FILE | 0o000, 0, 0, 0, 0, 0),
        entry_line(b"a dir/link", SYMLINK | 0o777, 0, 0, 12, 0, 0,
                   "target=" + escape(b"../bytes \xff\xfe/")),
        entry_line(b"a dir/link again", SYMLINK | 0o777, 0, 0, 12, 0, 0, "link=/a\\x20dir/link"),
        entry_line(b"a dir/sparse", FILE | 0o600, 0, 0, 9000000000, 0, 0,
                   "extents=1+10@%s+0,8999999000+1000@%s~2+16776216"
                   % (ids["bundle"], ids["bundle"])),
        entry_line(b"bytes \xff\xfe", FILE | 0o644, 0, 0, 5, -5, 999999999,
                   "link=/a\\x20dir/again"),
        entry_line(b"disk", BLOCK | 0o660, 0, 6, 0, 0, 0, "rdev=8:1"),
        entry_line("na\u00efve\u202e\\".encode(), FILE | 0o4755, 4294967295, 0, 3000000,
                   1700000002, 0, "xattr:security.capability=\\x01\\x00\\x00\\x02",
                   "xattr:user.a\\x3db=c\\x20d", "digest=" + number("large").hex(),
                   "extents=0+2097152@%s+0,2097152+902848@%s+0"
                   % (ids["large 1"], ids["large 2"])),
        entry_line(b"null", CHARACTER | 0o666, 0, 0, 0, 0, 0, "rdev=1:3"),
        entry_line(b"pipe", FIFO | 0o600, 0, 0, 0, 0, 0),
        entry_line(b"socket", SOCKET | 0o600, 0, 0, 0, 0, 0),
    ]
    for _, name, size, stored in chunks:
        lines.append("chunk %s size=%d stored=%d key=%s"
                     % (ids[name], size, stored, number("key " + name).hex()))
    write_text("myfs.txt", lines)


def make_rfs(path, with_names):
    database = create(path)
    database.executescript("""
        CREATE TABLE IF NOT EXISTS inode (
            ino INTEGER PRIMARY KEY AUTOINCREMENT,
            parent INTEGER, -- directory
            name VARCHAR(255),
            size INTEGER, uid INTEGER, gid INTEGER, mode INTEGER,
            rdev INTEGER, ctime INTEGER, mtime INTEGER
        );
        CREATE INDEX IF NOT EXISTS parents ON inode (parent);
        %s
        CREATE TABLE IF NOT EXISTS extra ( ino INTEGER PRIMARY KEY, data VARCHAR(4096) );
        CREATE TABLE IF NOT EXISTS block ( ino INTEGER, id VARCHAR(32), key VARCHAR(32) );
        CREATE INDEX IF NOT EXISTS block_ino ON block (ino);
        CREATE TABLE IF NOT EXISTS tag ( key VARCHAR(10) PRIMARY KEY, value VARCHAR(255) );
        CREATE TABLE IF NOT EXISTS route ( start integer, end integer, url VARCHAR(2048) );
    """ % ("CREATE INDEX IF NOT EXISTS names ON inode (name);" if with_names else ""))
    # parent, name, size as stat(2) gives it, mode, rdev, mtime. Rows are inserted as rfs does it: a
    # directory's files before the directories in it, in whatever order the directory has them.
    inodes = [
        (0, "/", 4096, DIRECTORY | 0o755, 0, 1700000000),
        (1, "hello.txt", 5, FILE | 0o644, 0, 1700000001),
        (1, "big", 1048577, FILE | 0o755, 0, 1700000002),
        (1, "exact", 524288, FILE | 0o600, 0, 1700000003),
        (1, "empty", 0, FILE | 0o600, 0, 1700000003),
        (1, "link", 7, SYMLINK | 0o777, 0, -1),
        (1, "tty", 0, CHARACTER | 0o620, 0x400 + 1, 1700000004),
        (1, "\u00fc \ufffd", 4096, DIRECTORY | 0o700, 0, 1700000005),
        (8, "hello.txt", 1, FILE | 0o644, 0, 1700000006),
    ]
    for parent, name, size, mode, rdev, mtime in inodes:
        database.execute(
            "INSERT INTO inode (parent, name, size, uid, gid, mode, rdev, ctime, mtime)"
            " VALUES (?,?,?,1000,100,?,?,1711111111,?)", (parent, name, size, mode, rdev, mtime))
    database.execute("INSERT INTO extra (ino, data) VALUES (6, ?)", (b"/a/b\xff.c",))
    # Uploads run side by side, so the pieces of files alternate; each file's own are in order.
    for ino, piece in [(3, "big 0"), (2, "hello"), (3, "big 1"), (4, "exact"), (9, "one"),
                       (3, "big 2")]:
        database.execute("INSERT INTO block (ino, id, key) VALUES (?,?,?)",
                         (ino, number("id " + piece), number("key " + piece)))
    database.execute("INSERT INTO tag (key, value) VALUES ('version', '1.0')")
    database.execute("INSERT INTO tag (key, value) VALUES ('description', 'g\u00f6lden')")
    database.execute("INSERT INTO route (start, end, url) VALUES (0, 255, 'zdb://hub:9900/ns')")
    database.close()


def make_rfs_text():
    def block(piece):
        return "%s:%s" % (number("id " + piece).hex(), number("key " + piece).hex())

    def line(path, mode, size, seconds, *attributes):
        return entry_line(path.encode(), mode, 1000, 100, size, seconds, 0, *attributes)

    write_text("rfs.txt", [
        "myfs-flist-text 1 profile=rfs keys=yes",
        "tag description=g\u00f6lden",
        "tag version=1.0",
        "route 00-ff zdb://hub:9900/ns",
        line("", DIRECTORY | 0o755, 0, 1700000000),
        line("big", FILE | 0o755, 1048577, 1700000002,
             "blocks=" + ",".join(map(block, ["big 0", "big 1", "big 2"]))),
        line("empty", FILE | 0o600, 0, 1700000003),
        line("exact", FILE | 0o600, 524288, 1700000003, "blocks=" + block("exact")),
        line("hello.txt", FILE | 0o644, 5, 1700000001, "blocks=" + block("hello")),
        line("link", SYMLINK | 0o777, 7, -1, "target=/a/b\\xff.c"),
        line("tty", CHARACTER | 0o620, 0, 1700000004, "rdev=4:1"),
        line("\u00fc \ufffd", DIRECTORY | 0o700, 0, 1700000005).replace("\ufffd", "\\xef\\xbf\\xbd"),
        line("\u00fc \ufffd/hello.txt", FILE | 0o644, 1, 1700000006,
             "blocks=" + block("one")).replace("\ufffd", "\\xef\\xbf\\xbd"),
    ])


def write_text(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))


make_myfs()
make_rfs("rfs.fl", True)
make_rfs("rfs-early.fl", False)
make_rfs_text()
