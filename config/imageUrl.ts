/** Images by URL: which URLs are accepted, and where the verified copy is stored. Pure. */

/** Why a URL is refused; undefined: it is accepted. */
export function imageUrlFault(url: string): string | undefined {
  if (!/^https?:\/\/[!-~]+$/.test(url) || /['"<>\\^`{|}]/.test(url) || !URL.canParse(url)) {
    return "use an http or https URL";
  }
  const { protocol, hostname, username, password } = new URL(url);
  if (username !== "" || password !== "") return "must not hold a user name or password";
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  return protocol === "http:" && !loopback
    ? "plain http is accepted from loopback only; use https"
    : undefined;
}

/** Path of the verified copy in the host's cache, named by content; without a format an installer's. */
export function urlImagePath(
  image: { readonly digest: string; readonly format?: string },
  cacheDir: string,
): string {
  return `${cacheDir}/images/${image.digest.replace(":", "-")}.${image.format ?? "iso"}`;
}
