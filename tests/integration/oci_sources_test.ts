/**
 * Goal: one image gives one flist, wherever it comes from, and its tree is what umoci unpacks.
 * Method: an image of a Debian package's tree and of layers with oddities, made by umoci, copied by
 * skopeo to every kind of source, and converted by the command line and the library.
 */

import assert from "node:assert/strict";
import { convertImage, dumpFlist, FlistReader, openContainerImage, unpackImage } from "myfs";
import { DockerRegistry } from "../helpers/docker_registry.ts";
import { faultServer } from "../helpers/fault_server.ts";
import { type Need, requiringTest } from "../helpers/require.ts";
import { runProgram } from "../helpers/run_program.ts";
import { TempFolder } from "../helpers/temp_folder.ts";
import { assertSameDump, dumpTree } from "../helpers/tree_dump.ts";
import { until } from "../helpers/until.ts";
import { finish, myfs, myfsJson, startMyfs } from "./cli_process.ts";

const NEEDS = [
  ...["root", "tar", "python3", "docker-registry", "htpasswd", "skopeo", "umoci", "openssl"],
  ...["setfattr", "setcap"],
] as const satisfies Need[];

/** The lowest layer, from a package that every Debian has; then what changes it. */
const LAYERS = String.raw`
set -eu
cd "$1"
umoci init --layout layout
umoci new --image layout:app
dpkg -L coreutils | grep '^/usr' | tar --no-recursion --numeric-owner -cf 1.tar -T - 2>/dev/null
mkdir -p 2/etc/keep 2/etc/opaque/old 2/lib 2/dev "2/$(printf 'long%.0s' $(seq 60))" 2/usr/share
echo gone > 2/etc/gone; echo one > 2/etc/opaque/old/one; echo lib > 2/lib/so; ln 2/lib/so 2/lib/so.1
echo x > 2/etc/keep/x; ln -s /etc/keep/x 2/etc/link; mkfifo 2/dev/fifo; mknod 2/dev/null c 1 3
truncate -s 5M 2/etc/sparse; echo end >> 2/etc/sparse
chown 1234:4321 2/etc/keep/x; setfattr -n user.note -v hello 2/etc/keep/x
cp /bin/true 2/etc/able; setcap cap_net_raw,cap_net_bind_service+ep 2/etc/able
chmod 4755 2/etc/keep/x; touch -d '2001-02-03 04:05:06.123456789' 2/etc/keep/x
tar --format=pax --sparse --xattrs --xattrs-include='*' --numeric-owner -C 2 -cf 2.tar .
mkdir -p 3/etc/opaque 3/usr/lib 3/etc
touch 3/etc/.wh.gone 3/etc/opaque/.wh..wh..opq; echo two > 3/etc/opaque/two
rm -rf 3/lib; ln -s usr/lib 3/lib; echo new > 3/usr/lib/so2
tar --numeric-owner -C 3 -cf 3.tar etc lib usr
mkdir -p 4/usr/lib 4/etc
truncate -s 3M 4/etc/holes; echo mid | dd of=4/etc/holes bs=1M seek=1 conv=notrunc status=none
echo shared > 4/usr/lib/shared; ln 4/usr/lib/shared 4/etc/shared
tar --format=pax --sparse --sparse-version=0.1 --numeric-owner -C 4 -cf 4.tar etc usr
for n in 1 2 3 4; do umoci raw add-layer --image layout:app $n.tar; done
umoci config --image layout:app --config.cmd /usr/bin/true --config.env A=b --config.workingdir /etc
skopeo copy -q oci:layout:app oci-archive:oci.tar:app
skopeo copy -q oci:layout:app docker-archive:docker.tar:app:v1
skopeo copy -q --dest-compress --dest-compress-format zstd oci:layout:app oci:zstd:app
umoci unpack --image layout:app bundle
`;

/** An image on top of another one, as buildah makes it of what is changed in its container's tree. */
const BUILDAH = String.raw`
set -eu
cd "$1"
echo '{"default":[{"type":"insecureAcceptAnything"}]}' > policy.json
b() { buildah --root "$PWD/storage" --runroot "$PWD/run" --storage-driver vfs "$@"; }
commit() { b commit -q --signature-policy policy.json "$@" > /dev/null; }
mkdir -p tree/usr/bin tree/etc/old
cp /bin/true tree/etc/tool; setcap cap_net_raw+ep tree/etc/tool; cp /bin/true tree/usr/bin/tool; ln -s usr/bin tree/bin
echo a > tree/etc/a; ln tree/etc/a tree/etc/b; echo gone > tree/etc/gone; echo old > tree/etc/old/file
chown 1234:4321 tree/etc/a; setfattr -n user.note -v hello tree/etc/b
container=$(b from --signature-policy policy.json scratch)
b copy -q "$container" tree /
commit --timestamp 1000000000 "$container" base
b rm "$container" > /dev/null
container=$(b from --signature-policy policy.json localhost/base)
root=$(b mount "$container")
rm -r "$root/etc/gone" "$root/usr/bin"; mkdir "$root/usr/bin"; echo other > "$root/usr/bin/other"
mv "$root/etc/old" "$root/etc/new"; echo changed > "$root/etc/a"; ln -s /etc/new "$root/etc/link"
b umount "$container" > /dev/null
b config --cmd '["/usr/bin/other", "-v"]' --env A=b --workingdir /etc "$container"
commit "$container" oci:layout:app
skopeo copy -q oci:layout:app docker-archive:docker.tar:app:v1
b rm "$container" > /dev/null
umoci unpack --image layout:app bundle
`;

