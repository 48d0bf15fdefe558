/**
 * Programs that tests run and no Debian package has: `.ci/run` puts them into a cache folder.
 *
 * @module
 */

/** Their names, and what each is. */
export const CI_PROGRAMS = {
  weed: "SeaweedFS",
  versitygw: "Versity's S3 gateway",
  schemathesis: "schemathesis",
} as const;

/** Path of a program; undefined where this machine does not have it. */
export function programPath(name: keyof typeof CI_PROGRAMS): string | undefined {
  const home = Deno.env.get("HOME") ?? "/";
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${home}/.cache`;
  const folders = [`${cache}/myfs-ci/bin`, ...(Deno.env.get("PATH") ?? "").split(":")];
  return folders.map((folder) => `${folder}/${name}`).find(isFile);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
