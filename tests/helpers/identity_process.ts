/**
 * Looks for S3 credentials in a process of its own, whose environment a test chooses. The argument is
 * the URL of a store; the answer, or the error, is a line of JSON.
 *
 * @module
 */

import { findIdentity } from "../../lib/store/s3_credentials.ts";
import { parseS3Url } from "../../lib/store/s3_url.ts";

if (import.meta.main) {
  let answer: unknown;
  try {
    const find = await findIdentity("s3://host/b", parseS3Url(Deno.args[0]!));
    answer = { identity: await find?.() ?? "nobody" };
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    answer = { message, hint };
  }
  await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
}
