/**
 * Publishes a directory on a hub under a name and a tag, so that others unpack or mount it with
 * nothing but that name. Run it after each build: the hub is sent only what it does not have, and a
 * tree that has not changed is told.
 *
 *     export MYFS_HUB_TOKEN=…   # from: myfs token create builds --scope write
 *     deno run -A scripts_examples/publish_on_hub.ts ./site hub://127.0.0.1:3000/alice/site:latest
 *
 * Without a token, MYFS_HUB_PASSWORD signs in the user that the name begins with.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a script talks to whoever runs it

import { connectHub, formatHubFlist, MyfsError, parseHubFlist, uploadTree } from "myfs";

const [directory, name] = Deno.args;
if (directory === undefined || name === undefined) {
  console.error(
    "Usage: deno run -A scripts_examples/publish_on_hub.ts <directory> <hub://host/user/name:tag>",
  );
  Deno.exit(2);
}

try {
  const reference = parseHubFlist(name);
  if (reference.kind === "digest") throw new SyntaxError("Name it, as in hub://host/user/name:tag");
  const { hub, user, flist, tag } = reference;
  const token = Deno.env.get("MYFS_HUB_TOKEN");
  const password = Deno.env.get("MYFS_HUB_PASSWORD");
  const client = await connectHub(hub.name, {
    ...(token === undefined ? {} : { token }),
    ...(token === undefined && password !== undefined ? { user, password } : {}),
  });

  const known = await client.flists({ user, query: flist });
  const before = known.flists.find((other) => other.name === flist && other.tag === tag)?.digest;
  const { hash, pack } = await uploadTree(client, directory, { name: reference });
  for (const { path, reason } of pack.failures) console.error(`left out: ${path}: ${reason}`);
  if (pack.failures.length > 0) Deno.exitCode = 3;

  console.log(`${formatHubFlist(reference)} is ${hash}`);
  console.log(
    hash === before
      ? "It was the same before."
      : `${pack.blocksStored} blocks went there, ${pack.blocksPresent} were there already.`,
  );
  const { history } = await client.flistHistory(user, flist);
  for (const event of history) console.log(`${event.at}  ${event.tag}  ${event.digest ?? "-"}`);
} catch (error) {
  if (!(error instanceof MyfsError || error instanceof SyntaxError)) throw error;
  console.error(error.message);
  if (error instanceof MyfsError && error.hint !== undefined) console.error(error.hint);
  Deno.exit(1);
}
