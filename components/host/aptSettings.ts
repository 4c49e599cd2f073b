/** `host.apt` in the words of scripts/host/apt-way.sh. Pure. */
import { HostConfig } from "../../config/schema";

const withoutSlash = (url: string): string => url.replace(/\/$/, "");

/** `proxy=http://proxy:3128 mirror=...`; undefined: the host's own way. */
export function aptSettings({ apt }: Pick<HostConfig, "apt">): string | undefined {
  if (apt === undefined) return undefined;
  const { proxy, mirror, securityMirror, validUntil } = apt;
  const words = Object.entries({
    proxy: proxy === "none" ? "DIRECT" : proxy && withoutSlash(proxy),
    mirror: mirror && withoutSlash(mirror),
    security: securityMirror && withoutSlash(securityMirror),
    "valid-until": validUntil,
  }).flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
  return words.length === 0 ? undefined : words.join(" ");
}

/** The same as a part of arguments: none where the host's own way is taken. */
export function aptPart(host: Pick<HostConfig, "apt">): { readonly apt?: string } {
  const apt = aptSettings(host);
  return apt === undefined ? {} : { apt };
}

/** The environment that scripts read it from. */
export const aptEnvironment = (settings: string | undefined): Record<string, string> =>
  settings === undefined ? {} : { MIRLAB_APT: settings };
