/**
 * Certificates for tests of TLS, made by openssl: good ones and those that must be refused.
 *
 * @module
 */

import assert from "node:assert/strict";

/** Files in PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** An authority of our own, and what it signed. */
export interface Certificates {
  /** Certificate of the authority: a file in PEM. */
  readonly authority: string;
  /** For `localhost` and 127.0.0.1. */
  readonly good: CertificateFiles;
  /** For `other.example`. */
  readonly otherHost: CertificateFiles;
  /** Ended yesterday. */
  readonly expired: CertificateFiles;
  /** Signed by itself, for `localhost` and 127.0.0.1. */
  readonly selfSigned: CertificateFiles;
}

const HERE = "DNS:localhost,IP:127.0.0.1";

/** Makes certificates in `folder`, which must exist. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  const authority = `${folder}/authority.pem`;
  const authorityKey = `${folder}/authority.key`;
  await openssl(...request(authorityKey), "-x509", "-days", "2", "-out", authority);
  const sign = async (name: string, names: string, days: string): Promise<CertificateFiles> => {
    const files = { certificate: `${folder}/${name}.pem`, key: `${folder}/${name}.key` };
    const wish = `${folder}/${name}.csr`;
    const extensions = `${folder}/${name}.ext`;
    await Deno.writeTextFile(extensions, `subjectAltName=${names}\n`);
    await openssl(...request(files.key), "-out", wish);
    const by = ["-CA", authority, "-CAkey", authorityKey, "-CAcreateserial"];
    const what = ["-days", days, "-extfile", extensions, "-out", files.certificate];
    await openssl("x509", "-req", "-in", wish, ...by, ...what);
    return files;
  };
  const selfSigned = { certificate: `${folder}/self.pem`, key: `${folder}/self.key` };
  const itself = ["-x509", "-days", "2", "-addext", `subjectAltName=${HERE}`];
  await openssl(...request(selfSigned.key), ...itself, "-out", selfSigned.certificate);
  return {
    authority,
    good: await sign("good", HERE, "2"),
    otherHost: await sign("other", "DNS:other.example", "2"),
    expired: await sign("expired", HERE, "-1"),
    selfSigned,
  };
}

function request(key: string): string[] {
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  return ["req", ...curve, "-keyout", key, "-subj", "/CN=myfs test"];
}

async function openssl(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}
