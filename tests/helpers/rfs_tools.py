#!/usr/bin/env python3
"""Reads and writes flists and blocks as rfs does, without any code of myfs.

    rfs_tools.py read FLIST             prints, as JSON, everything that an rfs client finds in it
    rfs_tools.py write DIRECTORY FLIST STORE [flat]
                                        packs DIRECTORY as rfs does; `flat` is the old store layout

AES-256-GCM comes from OpenSSL's libcrypto, BLAKE2b from hashlib, Snappy is written out here after
its format_description.txt.
"""

import ctypes
import hashlib
import json
import os
import sqlite3
import stat
import sys

PIECE = 512 * 1024
TAG_SIZE = 16


# --- AES-256-GCM ----------------------------------------------------------------------------------

crypto = ctypes.CDLL("libcrypto.so.3")
crypto.EVP_aes_256_gcm.restype = ctypes.c_void_p
crypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
for name in ("EVP_CipherInit_ex", "EVP_CipherUpdate", "EVP_CipherFinal_ex", "EVP_CIPHER_CTX_ctrl"):
    getattr(crypto, name).restype = ctypes.c_int
SET_IV_LENGTH, GET_TAG, SET_TAG = 9, 16, 17


def gcm(key, nonce, data, tag=None):
    """Encrypts, or decrypts where there is a tag to check. Gives the bytes and the tag."""
    context = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(crypto.EVP_aes_256_gcm())
    encrypting = 1 if tag is None else 0
    assert crypto.EVP_CipherInit_ex(context, cipher, None, None, None, encrypting) == 1
    assert crypto.EVP_CIPHER_CTX_ctrl(context, SET_IV_LENGTH, len(nonce), None) == 1
    assert crypto.EVP_CipherInit_ex(context, None, None, key, nonce, encrypting) == 1
    out = ctypes.create_string_buffer(len(data) + 16)
    length = ctypes.c_int(0)
    assert crypto.EVP_CipherUpdate(context, out, ctypes.byref(length), data, len(data)) == 1
    result = out.raw[:length.value]
    if tag is not None:
        assert crypto.EVP_CIPHER_CTX_ctrl(context, SET_TAG, TAG_SIZE, tag) == 1
    assert crypto.EVP_CipherFinal_ex(context, out, ctypes.byref(length)) == 1, "the tag is wrong"
    if tag is None:
        found = ctypes.create_string_buffer(TAG_SIZE)
        assert crypto.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG_SIZE, found) == 1
        tag = found.raw
    crypto.EVP_CIPHER_CTX_free(context)
    return result, tag


# --- Snappy ---------------------------------------------------------------------------------------


def varint(number):
    encoded = bytearray()
    while number >= 0x80:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(encoded + bytes([number]))


def literal(data):
    if not data:
        return b""
    size = len(data) - 1
    if size < 60:
        return bytes([size << 2]) + data
    width = (size.bit_length() + 7) // 8
    return bytes([59 + width << 2]) + size.to_bytes(width, "little") + data


def snappy_encode(data):
    """Literals, and copies with two-byte offsets wherever eight bytes were seen before."""
    out = [varint(len(data))]
    seen = {}
    at = start = 0
    while at + 8 <= len(data):
        piece = data[at:at + 8]
        before = seen.get(piece)
        seen[piece] = at
        if before is None or at - before > 65535:
            at += 4
            continue
        length = 8
        while length < 64 and at + length < len(data) and data[before + length] == data[at + length]:
            length += 1
        out.append(literal(data[start:at]))
        out.append(bytes([length - 1 << 2 | 2]) + (at - before).to_bytes(2, "little"))
        at += length
        start = at
    out.append(literal(data[start:]))
    return b"".join(out)


