/**
 * A configuration file that shows every setting with its default.
 *
 * @module
 */

import { stringify } from "smol-toml";
import { Settings } from "./settings.ts";

/** Settings without a default, as an example shows them. */
const EXAMPLES: Readonly<Record<string, unknown>> = {
  socket_path: "/run/myfs/rpc.sock",
  tls_cert: "/etc/myfs/cert.pem",
  tls_key: "/etc/myfs/key.pem",
  data_dir: "/var/lib/myfs-hub",
  store_url: ["dir:///var/lib/myfs-hub/storage/blocks"],
  flist_dir: "/var/lib/myfs-hub/flists",
  sqlite_path: "/var/lib/myfs-hub/hub.sqlite",
  storage_dir: "/var/lib/myfs-hub/storage",
  public_url: "https://hub.example.org",
  registry_ca: "/etc/myfs/registries.pem",
  jwt_secret: "at least 32 bytes; better keep it in MYFS_HUB_JWT_SECRET_FILE",
};

/** The file's text: every setting behind a `#`, so that the file as it is changes nothing. */
export function exampleConfig(): string {
  const defaults: Record<string, unknown> = Settings.parse({});
  const settings = Object.entries(Settings.shape).filter(([name]) => name !== "users").map(
    ([name, schema]) => {
      const value = stringify({ [name]: defaults[name] ?? EXAMPLES[name] }).trim();
      const purpose = schema.description === undefined ? "" : `# ${schema.description}\n`;
      return `${purpose}#${value}\n`;
    },
  );
  return [
    "# Settings of myfs-hub, with what they are unless they are set. Each can also come from the\n" +
    "# environment, as MYFS_HUB_PORT, or from a file that it names, as MYFS_HUB_PORT_FILE.\n",
    ...settings,
    "# Users, as rfs has them; better make them with 'myfs-hub user add', which keeps no password in\n" +
    '# plain text. A role is "user" or "admin".\n' +
    '#[[users]]\n#username = "alice"\n#password = "…"\n#role = "user"\n',
  ].join("\n");
}
