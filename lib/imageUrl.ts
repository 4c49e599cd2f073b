/** Which URLs an image may be downloaded from. Pure. */

/** Why a URL is refused, or undefined. */
export function imageUrlFault(url: string): string | undefined {
  if (!/^https?:\/\/[^\s'"<>\\^`{|}]+$/.test(url) || !URL.canParse(url)) {
    return "use an http or https URL";
  }
  const { protocol, hostname, username, password } = new URL(url);
  if (username !== "" || password !== "") return "must not hold a user name or password";
  const loopback = ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
  return protocol === "http:" && !loopback
    ? "plain http is accepted from loopback only; use https"
    : undefined;
}
