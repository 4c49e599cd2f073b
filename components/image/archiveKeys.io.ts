/** Keys of the archives that images take more packages from: read here, and compared with their fingerprints. */
import { readFileSync, statSync } from "node:fs";
import { readKeys } from "openpgp";
import { GuestConfig, Lab } from "../../config/schema";
import { shellWord } from "../../core/quote";
import { Finding } from "../host/checks/finding";

type Image = Extract<GuestConfig["image"], { suite: string }>;
type Source = Image["apt"]["sources"][number];

/** A public key has some KiB; the host gets it as an argument of 128 KiB at most. */
const LARGEST_BYTES = 32_768;

const shown = (fingerprint: string): string => fingerprint.toUpperCase();

/** One finding for each key that the configuration names. */
export async function lookAtArchiveKeys(lab: Lab): Promise<Finding[]> {
  const sources = lab.guests.flatMap(({ image }, i) =>
    "suite" in image
      ? image.apt.sources.map(({ key }, j) => ({
          key,
          path: `guests[${i}].image.apt.sources[${j}].key`,
        }))
      : [],
  );
  return Promise.all(sources.map(({ key, path }) => judged(key, path)));
}

async function judged({ file, fingerprint }: Source["key"], path: string): Promise<Finding> {
  const finding = (severity: "ok" | "fail", found: string, fix = ""): Finding => ({
    ...{ id: "archive-key", group: "config", path, severity, found, fix },
    required: `an ASCII-armoured OpenPGP public key with fingerprint ${shown(fingerprint)}`,
  });
  let text: string;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return finding("fail", `${file}, which is no file`, "name the key's file");
    if (stat.size > LARGEST_BYTES)
      return finding(
        "fail",
        `${file} of more than ${LARGEST_BYTES} bytes`,
        "name the key's own file",
      );
    text = readFileSync(file, "utf8");
  } catch (error) {
    return finding("fail", (error as Error).message, "name a file that you can read");
  }
  try {
    const keys = await readKeys({ armoredKeys: text });
    if (keys.some((key) => key.isPrivate()))
      return finding(
        "fail",
        `${file}, which has a private key`,
        `gpg --armor --export ${fingerprint} >FILE.asc, and name that file`,
      );
    // The library reads the first block alone; apt reads all.
    const blocks = text.split("-----BEGIN PGP").length - 1;
    if (blocks !== 1)
      return finding("fail", `${file} with ${blocks} blocks`, "name a file with that key alone");
    const prints = keys.map((key) => shown(key.getFingerprint()));
    if (prints.length !== 1 || prints[0] !== shown(fingerprint))
      return finding(
        "fail",
        `${file} with ${prints.join(", ") || "no key"}`,
        "get the key and its fingerprint from the archive's owner, by two ways; a file has one key",
      );
    const ends = await keys[0]?.getExpirationTime();
    if (ends instanceof Date && ends < new Date())
      return finding(
        "fail",
        `${file}, which expired on ${ends.toISOString().slice(0, 10)}`,
        "get the archive's current key",
      );
    return finding("ok", `${file} (${shown(fingerprint)})`);
  } catch (error) {
    const binary = !text.includes("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    return finding(
      "fail",
      `${file}, which is no such key (${(error as Error).message})`,
      binary
        ? `gpg --no-default-keyring --keyring ${shellWord(file)} --armor --export >${shellWord(`${file}.asc`)}, and name that file`
        : "get the file again",
    );
  }
}

/** Options of image-build.sh for the sources; the keys were looked at. */
export const sourceOptions = ({ apt }: Image): string[] =>
  apt.sources.flatMap(({ uri, suite, components, priority, key }) => [
    "--source",
    [priority ?? "-", readFileSync(key.file).toString("base64"), uri, suite, ...components].join(
      " ",
    ),
  ]);
