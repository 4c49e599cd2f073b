/** Finds secrets in plain text, in any data. Pure. */

export interface PlainSecret {
  /** e.g. `environment.DB_PASSWORD` */
  readonly path: string;
  /** The kind of secret; never its value. */
  readonly what: string;
}

const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/;
const WORD = "(?:pass(?:word|wd|phrase)|secret|token|api_?key|private_?key)";
/** A key that names a secret; `passwordFile` and `tokenPath` do not. */
const SECRET_KEY = new RegExp(`${WORD}$`, "i");
/** An assignment, XML attribute or YAML line in a text that sets a literal value, not a variable. */
const ASSIGNED = new RegExp(
  `(?:^|[\\s"'{,;-])[\\w.-]*${WORD}["']?\\s*[=:]\\s*["']?(?![$<{[(*/\\s"'])[^\\s"'$]{4,}`,
  "i",
);
/** A value that is unknown in a preview, or hidden by an export. */
const NO_VALUE =
  /^(\[secret\]|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})$/;
/** The property in which the SDK puts the code of a dynamic provider. */
const CODE = "__provider";

/**
 * Every plain secret in `data`. `marked` are paths that Pulumi already keeps secret, with
 * everything below them; `patterns` are more patterns to search for.
 */
export function plainSecrets(
  data: unknown,
  marked: readonly string[] = [],
  patterns: readonly string[] = [],
): PlainSecret[] {
  const canaries = patterns.map((pattern) => new RegExp(pattern));
  const walk = (value: unknown, path: string, key: string): PlainSecret[] => {
    if (marked.includes(path) || key === CODE) return [];
    if (typeof value === "string") {
      const what = fault(value, key, canaries);
      return what === undefined ? [] : [{ path, what }];
    }
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([inner, v]) =>
      walk(v, path === "" ? inner : `${path}.${inner}`, Array.isArray(value) ? key : inner),
    );
  };
  return walk(data, "", "");
}

function fault(text: string, key: string, canaries: readonly RegExp[]): string | undefined {
  if (NO_VALUE.test(text) || text === "") return undefined;
  if (PRIVATE_KEY.test(text)) return "a private key";
  if (canaries.some((canary) => canary.test(text))) return "a pattern of this policy";
  if (SECRET_KEY.test(key)) return "a value under a key that names a secret";
  return ASSIGNED.test(text) ? "a text that sets a password, token or key" : undefined;
}