async function buildImage(folder: TempFolder): Promise<void> {
  await runProgram("bash", "-c", LAYERS, "bash", folder.path);
}

async function push(folder: TempFolder, host: string): Promise<void> {
  const target = `docker://${host}/team/app:v1`;
  const source = `oci:${folder.file("layout")}:app`;
  await runProgram("skopeo", "copy", "-q", "--dest-tls-verify=false", source, target);
}

/** The only manifest of a layout. */
async function manifestOf(layout: string): Promise<{ layers: { mediaType: string }[] }> {
  const read = async (name: string) => JSON.parse(await Deno.readTextFile(`${layout}/${name}`));
  const { manifests } = await read("index.json");
  return await read(`blobs/${manifests[0].digest.replace(":", "/")}`);
}

/**
 * A flist but for the digest of its manifest: an archive of Docker has none, and that of layers which
 * are compressed in another way has another one. All else is the same.
 */
function linesOf(flist: string): string[] {
  using reader = FlistReader.open(flist);
  return [...dumpFlist(reader)].filter((line) => !line.startsWith("tag oci.manifest="));
}

/** A daemon's socket, behind which there is only an archive. */
function serveArchive(socket: string, archive: string): Deno.HttpServer<Deno.UnixAddr> {
  return Deno.serve({ path: socket, onListen: () => {} }, async ({ url }) => {
    if (!url.includes("/images/app%3Av1/get")) return new Response("", { status: 404 });
    return new Response((await Deno.open(archive)).readable);
  });
}

requiringTest(
  NEEDS,
  "container: every kind of source gives the tree that umoci unpacks",
  async () => {
    using folder = new TempFolder();
    await buildImage(folder);
    const registryFolder = folder.tree("registry");
    const store = `dir://${folder.file("blocks")}`;
    const none = { DOCKER_CONFIG: folder.path, XDG_CONFIG_HOME: folder.path };
    const env = { ...none, XDG_RUNTIME_DIR: folder.path, MYFS_CACHE_DIR: folder.file("state") };
    const options = { program: "myfs_tool", env } as const;
    const forget = async (): Promise<void> => {
      const { path } = folder;
      await Deno.remove(`${path}/state`, { recursive: true }).catch(() => {});
      await Deno.remove(`${path}/blocks`, { recursive: true }).catch(() => {});
    };
    const convert = async (name: string, ...flags: string[]): Promise<Uint8Array> => {
      // Else layers that one source gave need not be read from the next.
      await forget();
      const meta = folder.file("made.fl");
      const args = ["container", "-i", name, "-m", meta, "-s", store, "--plain-http", ...flags];
      const { code, stdout, stderr } = await myfs([...args, "-q"], options);
      assert.equal(code, 0, `${name}: ${stdout}${stderr}`);
      return await Deno.readFile(meta);
    };

    const flists = new Map<string, Uint8Array>();
    {
      await using registry = await DockerRegistry.start(registryFolder);
      await push(folder, registry.host);
      flists.set("registry", await convert(`${registry.host}/team/app:v1`));
      const { document } = await myfsJson(
        ["image", "inspect", `${registry.host}/team/app:v1`, "--plain-http"],
        options,
      );
      const [image] = document.images as { layers: unknown[] }[];
      assert.equal(image!.layers.length, 4);
      flists.set("by digest", await convert(`${registry.host}/team/app@${document.digest}`));
    }
    const who = { username: "user", password: "pass:word" } as const;
    for (const kind of ["password", "token"] as const) {
      await using registry = await DockerRegistry.start(registryFolder, { kind, ...who });
      const name = `${registry.host}/team/app:v1`;
      flists.set(kind, await convert(name, "--creds", "user:pass:word"));
      const auths = { [registry.host]: { auth: btoa("user:pass:word") } };
      await Deno.writeTextFile(folder.file("auth.json"), JSON.stringify({ auths }));
      flists.set(
        `${kind} from a file`,
        await convert(name, "--authfile", folder.file("auth.json")),
      );
      const args = [
        "container",
        "-i",
        name,
        "-m",
        folder.file("no.fl"),
        "-s",
        store,
        "--plain-http",
      ];
      const refused = await myfs([...args, "--creds", "user:canary"], options);
      assert.equal(refused.code, 12, refused.stderr);
      assert.ok(!(refused.stdout + refused.stderr).includes("canary"));
      if (kind === "token") assert.equal(registry.tokenCount, 2);
    }
    flists.set("oci", await convert(`oci:${folder.file("layout")}:app`));
    flists.set("oci-archive", await convert(`oci-archive:${folder.file("oci.tar")}`));
    const stateFolder = folder.file("state");
    const known = await convertImage(`oci:${folder.file("layout")}:app`, {
      meta: folder.file("known.fl"),
      store,
      stateFolder,
    });
    assert.equal(known.images[0]!.layersKnown, 4);
    flists.set("layers packed before", await Deno.readFile(folder.file("known.fl")));
    const [first, ...others] = flists;
    for (const [name, flist] of others) {
      assert.ok(
        first![1].length === flist.length && first![1].every((byte, i) => byte === flist[i]),
        `${name} differs from ${first![0]}`,
      );
    }

    const meta = folder.file("registry.fl");
    await Deno.writeFile(meta, first![1]);
    const target = folder.file("out");
    await unpackImage(meta, target, { store, preserveOwnership: true });
    assert.match(await Deno.readTextFile(`${target}/.startup.toml`), /\/usr\/bin\/true/);
    await Deno.remove(`${target}/.startup.toml`);
    const rootfs = folder.file("bundle/rootfs");
    // The root itself is in no layer with the same times: umoci's is of the moment.
    const dump = (path: string): string[] => dumpTree(path, { holes: false }).slice(1);
    assertSameDump(dump(target), dump(rootfs));

    const socket = folder.file("docker.sock");
    await using _daemon = serveArchive(socket, folder.file("docker.tar"));
    const named = folder.file("docker.fl");
    for (
      const name of [`docker-archive:${folder.file("docker.tar")}:app:v1`, "docker-daemon:app:v1"]
    ) {
      await convertImage(name, { meta: named, store, daemonSockets: [socket] });
      assert.deepEqual(linesOf(named), linesOf(meta), name);
    }
    const { layers } = await manifestOf(folder.file("zstd"));
    assert.ok(layers.every(({ mediaType }) => mediaType.endsWith("+zstd")), layers[0]!.mediaType);
    await convertImage(`oci:${folder.file("zstd")}:app`, { meta: named, store });
    assert.deepEqual(linesOf(named), linesOf(meta), "zstd");
    await assert.rejects(
      openContainerImage("docker-daemon:other", { daemonSockets: [socket] }),
      /does not have it/,
    );
  },
);

