/**
 * How the blocks of a flist are opened.
 *
 * @module
 */

import { type BlockCodec, createBlockCodec } from "../block/block_codec.ts";
import type { Profile } from "../block/profile.ts";
import { CHUNK_KEYS_TAG, SECRET_CHUNK_KEYS } from "../flist/schema.ts";
import type { FlistReader } from "../flist/flist_reader.ts";

/** What a thread needs to know to open the blocks of a flist: plain data. */
export interface FlistCodecSetup {
  readonly profile: Profile;
  /**
   * Whether chunks are checked against their keys. Keys made with a domain secret cannot be checked
   * by those who do not know it; ids always are.
   */
  readonly verifyKey: boolean;
}

/** How the blocks of `flist` are opened. */
export function codecSetupOf(flist: FlistReader): FlistCodecSetup {
  const verifyKey = flist.tags().get(CHUNK_KEYS_TAG) !== SECRET_CHUNK_KEYS;
  return { profile: flist.profile, verifyKey };
}

/** The codec that `setup` describes. */
export function openFlistCodec({ profile, verifyKey }: FlistCodecSetup): BlockCodec {
  return createBlockCodec(profile, { verifyKey });
}
