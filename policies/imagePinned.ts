import { imageUrlFault } from "../config/imageUrl";
import { DOMAIN, resourcePolicy } from "./kit";

const DIGEST = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const IMAGE_URL = /^[a-z]+:\/\/\S+\.(qcow2|img|raw|iso|vmdk)(\?\S*)?$/i;
/** Words that switch the checks of apt and of downloads off. */
const UNSIGNED = /^(--insecure|-k|--no-check-certificate|--no-check-gpg|--allow-unauthenticated)$/;

export const imagePinned = resourcePolicy(
  {
    name: "image-pinned",
    description:
      "An image from the network is named with its digest and comes by https or loopback; Debian's comes by signed apt.",
    severity: "high",
    enforcementLevel: "mandatory",
    why: "Whoever can change the file behind an unpinned URL is root in every guest made from it.",
    remediationSteps:
      "Use guests[].image: { source: url, url, digest } or { source: debian }; a volume's source has to be a file that was verified.",
  },
  ({ type, props, name }, report) => {
    if (/^command:(local|remote):Command$/.test(type)) {
      const { create, update } = props as { create?: string; update?: string };
      for (const line of [create, update]) {
        for (const fault of commandFaults(line ?? "")) {
          report(`The command '${name}' must fetch pinned images only, found ${fault}.`);
        }
      }
    }
    // The provider downloads these itself, and looks at no digest.
    for (const [what, url] of providerUrls(type, props)) {
      report(
        `The ${what} '${name}' must not be downloaded without a digest, found ${url}; ` +
          "let a guest have it by guests[].image with its digest, or name a verified file.",
      );
    }
  },
);

function commandFaults(line: string): string[] {
  const words = (line.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? []).map((w) =>
    w.replace(/^(['"])(.*)\1$/, "$2"),
  );
  const urls = words.filter((word) => IMAGE_URL.test(word));
  const pinned = words.some((word) => DIGEST.test(word));
  return [
    ...urls.flatMap((url) => imageUrlFault(url) ?? []),
    ...(urls.length > 0 && !pinned
      ? [`${urls[0]} without a digest; give guests[].image.digest`]
      : []),
    ...words.filter((word) => UNSIGNED.test(word)).map((word) => `${word}; remove it`),
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
