/**
 * A folder for one test.
 *
 * @module
 */

// System libraries stay open once they are: opened in a test, they would count as its leak.
import "./open_libraries.ts";

/** A new folder that is removed, with all in it, at the end of the scope. */
export class TempFolder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "myfs_test_" });

  /** Path of `name` in the folder. */
  file(name: string): string {
    return `${this.path}/${name}`;
  }

  /** Makes the folder `name`, writes `files` (content by path) into it, and gives its path. */
  tree(name: string, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
    const root = this.file(name);
    Deno.mkdirSync(root, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      const slash = path.lastIndexOf("/");
      if (slash > 0) Deno.mkdirSync(`${root}/${path.slice(0, slash)}`, { recursive: true });
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      Deno.writeFileSync(`${root}/${path}`, bytes);
    }
    return root;
  }

  /** Names in the folder, or in one of its folders, sorted. */
  names(folder = ""): string[] {
    return Array.from(Deno.readDirSync(`${this.path}/${folder}`), ({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    try {
      Deno.removeSync(this.path, { recursive: true });
    } catch {
      // Directories that their owner may not enter: root needs none of this.
      const options = { stdout: "null", stderr: "null" } as const;
      new Deno.Command("chmod", { args: ["-R", "u+rwX", this.path], ...options }).outputSync();
      Deno.removeSync(this.path, { recursive: true });
    }
  }
}
