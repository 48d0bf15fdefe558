/**
 * Platforms of container images: operating system, architecture and its variant.
 *
 * @module
 */

/** What an image runs on, in the words of Go and OCI. */
export interface Platform {
  /** Such as `linux`. */
  readonly os: string;
  /** Such as `amd64`. */
  readonly architecture: string;
  /** Such as `v7`; undefined where the architecture has none, or its usual one. */
  readonly variant: string | undefined;
}

/** Other names of architectures, and the variant that they mean. */
const ARCHITECTURES: Readonly<Record<string, readonly [name: string, variant?: string]>> = {
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  i386: ["386"],
  i686: ["386"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

/** Variants that are meant where none is named. */
const USUAL_VARIANTS: Readonly<Record<string, string>> = { arm: "v7", arm64: "v8", amd64: "v1" };

/**
 * Reads `os/architecture[/variant]`, such as `linux/arm/v7`.
 *
 * @throws {SyntaxError} when it is not that.
 */
export function parsePlatform(text: string): Platform {
  const match = /^([a-z0-9]+)\/([a-z0-9_-]+)(?:\/([a-z0-9.]+))?$/i.exec(text.trim());
  if (match === null) {
    throw new SyntaxError(
      `Cannot read ${JSON.stringify(text)} as a platform: it is written os/architecture or ` +
        "os/architecture/variant, such as linux/arm64",
    );
  }
  return normalPlatform(match[1]!, match[2]!, match[3]);
}

/** A platform in its one true spelling. */
export function normalPlatform(
  os: string,
  architecture: string,
  variant: string | undefined,
): Platform {
  const name = architecture.toLowerCase();
  const [normal, meant] = ARCHITECTURES[name] ?? [name];
  const given = variant === undefined || variant === ""
    ? meant
    : variant.toLowerCase().replace(/^(?=\d)/, "v");
  const isUsual = given === USUAL_VARIANTS[normal] && normal !== "arm";
  return { os: os.toLowerCase(), architecture: normal, variant: isUsual ? undefined : given };
}

/** The text that {@link parsePlatform} reads as `platform`. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? "" : `/${variant}`}`;
}

/** Deno's names of architectures. */
const MACHINES: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** What images run on this machine: Linux, whatever the operating system. */
export function machinePlatform(): Platform {
  return normalPlatform("linux", MACHINES[Deno.build.arch] ?? Deno.build.arch, undefined);
}

/**
 * How well an image of platform `offered` runs where `wanted` is asked for: the higher the better;
 * undefined where it does not. A processor runs what was made for older ones of its family.
 */
export function platformFit(wanted: Platform, offered: Platform): number | undefined {
  if (wanted.os !== offered.os || wanted.architecture !== offered.architecture) return undefined;
  const want = variantNumber(wanted);
  const offer = variantNumber(offered);
  if (want === undefined || offer === undefined) {
    return wanted.variant === offered.variant ? 0 : undefined;
  }
  return offer <= want ? offer : undefined;
}

/** The number of a variant such as `v7`; undefined where it is none. */
function variantNumber({ architecture, variant }: Platform): number | undefined {
  const text = variant ?? USUAL_VARIANTS[architecture] ?? "v0";
  return /^v\d{1,3}$/.test(text) ? Number(text.slice(1)) : undefined;
}
