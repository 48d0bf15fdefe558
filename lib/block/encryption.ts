/**
 * AES-256-GCM (NIST SP 800-38D) with nonces of 12 bytes, tags of 16, and no associated data.
 *
 * The system's libcrypto works at memory speed and straight in the arrays of the caller; where it is
 * absent, `node:crypto` gives the same bytes at a twentieth of the speed.
 *
 * @module
 */

import { builtIn } from "../base/built_in.ts";
import { UnsupportedError } from "../base/errors.ts";
import { type Backend, openNativeLibrary } from "./native_library.ts";

/** Length of a cipher key in bytes. */
export const CIPHER_KEY_SIZE = 32;

/** Length of a nonce in bytes. */
export const NONCE_SIZE = 12;

/** Length of the tag that follows a ciphertext, in bytes. */
export const TAG_SIZE = 16;

/** Which message is meant: a key and a nonce that no other message shares. */
export interface CipherParams {
  /** {@link CIPHER_KEY_SIZE} secret bytes. */
  readonly key: Uint8Array;
  /** {@link NONCE_SIZE} bytes. */
  readonly nonce: Uint8Array;
}

/** AES-256-GCM on arrays of the caller. Sizes that do not fit each other are a `RangeError`. */
export interface AesGcm {
  /** Encrypts `parts`, one after the other as one message, into `sealed`: ciphertext, then tag. */
  encrypt(params: CipherParams, parts: readonly Uint8Array[], sealed: Uint8Array): void;

  /**
   * Decrypts `sealed` into `parts`, one after the other, and tells whether its tag is right. Where
   * it is not, `parts` hold nothing that may be used.
   */
  decrypt(params: CipherParams, sealed: Uint8Array, parts: readonly Uint8Array[]): boolean;
}

/** The name of the system's library for AES-256-GCM. */
export const CRYPTO_LIBRARY = "libcrypto.so.3";

/** Controls of `EVP_CIPHER_CTX_ctrl` (openssl/evp.h). */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;

const libcrypto = openNativeLibrary(CRYPTO_LIBRARY, {
  EVP_aes_256_gcm: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "buffer"], result: "i32" },
  EVP_CipherInit_ex: {
    parameters: ["pointer", "pointer", "pointer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_CipherUpdate: {
    parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
    result: "i32",
  },
  EVP_CipherFinal_ex: { parameters: ["pointer", "buffer", "buffer"], result: "i32" },
  OPENSSL_init_crypto: { parameters: ["u64", "pointer"], result: "i32" },
});

/** Option of `OPENSSL_init_crypto` (openssl/crypto.h): no cleaning up when the process exits. */
const OPENSSL_INIT_NO_ATEXIT = 0x80000n;

// By default libcrypto frees all it has while the process exits, and threads that still run, or end
// just then, free theirs a second time. Counts only before anything else of libcrypto is called.
libcrypto?.OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, null);

/** Whether the system has libcrypto. */
export const hasNativeAesGcm: boolean = libcrypto !== undefined;

/**
 * The AES-256-GCM of `backend`, by default the native one where it exists.
 *
 * @throws {UnsupportedError} when the native one is asked for and does not exist.
 */
export function aesGcm(backend?: Backend): AesGcm {
  if (backend === "native" && !hasNativeAesGcm) {
    throw new UnsupportedError(
      `Cannot use the native AES-256-GCM: ${CRYPTO_LIBRARY} could not be opened`,
    );
  }
  return backend === "portable" || !hasNativeAesGcm ? portableAesGcm : nativeAesGcm;
}

/** Where the native calls write how many bytes they wrote. */
const writtenSize = new Int32Array(1);

/** Where a final call may write, though GCM has nothing left by then. */
const finalBytes = new Uint8Array(16);

/**
 * A native call writes as many bytes as it reads, wherever it is told to: so that it stays inside of
 * the arrays, {@link checkSizes} comes first, and each call gets two arrays of one length.
 */
