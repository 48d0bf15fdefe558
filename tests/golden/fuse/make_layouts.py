#!/usr/bin/env python3
"""Prints where the fields of the kernel's structures lie, as the C compiler says: layouts.json.

Goal: offsets that were not worked out by our own code. Method: take the names of structures and
fields from <linux/fuse.h> and <linux/stat.h> and compile a program that prints offsetof and sizeof.

Needs gcc and linux-libc-dev (layouts.json: Debian 12, version 7.38 of the protocol, x86-64).

    ./make_layouts.py > layouts.json
"""

import json
import re
import subprocess
import tempfile

HEADERS = ["/usr/include/linux/fuse.h", "/usr/include/linux/stat.h"]


def structures():
    for path in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", open(path).read(), flags=re.S)
        for name, body in re.findall(r"^struct (\w+) \{(.*?)^\};", text, flags=re.S | re.M):
            fields = re.findall(r"(\w+)(?:\[[^\]]*\])?;", body)
            yield name, fields


def main():
    lines = ["#include <stdio.h>", "#include <stddef.h>"]
    lines += [f"#include <{path.removeprefix('/usr/include/')}>" for path in HEADERS]
    lines.append("int main(void) {")
    for name, fields in structures():
        lines.append(f'printf("{name} - %zu\\n", sizeof(struct {name}));')
        for field in fields:
            lines.append(f'printf("{name} {field} %zu\\n", offsetof(struct {name}, {field}));')
    lines.append("return 0; }")
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/layouts.c", "w") as file:
            file.write("\n".join(lines))
        subprocess.run(["gcc", "-o", f"{folder}/layouts", f"{folder}/layouts.c"], check=True)
        printed = subprocess.run([f"{folder}/layouts"], check=True, capture_output=True, text=True)
    layouts = {}
    for line in printed.stdout.splitlines():
        name, field, value = line.split()
        layout = layouts.setdefault(name, {"size": 0, "fields": {}})
        if field == "-":
            layout["size"] = int(value)
        else:
            layout["fields"][field] = int(value)
    print(json.dumps(layouts, indent=1))


main()