requiringTest(
  ["root", "buildah", "skopeo", "umoci", "setcap", "setfattr", "python3"],
  "container: an image that buildah made becomes what umoci unpacks",
  async () => {
    using folder = new TempFolder();
    await runProgram("bash", "-c", BUILDAH, "bash", folder.path);
    const store = `dir://${folder.file("blocks")}`;
    const meta = folder.file("a.fl");
    const { images } = await convertImage(`oci:${folder.file("layout")}:app`, { meta, store });
    assert.equal(images[0]!.layers, 2);
    const target = folder.file("out");
    await unpackImage(meta, target, { store, preserveOwnership: true });
    assert.match(await Deno.readTextFile(`${target}/.startup.toml`), /args = \[ "-v" \]/);
    await Deno.remove(`${target}/.startup.toml`);
    const rootfs = folder.file("bundle/rootfs");
    for (const root of [target, rootfs]) await Deno.utime(root, 1, 1);
    const dump = (path: string): string[] => dumpTree(path, { holes: false });
    assertSameDump(dump(target), dump(rootfs));
    assert.ok(dump(target).some((line) => line.includes("security.capability")));
    // What a layer took away is not there, and what it moved is.
    assert.deepEqual(
      await Array.fromAsync(Deno.readDir(`${target}/usr/bin`), ({ name }) => name),
      ["other"],
    );
    assert.equal(await Deno.readTextFile(`${target}/etc/new/file`), "old\n");

    const archived = folder.file("b.fl");
    const name = `docker-archive:${folder.file("docker.tar")}:app:v1`;
    await convertImage(name, { meta: archived, store });
    assert.deepEqual(linesOf(archived), linesOf(meta));
  },
);

requiringTest(NEEDS, "container: Ctrl-C in a download leaves no flist", async () => {
  using folder = new TempFolder();
  // A registry that answers and then falls silent.
  await using server = await faultServer({ kind: "silence" });
  const meta = folder.file("a.fl");
  const name = `127.0.0.1:${server.port}/app`;
  const args = ["-i", name, "-m", meta, "-s", `dir://${folder.file("blocks")}`, "--plain-http"];
  const child = startMyfs(["container", ...args], { program: "myfs_tool" });
  await until(() => server.requests.length > 0);
  child.kill("SIGINT");
  const { code, stderr } = await finish(child);
  assert.equal(code, 130, stderr);
  assert.ok(!folder.names().includes("a.fl"));
});
