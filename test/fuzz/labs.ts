/** Configurations in the engine's form: almost valid ones, and arbitrary ones. */
import fc from "fast-check";
import { attack, hostile, near } from "./hostile";

const SSH = {
  ...{ host: "lab.example", port: 22, user: "root", privateKeyFile: "/root/.ssh/id" },
  hostKey: `ssh-ed25519 ${"A".repeat(68)} ada@lab`,
};

/** Every key of the schema, with a valid value. */
const HOST = {
  ...{ ssh: SSH, dataDir: "/var/lib/mirlab", cacheDir: "/var/cache/mirlab" },
  ...{ natSubnet: "192.168.130.0/24", viewers: false, packages: "install", onDrift: "heal" },
};
const GUEST = {
  ...{ vcpus: 2, memoryMiB: 2048, diskGiB: 12, acceleration: "auto", onDrift: "heal" },
  video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
  spice: { port: 5901, listen: "192.0.2.1", tls: true, clipboard: false, fileTransfer: false },
  network: { mode: "user", outbound: true, sshPort: 22022 },
  share: { enabled: true, path: "/srv/mir", mount: "/mnt/share", readonly: false },
  session: { kind: "demo", command: ["mir_demo_server", "--vt=1"], client: ["foot", "a b"] },
  gates: { kernel: ">= 3.18", mesa: ">= 10.3.0" },
};
const OWN = { spice: { listen: "127.0.0.1" }, network: {} };
const LAB = {
  host: HOST,
  guests: [
    {
      ...{
        ...GUEST,
        name: "a",
        image: { source: "debian", suite: "bookworm", packages: ["foot"] },
      },
      kernel: { source: "package", package: { suite: "sid", name: "linux-image-6.12-amd64" } },
    },
    {
      ...{ ...GUEST, ...OWN, name: "b" },
      image: {
        ...{ source: "url", url: "https://images.example/a.qcow2", format: "qcow2" },
        digest: `sha256:${"0".repeat(64)}`,
      },
      kernel: {
        source: "package",
        package: { deb: "/srv/linux.deb", sha256: "0".repeat(64) },
      },
    },
    {
      ...{ ...GUEST, ...OWN, name: "c" },
      image: { source: "existing", domain: "Old_VM", ssh: SSH, restart: "never" },
    },
  ],
};

type Path = readonly PropertyKey[];

/** The path of every value in the lab. */
function placesOf(value: unknown, path: Path = []): Path[] {
  const own = path.length === 0 ? [] : [path];
  if (typeof value !== "object" || value === null) return own;
  return [
    ...own,
    ...Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...path, key])),
  ];
}
const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);

/** The value with a small change, or another value. */
function twisted(value: unknown): fc.Arbitrary<unknown> {
  const other: fc.Arbitrary<unknown> = fc.oneof(
    fc.constantFrom<unknown>(null, "", -1, 0.5, 1e308, [], {}, true, "0"),
    hostile,
  );
  if (typeof value === "number") return fc.oneof(fc.integer({ min: 0, max: 70_000 }), other);
  if (typeof value !== "string") return other;
  const piece = fc.oneof(attack, fc.constantFrom("-", ".", "a", "0", "/", "_", ":", "A", "+"));
  const inside = fc
    .tuple(fc.nat(value.length), fc.nat(2), piece)
    .map(([at, cut, text]) => value.slice(0, at) + text + value.slice(at + cut));
  return fc.oneof({ weight: 5, arbitrary: inside }, { weight: 1, arbitrary: other });
}

interface Change {
  readonly path: Path;
  readonly value: unknown;
}
const change: fc.Arbitrary<Change> = fc
  .constantFrom(...placesOf(LAB))
  .chain((path) => twisted(valueAt(LAB, path)).map((value) => ({ path, value })));

/** An unknown key at any place. */
const strangeKey: fc.Arbitrary<Change> = fc
  .tuple(
    fc.constantFrom<Path>([], ...placesOf(LAB)),
    fc.oneof(hostile, fc.constantFrom("__proto__", "constructor", "vcpu", "x".repeat(5000))),
  )
  .map(([path, key]) => ({ path: [...path, key], value: 1 }));

function withChanges(changes: readonly Change[]): Record<string, unknown> {
  const lab = structuredClone(LAB) as unknown as Record<string, unknown>;
  for (const { path, value } of changes) {
    const holder = valueAt(lab, path.slice(0, -1));
    if (typeof holder !== "object" || holder === null) continue;
    // An assignment to `__proto__` would not add a key.
    Object.defineProperty(holder, path.at(-1) ?? "", {
      ...{ value, enumerable: true, configurable: true, writable: true },
    });
  }
  return lab;
}

/** The configuration in the engine's form (a text per key), as one JSON text. */
const asTexts = (lab: Record<string, unknown>): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(lab).map(([key, value]) => [key, JSON.stringify(value)])),
  );

/** Slightly changed labs; most are still valid. */
export const nearLab: fc.Arbitrary<string> = fc
  .array(change, { minLength: 1, maxLength: 2 })
  .map((changes) => asTexts(withChanges(changes)));

const YAML = [
  ...[
    "{",
    "}",
    "[",
    "]",
    "name: a",
    "- ",
    "\n",
    ": ",
    "? ",
    "&a ",
    "*a",
    "<<: *a",
    "!!set ",
    "!x ",
  ],
  ...['"a"', "'a'", "|", ">-", "%YAML 1.1\n---\n", "...", "---", "{name: a}", "[{name: a}]", "~"],
  ...["1e400", ".nan", ".inf", "0o17", "__proto__: 1", "{a: 1, a: 2}", "[".repeat(20_000)],
];

/** Changed labs, and any text under any key. */
export const anyLab: fc.Arbitrary<string> = fc.oneof(
  nearLab,
  fc
    .array(fc.oneof(change, strangeKey), { minLength: 1, maxLength: 3 })
    .map((changes) => asTexts(withChanges(changes))),
  fc
    .dictionary(
      fc.oneof(fc.constantFrom("host", "guests"), hostile),
      fc.oneof(near(YAML), hostile),
      { maxKeys: 3, noNullPrototype: true },
    )
    .map((texts) => JSON.stringify(texts)),
);
