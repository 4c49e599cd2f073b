import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  ensureScreenCertificate,
  screenCertificate,
  TLS_FILES,
} from "../../../../components/access/screenCertificate.io";
import type { Screen } from "../../../../components/access/viewer";
import { FakePrograms, temporaryFolder } from "../../support";

const SUBJECT = "CN=mirlab dev mir";
const SCREEN: Screen = { title: "Mir: mir", port: 5901, subject: SUBJECT };
const { subject: _subject, ...CLEAR } = SCREEN;
/** The path of the real program. */
const OPENSSL = execFileSync("sh", ["-c", "command -v openssl"], { encoding: "utf8" }).trim();

interface Guest {
  readonly directory: string;
  readonly screen: Screen;
  readonly at: (name: keyof typeof TLS_FILES) => string;
  readonly certificate: () => X509Certificate;
}

function guest(change: Partial<Screen> = {}): Guest {
  const directory = join(temporaryFolder(), "guest");
  const at = (name: keyof typeof TLS_FILES): string => join(directory, TLS_FILES[name]);
  const certificate = (): X509Certificate => new X509Certificate(readFileSync(at("certificate")));
  return { directory, screen: { ...SCREEN, ...change }, at, certificate };
}

/** A guest with its certificate. */
async function created(change: Partial<Screen> = {}): Promise<Guest> {
  const of = guest(change);
  await ensureScreenCertificate(of);
  return of;
}

/** Days from now until a date of a certificate. */
const daysUntil = (date: string): number => (Date.parse(date) - Date.now()) / 86_400_000;

describe("a screen without TLS", () => {
  it("has no certificate, and gets none", async () => {
    const { directory } = guest();
    const none = { authority: undefined, certificate: "" };
    assert.deepEqual(await screenCertificate({ directory, screen: CLEAR }), none);
    assert.deepEqual(await ensureScreenCertificate({ directory, screen: CLEAR }), none);
    assert.ok(!existsSync(directory));
  });
});

