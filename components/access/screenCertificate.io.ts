/** A screen's certificate and the authority that signs it: files in the guest's folder. */
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { LOOPBACK } from "../../config/screen";
import type { Screen } from "./viewer";
import { run } from "../../core/exec.io";
import { textOf } from "../../core/privateFile.io";

/** Names of the files in the guest's folder. */
export const TLS_FILES = {
  authorityKey: "spice_ca_key.pem",
  authority: "spice_ca.pem",
  key: "spice_key.pem",
  certificate: "spice_cert.pem",
} as const;

interface ScreenOf {
  readonly directory: string;
  readonly screen: Screen;
}
interface ScreenCertificate {
  /** PEM of the authority; undefined without TLS. */
  readonly authority: string | undefined;
  /** SHA-256 of the certificate's file; empty without TLS, or when it has to be renewed. */
  readonly certificate: string;
}

const DAYS = { authority: 3650, certificate: 825 } as const;
/** A certificate that expires sooner is renewed. */
const RENEW_S = 30 * 24 * 3600;

async function openssl(...args: string[]): Promise<void> {
  const result = await run(["openssl", ...args]);
  if (result.code === 0) return;
  const reason = result.stderr.trim();
  throw new Error(
    `openssl ${args[0]}: found '${reason}'; need a certificate; fix: install openssl`,
  );
}

/** Whether key and certificate are a pair; after a kill between the two renames they are not. */
async function isPair(key: string, certificate: string): Promise<boolean> {
  const [keyText, text] = [await textOf(key), await textOf(certificate)];
  if (keyText === undefined || text === undefined) return false;
  try {
    return new X509Certificate(text).checkPrivateKey(createPrivateKey(keyText));
  } catch {
    // One of the files is not a key or certificate.
    return false;
  }
}

/** The screen's existing certificate. */
export async function screenCertificate({
  directory,
  screen,
}: ScreenOf): Promise<ScreenCertificate> {
  if (screen.subject === undefined) return { authority: undefined, certificate: "" };
  const at = (name: keyof typeof TLS_FILES): string => join(directory, TLS_FILES[name]);
  const authority = await textOf(at("authority"));
  const text = await textOf(at("certificate"));
  if (
    authority === undefined ||
    text === undefined ||
    !(await isPair(at("key"), at("certificate")))
  )
    return { authority, certificate: "" };
  const [valid, signed] = [
    await run(["openssl", "x509", "-in", at("certificate"), "-noout", "-checkend", `${RENEW_S}`]),
    await run(["openssl", "verify", "-CAfile", at("authority"), at("certificate")]),
  ];
  const sound = valid.code === 0 && signed.code === 0;
  return { authority, certificate: sound ? createHash("sha256").update(text).digest("hex") : "" };
}

/** The screen's certificate, created if needed. OpenSSL writes keys with mode 0600. */
export async function ensureScreenCertificate(of: ScreenOf): Promise<ScreenCertificate> {
  const kept = await screenCertificate(of);
  const { directory, screen } = of;
  if (screen.subject === undefined || kept.certificate !== "") return kept;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const at = (name: keyof typeof TLS_FILES): string => join(directory, TLS_FILES[name]);
  const make = async (
    key: keyof typeof TLS_FILES,
    certificate: keyof typeof TLS_FILES,
    ...words: string[]
  ): Promise<void> => {
    const [newKey, newCertificate] = [`${at(key)}.partial`, `${at(certificate)}.partial`];
    for (const path of [newKey, newCertificate]) await rm(path, { force: true });
    await openssl(
      ...["req", "-x509", "-newkey", "rsa:3072", "-noenc", "-batch"],
      ...["-keyout", newKey, "-out", newCertificate, ...words],
    );
    await rename(newKey, at(key));
    await rename(newCertificate, at(certificate));
  };
  if (!(await isPair(at("authorityKey"), at("authority")))) {
    const days = ["-days", `${DAYS.authority}`];
    const usage = ["-addext", "keyUsage=critical,keyCertSign"];
    await make("authorityKey", "authority", ...days, ...usage, "-subj", "/CN=mirlab authority");
  }
  const address = screen.address ?? LOOPBACK;
  const names = [...new Set([LOOPBACK, "::1", ...(isIP(address) === 0 ? [] : [address])])];
  await make(
    ...(["key", "certificate"] as const),
    ...["-CA", at("authority"), "-CAkey", at("authorityKey"), "-days", `${DAYS.certificate}`],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth"],
    ...["-addext", `subjectAltName=${names.map((name) => `IP:${name}`).join(",")}`],
    ...["-subj", `/${screen.subject}`],
  );
  return screenCertificate(of);
}