def snappy_decode(data):
    size = shift = at = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length = (tag >> 2) + 1
            if length > 60:
                width = length - 60
                length = int.from_bytes(data[at:at + width], "little") + 1
                at += width
            out += data[at:at + length]
            at += length
            continue
        if kind == 1:
            length = (tag >> 2 & 7) + 4
            offset = (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            length = (tag >> 2) + 1
            offset = int.from_bytes(data[at:at + width], "little")
            at += width
        assert 0 < offset <= len(out)
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


# --- Blocks ---------------------------------------------------------------------------------------


def blake2b256(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def seal(piece):
    key = blake2b256(piece)
    encrypted, tag = gcm(key, key[:12], snappy_encode(piece))
    block = encrypted + tag
    return blake2b256(block), key, block


def unseal(block_id, key, block):
    assert blake2b256(block) == block_id, "the block is not what its id says"
    compressed, _ = gcm(key, key[:12], block[:-TAG_SIZE], block[-TAG_SIZE:])
    piece = snappy_decode(compressed)
    assert blake2b256(piece) == key, "the piece is not what its key says"
    return piece


def fetch(routes, block_id):
    for start, end, url in routes:
        assert url.startswith("dir://"), url
        if start <= block_id[0] <= end:
            text = block_id.hex()
            for path in ("%s/%s/%s" % (url[6:], text[:2], text), "%s/%s" % (url[6:], text)):
                if os.path.exists(path):
                    with open(path, "rb") as file:
                        return file.read()
    raise KeyError(block_id.hex())


# --- Flists ---------------------------------------------------------------------------------------

SCHEMA = """
    CREATE TABLE IF NOT EXISTS inode (
        ino INTEGER PRIMARY KEY AUTOINCREMENT,
        parent INTEGER,
        name VARCHAR(255),
        size INTEGER,
        uid INTEGER,
        gid INTEGER,
        mode INTEGER,
        rdev INTEGER,
        ctime INTEGER,
        mtime INTEGER
    );
    CREATE INDEX IF NOT EXISTS parents ON inode (parent);
    CREATE INDEX IF NOT EXISTS names ON inode (name);
    CREATE TABLE IF NOT EXISTS extra ( ino INTEGER PRIMARY KEY, data VARCHAR(4096) );
    CREATE TABLE IF NOT EXISTS block ( ino INTEGER, id VARCHAR(32), key VARCHAR(32) );
    CREATE INDEX IF NOT EXISTS block_ino ON block (ino);
    CREATE TABLE IF NOT EXISTS tag ( key VARCHAR(10) PRIMARY KEY, value VARCHAR(255) );
    CREATE TABLE IF NOT EXISTS route ( start integer, end integer, url VARCHAR(2048) );
"""


def read(flist):
    database = sqlite3.connect("file:%s?mode=ro" % flist, uri=True)
    tables = {name: [row[1] for row in database.execute("PRAGMA table_info(%s)" % name)]
              for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
              if name != "sqlite_sequence"}
    indexes = {name: [row[2] for row in database.execute("PRAGMA index_info(%s)" % name)]
               for (name,) in database.execute(
                   "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")}
    routes = database.execute("SELECT start, end, url FROM route").fetchall()
    entries = {}

    def walk(ino, path):
        # The queries of rfs's reader.
        ino, name, size, uid, gid, mode, rdev, ctime, mtime = database.execute(
            "SELECT ino, name, size, uid, gid, mode, rdev, ctime, mtime FROM inode WHERE ino = ?",
            (ino,)).fetchone()
        entry = {"name": name, "size": size, "uid": uid, "gid": gid, "mode": mode, "rdev": rdev,
                 "ctime": ctime, "mtime": mtime}
        entries[path] = entry
        kind = stat.S_IFMT(mode)
        if kind == stat.S_IFLNK:
            data = database.execute("SELECT data FROM extra WHERE ino = ?", (ino,)).fetchone()[0]
            entry["target"] = os.fsdecode(data)
        elif kind == stat.S_IFREG:
            digest = hashlib.sha256()
            length = pieces = 0
            for block_id, key in database.execute("SELECT id, key FROM block WHERE ino = ?", (ino,)):
                piece = unseal(block_id, key, fetch(routes, block_id))
                assert length == pieces * PIECE, "a piece before the last is short"
                digest.update(piece)
                length += len(piece)
                pieces += 1
            assert length == size, (path, length, size)
            entry["sha256"] = digest.hexdigest()
        elif kind == stat.S_IFDIR:
            children = database.execute("SELECT ino, name FROM inode WHERE parent = ?", (ino,))
            for child, child_name in children.fetchall():
                walk(child, child_name if path == "" else path + "/" + child_name)

    walk(1, "")
    print(json.dumps({
        "tables": tables, "indexes": indexes, "routes": routes,
        "tags": dict(database.execute("SELECT key, value FROM tag")), "entries": entries,
        "versions": [database.execute("PRAGMA %s" % pragma).fetchone()[0]
                     for pragma in ("application_id", "user_version")],
    }))


def write(directory, flist, store, layout):
    database = sqlite3.connect(flist)
    database.executescript(SCHEMA)

    def insert(path, parent, name):
        status = os.lstat(path)
        # rfs keeps whole seconds, and what stat says for everything else.
        cursor = database.execute(
            "INSERT INTO inode (parent, name, size, uid, gid, mode, rdev, ctime, mtime)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            (parent, name, status.st_size, status.st_uid, status.st_gid, status.st_mode,
             status.st_rdev, int(status.st_ctime), int(status.st_mtime)))
        ino = cursor.lastrowid
        if stat.S_ISLNK(status.st_mode):
            database.execute("INSERT INTO extra (ino, data) VALUES (?, ?)",
                             (ino, os.readlink(os.fsencode(path))))
        elif stat.S_ISREG(status.st_mode):
            files.append((path, ino))
        return ino

    def walk(path, ino):
        directories = []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    directories.append(entry)
                else:
                    insert(entry.path, ino, entry.name)
        for entry in directories:
            walk(entry.path, insert(entry.path, ino, entry.name))

    files = []
    walk(directory, insert(directory, 0, "/"))
    for path, ino in files:
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                block_id, key, block = seal(piece)
                text = block_id.hex()
                folder = store if layout == "flat" else os.path.join(store, text[:2])
                os.makedirs(folder, exist_ok=True)
                with open(os.path.join(folder, text), "wb") as target:
                    target.write(block)
                database.execute("INSERT INTO block (ino, id, key) VALUES (?,?,?)",
                                 (ino, block_id, key))
    database.execute("INSERT INTO tag (key, value) VALUES ('version', '0.2')")
    database.execute("INSERT INTO route (start, end, url) VALUES (0, 255, ?)", ("dir://" + store,))
    database.commit()
    database.close()


if sys.argv[1] == "read":
    read(sys.argv[2])
else:
    write(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5] if len(sys.argv) > 5 else "")
