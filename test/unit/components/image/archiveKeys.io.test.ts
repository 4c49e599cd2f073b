/** Keys of archives, made here. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { generateKey, readKey } from "openpgp";
import { lookAtArchiveKeys, sourceOptions } from "../../../../components/image/archiveKeys.io";
import { readLab } from "../../../../config/lab";
import { GuestConfig, Lab } from "../../../../config/schema";
import { temporaryFolder } from "../../support";

const folder = temporaryFolder();
const MIR = { name: "Mir team" };

/** A key pair, ASCII-armoured, with the public half's fingerprint. */
async function key(options: { date?: Date; keyExpirationTime?: number } = {}) {
  const pair = await generateKey({ type: "ecc", userIDs: [MIR], format: "armored", ...options });
  const fingerprint = (await readKey({ armoredKey: pair.publicKey })).getFingerprint();
  return { ...pair, fingerprint };
}

let files = 0;
function written(content: string | Uint8Array): string {
  const file = join(folder, `key-${files++}.asc`);
  writeFileSync(file, content);
  return file;
}

function labWith(file: string, fingerprint: string, more: object = {}): Lab {
  const source = { uri: "https://a.example/mir", suite: "trixie", key: { file, fingerprint } };
  const image = { source: "debian", suite: "trixie", apt: { sources: [{ ...source, ...more }] } };
  const { lab, faults } = readLab({ guests: [{ name: "mir", image }] });
  assert.deepEqual(faults, []);
  assert.ok(lab);
  return lab;
}

async function finding(file: string, fingerprint: string): Promise<string> {
  const [found, ...more] = await lookAtArchiveKeys(labWith(file, fingerprint));
  assert.ok(found);
  assert.deepEqual(more, []);
  assert.equal(found.path, "guests[0].image.apt.sources[0].key");
  return `${found.severity}: ${found.found}; fix: ${found.fix}`;
}

describe("the key of an archive", () => {
  it("is accepted by its fingerprint, in capitals or not", async () => {
    const { publicKey, fingerprint } = await key();
    const file = written(publicKey);
    for (const print of [fingerprint, fingerprint.toUpperCase()])
      assert.equal(await finding(file, print), `ok: ${file} (${fingerprint.toUpperCase()}); fix: `);
  });

  it("is refused where it is another, more than one, private, expired, binary, or none", async () => {
    const { publicKey, privateKey, fingerprint } = await key();
    const other = await key();
    const old = await key({ date: new Date("2020-01-01"), keyExpirationTime: 86_400 });
    const binary = (await readKey({ armoredKey: publicKey })).write();
    const cases: [string | Uint8Array, string, RegExp][] = [
      [other.publicKey, fingerprint, /^fail: \S+ with [0-9A-F]{40}; fix: get the key and its/],
      [publicKey + other.publicKey, fingerprint, /^fail: \S+ with 2 blocks; fix: name a file/],
      [privateKey, fingerprint, /^fail: \S+, which has a private key; fix: gpg --armor --export/],
      [old.publicKey, old.fingerprint, /^fail: \S+, which expired on 2020-01-02; fix: get the/],
      [
        binary,
        fingerprint,
        /^fail: \S+, which is no such key .*; fix: gpg --no-default-keyring --keyring/,
      ],
      ["nonsense", fingerprint, /^fail: \S+, which is no such key /],
      ["x".repeat(40_000), fingerprint, /^fail: \S+ of more than 32768 bytes; fix: name the key/],
    ];
    for (const [content, print, expected] of cases)
      assert.match(await finding(written(content), print), expected);
    assert.match(await finding(join(folder, "none"), fingerprint), /^fail: ENOENT.*; fix: name a/);
  });

  it("reaches the script with its source, and nothing else does", async () => {
    const { publicKey, fingerprint } = await key();
    const file = written(publicKey);
    const options = (more: object): string[] => {
      const [guest] = labWith(file, fingerprint, more).guests;
      return sourceOptions(guest?.image as Extract<GuestConfig["image"], { suite: string }>);
    };
    const base64 = Buffer.from(publicKey).toString("base64");
    assert.deepEqual(options({}), ["--source", `- ${base64} https://a.example/mir trixie main`]);
    assert.deepEqual(options({ priority: 700, components: ["main", "extra"] }), [
      "--source",
      `700 ${base64} https://a.example/mir trixie main extra`,
    ]);
  });

  it("is asked of no other image", async () => {
    const { lab } = readLab({ guests: [{ name: "mir" }] });
    assert.ok(lab);
    assert.deepEqual(await lookAtArchiveKeys(lab), []);
  });
});
