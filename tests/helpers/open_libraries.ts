/**
 * Opens the system libraries that myfs opens when it first needs them, so that no test is blamed for
 * what stays open as long as the process lives.
 *
 * @module
 */

import { createBlockCodec } from "../../lib/block/block_codec.ts";
import { libc } from "../../lib/linux/libc.ts";
import { FileSystemSync } from "../../lib/store/file_system_sync.ts";

if (Deno.build.os === "linux") libc();
createBlockCodec("myfs");
FileSystemSync.isAvailable();