const nativeAesGcm: AesGcm = {
  encrypt(params: CipherParams, parts: readonly Uint8Array[], sealed: Uint8Array): void {
    checkSizes(params, parts, sealed);
    withNativeContext(params, "encrypt", (context) => {
      let at = 0;
      for (const part of parts) {
        const target = sealed.subarray(at, at + part.length);
        if (!updateNatively(context, part, target)) throw nativeFailure();
        at += part.length;
      }
      const tag = sealed.subarray(at, at + TAG_SIZE);
      const done = libcrypto!.EVP_CipherFinal_ex(context, finalBytes, writtenSize) === 1 &&
        libcrypto!.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, tag) === 1;
      if (!done) throw nativeFailure();
    });
  },

  decrypt(params: CipherParams, sealed: Uint8Array, parts: readonly Uint8Array[]): boolean {
    checkSizes(params, parts, sealed);
    return withNativeContext(params, "decrypt", (context) => {
      let at = 0;
      for (const part of parts) {
        const source = sealed.subarray(at, at + part.length);
        if (!updateNatively(context, source, part)) throw nativeFailure();
        at += part.length;
      }
      const tag = sealed.subarray(at, at + TAG_SIZE);
      if (libcrypto!.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, tag) !== 1) {
        throw nativeFailure();
      }
      return libcrypto!.EVP_CipherFinal_ex(context, finalBytes, writtenSize) === 1;
    });
  },
};

/**
 * Calls `work` with a context of its own. Making and freeing one costs a tenth of a microsecond, and
 * leaves no key and no memory behind in the library when the thread ends.
 */
function withNativeContext<Result>(
  { key, nonce }: CipherParams,
  direction: "encrypt" | "decrypt",
  work: (context: Deno.PointerValue) => Result,
): Result {
  const context = libcrypto!.EVP_CIPHER_CTX_new();
  if (context === null) throw nativeFailure();
  try {
    const cipher = libcrypto!.EVP_aes_256_gcm();
    const encrypts = direction === "encrypt" ? 1 : 0;
    if (libcrypto!.EVP_CipherInit_ex(context, cipher, null, key, nonce, encrypts) !== 1) {
      throw nativeFailure();
    }
    return work(context);
  } finally {
    libcrypto!.EVP_CIPHER_CTX_free(context);
  }
}

/** Runs the cipher over `source` into `target`, which is as long, and tells whether that worked. */
function updateNatively(
  context: Deno.PointerValue,
  source: Uint8Array,
  target: Uint8Array,
): boolean {
  // The library takes no data at all, as a null pointer, for something else than data.
  if (source.length === 0) return true;
  return libcrypto!.EVP_CipherUpdate(context, target, writtenSize, source, source.length) === 1 &&
    writtenSize[0] === source.length;
}

function nativeFailure(): UnsupportedError {
  return new UnsupportedError(`Cannot use AES-256-GCM: ${CRYPTO_LIBRARY} refused the operation`, {
    hint: "The library may be set up to allow only some ciphers: see openssl.cnf.",
  });
}

const portableAesGcm: AesGcm = {
  encrypt(params: CipherParams, parts: readonly Uint8Array[], sealed: Uint8Array): void {
    checkSizes(params, parts, sealed);
    const cipher = builtIn("node:crypto").createCipheriv("aes-256-gcm", params.key, params.nonce);
    let at = 0;
    for (const part of parts) {
      sealed.set(cipher.update(part), at);
      at += part.length;
    }
    cipher.final();
    sealed.set(cipher.getAuthTag(), at);
  },

  decrypt(params: CipherParams, sealed: Uint8Array, parts: readonly Uint8Array[]): boolean {
    checkSizes(params, parts, sealed);
    const tagAt = sealed.length - TAG_SIZE;
    const { createDecipheriv } = builtIn("node:crypto");
    const decipher = createDecipheriv("aes-256-gcm", params.key, params.nonce, {
      authTagLength: TAG_SIZE,
    });
    decipher.setAuthTag(sealed.subarray(tagAt));
    let at = 0;
    for (const part of parts) {
      part.set(decipher.update(sealed.subarray(at, at + part.length)));
      at += part.length;
    }
    try {
      decipher.final();
      return true;
    } catch {
      // The only thing left that can fail here is the comparison of the tags.
      return false;
    }
  },
};

/** Throws where the arrays do not fit each other: native code relies on that they do. */
function checkSizes(
  { key, nonce }: CipherParams,
  parts: readonly Uint8Array[],
  sealed: Uint8Array,
): void {
  if (key.length !== CIPHER_KEY_SIZE || nonce.length !== NONCE_SIZE) {
    throw new RangeError(
      `Cannot run AES-256-GCM with a key of ${key.length} and a nonce of ${nonce.length} bytes: ` +
        `it takes ${CIPHER_KEY_SIZE} and ${NONCE_SIZE}`,
    );
  }
  let size = 0;
  for (const part of parts) size += part.length;
  if (sealed.length !== size + TAG_SIZE) {
    throw new RangeError(
      `Cannot run AES-256-GCM between ${size} plain and ${sealed.length} sealed bytes: ` +
        `the sealed ones are ${TAG_SIZE} more`,
    );
  }
}
