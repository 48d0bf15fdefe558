/**
 * Goal: both back ends are AES-256-GCM, alike, and touch no byte that is not theirs. Method: the test
 * cases of the GCM specification (McGrew and Viega, appendix B), comparison, and guard bytes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { aesGcm } from "../../../../lib/block/encryption.ts";
import { testBackends } from "./block_testing.ts";
import { SeededRandom } from "../../../helpers/seeded_random.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text);

const specified = [
  {
    name: "13",
    key: hex("00".repeat(32)),
    nonce: hex("00".repeat(12)),
    plain: hex(""),
    sealed: "530f8afbc74536b9a963b4f1c4cb738b",
  },
  {
    name: "14",
    key: hex("00".repeat(32)),
    nonce: hex("00".repeat(12)),
    plain: hex("00".repeat(16)),
    sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919",
  },
  {
    name: "15",
    key: hex("feffe9928665731c6d6a8f9467308308".repeat(2)),
    nonce: hex("cafebabefacedbaddecaf888"),
    plain: hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
    ),
    sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad" +
      "b094dac5d93471bdec1a502270e3cc6c",
  },
];

testBackends("AES-256-GCM: gives what the specification's test cases give", (backend) => {
  for (const { name, key, nonce, plain, sealed } of specified) {
    const found = new Uint8Array(plain.length + 16);
    aesGcm(backend).encrypt({ key, nonce }, [plain], found);
    assert.equal(found.toHex(), sealed, `test case ${name}`);
    const opened = new Uint8Array(plain.length);
    assert.ok(aesGcm(backend).decrypt({ key, nonce }, found, [opened]));
    assert.deepEqual(opened, plain);
  }
});

testBackends("AES-256-GCM: parts are one message, wherever it is divided", (backend) => {
  const random = new SeededRandom(2);
  const params = { key: random.bytes(32), nonce: random.bytes(12) };
  for (const length of [1, 15, 16, 17, 100, 4097]) {
    const plain = random.bytes(length);
    const whole = new Uint8Array(length + 16);
    aesGcm(backend).encrypt(params, [plain], whole);
    for (const at of [0, 1, 7, length >> 1, length].filter((at) => at <= length)) {
      const divided = new Uint8Array(length + 16);
      const parts = [plain.subarray(0, at), plain.subarray(at)];
      aesGcm(backend).encrypt(params, parts, divided);
      assert.deepEqual(divided, whole);
      const opened = new Uint8Array(length);
      assert.ok(
        aesGcm(backend).decrypt(params, whole, [opened.subarray(0, at), opened.subarray(at)]),
      );
      assert.deepEqual(opened, plain);
    }
  }
});

testBackends("AES-256-GCM: tells every changed bit, nonce and key", (backend) => {
  const random = new SeededRandom(3);
  const params = { key: random.bytes(32), nonce: random.bytes(12) };
  const sealed = new Uint8Array(20 + 16);
  aesGcm(backend).encrypt(params, [random.bytes(20)], sealed);
  const opened = new Uint8Array(20);
  for (const bytes of [sealed, params.key, params.nonce]) {
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(aesGcm(backend).decrypt(params, sealed, [opened]), false);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  }
  assert.ok(aesGcm(backend).decrypt(params, sealed, [opened]));
});

testBackends("AES-256-GCM: sizes that do not fit each other are a RangeError", (backend) => {
  const gcm = aesGcm(backend);
  const params = { key: new Uint8Array(32), nonce: new Uint8Array(12) };
  const plain = new Uint8Array(100);
  for (const length of [0, 15, 16, 100, 115, 117]) {
    const sealed = new Uint8Array(length);
    assert.throws(() => gcm.encrypt(params, [plain], sealed), RangeError);
    assert.throws(() => gcm.decrypt(params, sealed, [plain]), RangeError);
  }
  const sealed = new Uint8Array(116);
  for (const length of [0, 16, 31, 33]) {
    const wrong = { ...params, key: new Uint8Array(length) };
    assert.throws(() => gcm.encrypt(wrong, [plain], sealed), RangeError);
    assert.throws(() => gcm.decrypt(wrong, sealed, [plain]), RangeError);
  }
  for (const length of [0, 11, 13]) {
    const wrong = { ...params, nonce: new Uint8Array(length) };
    assert.throws(() => gcm.encrypt(wrong, [plain], sealed), RangeError);
    assert.throws(() => gcm.decrypt(wrong, sealed, [plain]), RangeError);
  }
});

testBackends("AES-256-GCM: writes no byte beside the arrays it is given", (backend) => {
  const params = { key: new Uint8Array(32).fill(1), nonce: new Uint8Array(12).fill(2) };
  for (let length = 0; length < 70; length++) {
    const memory = new Uint8Array(300).fill(0xee);
    const sealed = memory.subarray(64, 64 + length + 16);
    aesGcm(backend).encrypt(params, [new Uint8Array(length)], sealed);
    const copy = sealed.slice();
    memory.fill(0xee);
    aesGcm(backend).decrypt(params, copy, [memory.subarray(64, 64 + length)]);
    assert.ok(memory.subarray(0, 64).every((byte) => byte === 0xee));
    assert.ok(memory.subarray(64 + length).every((byte) => byte === 0xee));
  }
});