describe("a screen's certificate", () => {
  it("is reported as missing, and a look creates nothing", async () => {
    const of = guest();
    assert.deepEqual(await screenCertificate(of), { authority: undefined, certificate: "" });
    assert.ok(!existsSync(of.directory));
  });

  it("is signed by the guest's own authority, for a server on loopback", async () => {
    const of = guest();
    const { authority, certificate } = await ensureScreenCertificate(of);
    const [ca, own] = [new X509Certificate(authority ?? ""), of.certificate()];
    assert.equal(authority, readFileSync(of.at("authority"), "utf8"));
    assert.equal(
      certificate,
      createHash("sha256")
        .update(readFileSync(of.at("certificate")))
        .digest("hex"),
    );
    assert.equal(own.subject, SUBJECT);
    assert.equal(own.subjectAltName, "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    assert.ok(own.verify(ca.publicKey));
    assert.deepEqual([ca.ca, own.ca], [true, false]);
    assert.deepEqual(own.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
    assert.ok(own.checkPrivateKey(createPrivateKey(readFileSync(of.at("key")))));
    assert.ok(daysUntil(own.validTo) > 800 && daysUntil(own.validTo) < 826);
    assert.ok(daysUntil(ca.validTo) > 3600);
  });

  it("names the address that other machines use, but never a host name", async () => {
    const names = async (address: string): Promise<string | undefined> =>
      (await created({ address })).certificate().subjectAltName;
    const loopback = "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1";
    assert.equal(await names("192.0.2.1"), `${loopback}, IP Address:192.0.2.1`);
    assert.equal(await names("lab.example"), loopback);
  });

  it("has keys that only their owner may read", async () => {
    const of = await created();
    for (const name of ["key", "authorityKey"] as const)
      assert.equal(statSync(of.at(name)).mode & 0o777, 0o600, name);
    assert.equal(statSync(of.directory).mode & 0o777, 0o700);
  });

  it("is kept while it is sound", async () => {
    const of = await created();
    const [before, key] = [await screenCertificate(of), readFileSync(of.at("key"))];
    assert.deepEqual(await ensureScreenCertificate(of), before);
    assert.deepEqual(readFileSync(of.at("key")), key);
  });

  it("is renewed by the same authority if its key or file is missing or malformed", async () => {
    const of = await created();
    const spoil: (() => void)[] = [
      () => rmSync(of.at("key")),
      () => rmSync(of.at("certificate")),
      () => writeFileSync(of.at("certificate"), "x"),
    ];
    for (const act of spoil) {
      const { authority } = await screenCertificate(of);
      act();
      assert.deepEqual(await screenCertificate(of), { authority, certificate: "" });
      const again = await ensureScreenCertificate(of);
      assert.equal(again.authority, authority, "viewers keep their authority");
      assert.notEqual(again.certificate, "");
    }
  });

  it("is renewed if somebody else signed it", async () => {
    const [of, other] = [await created(), await created()];
    for (const name of ["key", "certificate"] as const)
      writeFileSync(of.at(name), readFileSync(other.at(name)));
    assert.equal((await screenCertificate(of)).certificate, "");
    await ensureScreenCertificate(of);
    assert.ok(
      of.certificate().verify(new X509Certificate(readFileSync(of.at("authority"))).publicKey),
    );
  });

  it("is renewed after a kill left the new key beside the old certificate", async () => {
    const [of, other] = [await created(), await created()];
    writeFileSync(of.at("key"), readFileSync(other.at("key")));
    assert.equal((await screenCertificate(of)).certificate, "");
    await ensureScreenCertificate(of);
    assert.ok(of.certificate().checkPrivateKey(createPrivateKey(readFileSync(of.at("key")))));
    // The same for the authority, which could not sign without its own key.
    writeFileSync(of.at("authorityKey"), readFileSync(other.at("authorityKey")));
    rmSync(of.at("certificate"));
    assert.notEqual((await ensureScreenCertificate(of)).certificate, "");
  });

  it("is renewed with the authority if the authority's key is missing", async () => {
    const of = await created();
    const { authority } = await screenCertificate(of);
    rmSync(of.at("authorityKey"));
    rmSync(of.at("certificate"));
    const again = await ensureScreenCertificate(of);
    assert.notEqual(again.authority, authority);
    assert.notEqual(again.certificate, "");
  });

  it("is renewed in the month before it expires", async () => {
    const of = await created();
    const sign = (days: number): void => {
      const words = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-batch", "-days", `${days}`];
      const by = ["-CA", of.at("authority"), "-CAkey", of.at("authorityKey")];
      const to = ["-keyout", of.at("key"), "-out", of.at("certificate"), "-subj", `/${SUBJECT}`];
      execFileSync(OPENSSL, [...words, ...by, ...to], { stdio: "ignore" });
    };
    sign(31);
    assert.notEqual((await screenCertificate(of)).certificate, "");
    sign(29);
    assert.equal((await screenCertificate(of)).certificate, "");
    await ensureScreenCertificate(of);
    assert.ok(daysUntil(of.certificate().validTo) > 800);
  });

  it("is never written through a symlink", async () => {
    const of = await created();
    const victim = join(temporaryFolder(), "victim");
    writeFileSync(victim, "before");
    rmSync(of.at("certificate"));
    for (const name of ["key", "certificate"] as const)
      symlinkSync(victim, `${of.at(name)}.partial`);
    await ensureScreenCertificate(of);
    assert.equal(readFileSync(victim, "utf8"), "before");
    assert.equal(of.certificate().subject, SUBJECT);
  });

  it("names openssl if it fails, and leaves no half of a pair", async () => {
    const of = await created();
    rmSync(of.at("certificate"));
    const key = readFileSync(of.at("key"));
    const programs = new FakePrograms();
    // Writes the key, and fails before the certificate.
    programs.set(
      "openssl",
      `if [[ $1 == req ]]; then printf half >"$8"; echo 'no config' >&2; exit 1; fi; exec ${OPENSSL} "$@"`,
    );
    await assert.rejects(
      ensureScreenCertificate(of),
      /^Error: openssl req: found 'no config'; need a certificate; fix: install openssl$/,
    );
    assert.deepEqual(readFileSync(of.at("key")), key);
  });
});
