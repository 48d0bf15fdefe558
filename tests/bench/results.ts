/**
 * Keeps what was measured.
 *
 * @module
 */

/** Leaves all figures of a run in `folder`, as JSON and as Markdown, under the time of day. */
export async function saveResults(
  folder: string,
  report: unknown,
  rendered: string,
): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  const name = `${folder}/${new Date().toISOString().replaceAll(":", "-").slice(0, 19)}`;
  await Deno.writeTextFile(`${name}.json`, JSON.stringify(report, null, 2));
  await Deno.writeTextFile(`${name}.md`, `${rendered}\n`);
}
