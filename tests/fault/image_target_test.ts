/**
 * Targets that refuse: what a system cannot keep is told and the rest is done; what stops the work
 * leaves the target as it was. Method: strace lets system calls of an unpack fail.
 *
 * @module
 */

import assert from "node:assert/strict";
import { packDirectory, unpackImage, type UnpackReport } from "../../mod.ts";
import { type ApiAnswer, runApi, UnprivilegedUser } from "../helpers/api_runner.ts";
import { requiringTest } from "../helpers/require.ts";
import { SeededRandom } from "../helpers/seeded_random.ts";
import { TempFolder } from "../helpers/temp_folder.ts";

const random = new SeededRandom(21);
const FILES = {
  "a/small": "small",
  "a/b/large": random.bytes(1_500_000),
  "c": random.bytes(5000),
};

async function pack(folder: TempFolder): Promise<string> {
  const source = folder.tree("tree", FILES);
  await Deno.chmod(`${source}/c`, 0o640);
  await Deno.symlink("c", `${source}/link`);
  const meta = folder.file("a.fl");
  await packDirectory(source, { meta, store: `dir://${folder.file("blocks")}`, jobs: 1 });
  return meta;
}

/** Unpacks under strace, with `calls` failing as `fault` says. */
async function unpackFailing(
  folder: TempFolder,
  calls: string,
  fault: string,
): Promise<ApiAnswer<UnpackReport>> {
  const inject = ["-e", `trace=${calls}`, "-e", `inject=${calls}:${fault}`];
  const under = ["strace", "-f", "-qq", "-o", "/dev/null", ...inject];
  const options = { trustRoutes: true, jobs: 1 };
  return await runApi(["unpack", folder.file("a.fl"), folder.file("out"), options], { under });
}

for (
  const [calls, errno, what, count] of [
    ["fchmod", "EPERM", "permissions", 6],
    ["fchmod", "EOPNOTSUPP", "permissions", 6],
    ["utimensat", "EPERM", "time", 7],
    ["utimensat", "EINVAL", "time", 7],
  ] as const
) {
  requiringTest(
    ["linux", "strace"],
    `refusing target: ${calls} fails with ${errno}, everything is there, the loss is counted`,
    async () => {
      using folder = new TempFolder();
      await pack(folder);
      const { report } = await unpackFailing(folder, calls, `error=${errno}`);
      assert.deepEqual(report?.failures, []);
      assert.deepEqual(report.losses.map((loss) => [loss.what, loss.count]), [[what, count]]);
      for (const [path, content] of Object.entries(FILES)) {
        const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
        assert.deepEqual(await Deno.readFile(folder.file(`out/${path}`)), bytes, path);
      }
      // Nobody else may read what was meant to have other permissions.
      if (what === "permissions") {
        assert.equal((await Deno.stat(folder.file("out/c"))).mode! & 0o777, 0o600);
      }
    },
  );
}

for (
  const [calls, fault, errno] of [
    ["pwrite64", "error=ENOSPC:when=3", "ENOSPC"],
    ["pwrite64", "error=EIO:when=2", "EIO"],
    ["pwrite64", "error=EDQUOT:when=1", "EDQUOT"],
    ["mkdirat", "error=EROFS:when=1", "EROFS"],
    ["symlinkat", "error=ENOSPC", "ENOSPC"],
  ] as const
) {
  requiringTest(
    ["linux", "strace"],
    `refusing target: ${calls} fails with ${errno}, the error names it, nothing is left`,
    async () => {
      using folder = new TempFolder();
      await pack(folder);
      folder.tree("out", { "mine": "mine" });
      const { problem } = await unpackFailing(folder, calls, fault);
      assert.equal(problem?.code, "system");
      assert.equal(problem.name, "SystemError");
      assert.match(problem.message, new RegExp(`^Cannot .*\\(${errno}\\)$`));
      assert.deepEqual(folder.names("out"), ["mine"]);
    },
  );
}

requiringTest(
  ["linux", "strace"],
  "refusing target: interrupted and short writes are no failures",
  async () => {
    using folder = new TempFolder();
    await pack(folder);
    const { report } = await unpackFailing(folder, "pwrite64", "error=EINTR:when=1+2");
    assert.deepEqual(report?.failures, []);
    for (const path of ["a/b/large", "c"] as const) {
      assert.deepEqual(await Deno.readFile(folder.file(`out/${path}`)), FILES[path]);
    }
  },
);

requiringTest(
  ["linux", "root", "cp"],
  "refusing target: a directory of somebody else keeps its metadata, and gets what it may",
  async () => {
    using folder = new TempFolder();
    const user = new UnprivilegedUser(folder.tree("program"));
    await pack(folder);
    await Deno.chmod(folder.path, 0o755);
    const target = folder.tree("out", { "a/theirs": "theirs", "closed/x": "x" });
    await Deno.chmod(target, 0o777);
    await Deno.chmod(`${target}/a`, 0o755);
    const { report } = await user.run<UnpackReport>(["unpack", folder.file("a.fl"), target, {
      trustRoutes: true,
    }]);
    // What would have to go into `a` cannot.
    assert.deepEqual(report?.failures.map(({ path }) => path).sort(), ["a/b", "a/small"]);
    for (const { reason } of report.failures) assert.match(reason, /EACCES|EPERM/);
    const losses = Object.fromEntries(report.losses.map((loss) => [loss.what, loss.count]));
    assert.deepEqual(losses, { permissions: 2, time: 2 });
    assert.deepEqual(folder.names("out"), ["a", "c", "closed", "link"]);
    assert.deepEqual(folder.names("out/a"), ["theirs"]);
    assert.equal((await Deno.stat(target)).mode! & 0o777, 0o777);
  },
);

Deno.test("unpack: two at once into one target both end well", async () => {
  using folder = new TempFolder();
  const meta = await pack(folder);
  const target = folder.file("out");
  const reports = await Promise.all([1, 2, 3].map(() => unpackImage(meta, target, { jobs: 1 })));
  for (const { failures } of reports) assert.deepEqual(failures, []);
  assert.deepEqual(folder.names("out"), ["a", "c", "link"]);
  assert.deepEqual(await Deno.readFile(`${target}/a/b/large`), FILES["a/b/large"]);
});

Deno.test("pack: two at once of one tree into one store and one flist both end well", async () => {
  using folder = new TempFolder();
  const source = folder.tree("tree", FILES);
  const store = `dir://${folder.file("blocks")}`;
  const meta = folder.file("a.fl");
  const reports = await Promise.all(
    [1, 2, 3].map(() => packDirectory(source, { meta, store, jobs: 2 })),
  );
  for (const { failures, chunks } of reports) {
    assert.deepEqual(failures, []);
    assert.equal(chunks, reports[0]!.chunks);
  }
  await unpackImage(meta, folder.file("out"));
  assert.deepEqual(await Deno.readFile(folder.file("out/a/b/large")), FILES["a/b/large"]);
  assert.deepEqual(folder.names(), ["a.fl", "blocks", "out", "tree"]);
});
