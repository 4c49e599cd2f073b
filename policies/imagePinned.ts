import { imageUrlFault } from "../config/imageUrl";
import type { Fault } from "../core/fault";
import { DOMAIN, resourcePolicy } from "./kit";

const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const IMAGE_URL = /^[a-z]+:\/\/\S+\.(qcow2|img|raw|iso|vmdk)(\?\S*)?$/i;
/** Options that disable the checks of apt and of downloads. */
const UNSIGNED = /^(--insecure|-k|--no-check-certificate|--no-check-gpg|--allow-unauthenticated)$/;

export const imagePinned = resourcePolicy(
  {
    name: "image-pinned",
    description:
      "An image from the network has a digest and comes by https or from loopback; Debian's comes by signed apt.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "Whoever can change the file behind an unpinned URL becomes root in every guest created from it.",
    remediationSteps:
      "Use guests[].image: { source: url, url, digest } or { source: debian }; a volume's source has to be a verified file.",
  },
  ({ type, props, name }, report) => {
    if (/^command:(local|remote):Command$/.test(type)) {
      const { create, update } = props as { create?: string; update?: string };
      for (const line of [create, update]) {
        for (const fault of commandFaults(line ?? "")) {
          report({ what: `command '${name}'`, ...fault });
        }
      }
    }
    // The provider downloads these itself, and checks no digest.
    for (const [what, url] of providerUrls(type, props)) {
      report({
        what: `${what} '${name}'`,
        found: `a download of ${url} without a digest`,
        need: "a verified file",
        fix: "use guests[].image with a digest, or name a verified file",
      });
    }
  },
);

function commandFaults(line: string): Omit<Fault, "what">[] {
  const words = (line.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? []).map((w) =>
    w.replace(/^(['"])(.*)\1$/, "$2"),
  );
  const urls = words.filter((word) => IMAGE_URL.test(word));
  const pinned = words.some((word) => DIGEST.test(word));
  return [
    // The URL itself may contain a password.
    ...urls
      .flatMap((url) => imageUrlFault(url) ?? [])
      .map((reason) => ({
        found: `a refused image URL (${reason})`,
        need: "https, or loopback",
        fix: "correct guests[].image.url",
      })),
    ...(urls.length > 0 && !pinned
      ? [{ found: `${urls[0]} without a digest`, need: "one", fix: "set guests[].image.digest" }]
      : []),
    ...words
      .filter((word) => UNSIGNED.test(word))
      .map((word) => ({ found: word, need: "verified downloads", fix: "remove the option" })),
  ];
}

function providerUrls(type: string, props: object): [what: string, url: string][] {
  const remote = (url: string | undefined): url is string => /^https?:/i.test(url ?? "");
  if (type === "libvirt:index/volume:Volume") {
    const { source } = props as { source?: string };
    return remote(source) ? [["volume", source]] : [];
  }
  if (type !== DOMAIN) return [];
  const { disks = [] } = props as { disks?: readonly { url?: string }[] };
  return Array.from(disks, (disk) => disk.url)
    .filter(remote)
    .map((url) => ["disk of", url]);
}
