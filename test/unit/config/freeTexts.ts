/**
 * Every text that a person writes into the configuration, with the places that it gets to and what those take at
 * the most. docs/limits.md is generated from this table; a test holds it against the schema and the places.
 */

/** A place that a text gets to. */
export interface Place {
  readonly name: string;
  /** Largest size there, bytes. */
  readonly most: number;
  /** What the place gets for a text. @default the text itself */
  readonly gets?: (text: string) => string;
}

export interface FreeText {
  /** Keys of this kind, e.g. `guests[].name`. */
  readonly keys: readonly string[];
  /** The longest text that the configuration takes. */
  readonly longest: string;
  /** Texts that are refused: longer, or of a character that a place gives a meaning. */
  readonly refused: readonly string[];
  readonly places: readonly Place[];
}

const x = (count: number): string => "x".repeat(count);
const NAME = x(32);
/** A path of so many bytes. */
const deep = (prefix: string, bytes: number): string => {
  const rest = bytes - Buffer.byteLength(prefix);
  const parts = `/${x(199)}`.repeat(Math.floor((rest - 2) / 200));
  return `${prefix}${parts}/${x(rest - parts.length - 1)}`;
};

const file = (most: string, gets?: (text: string) => string): Place => ({
  ...{ name: `file name: ${most}`, most: 255 },
  ...(gets === undefined ? {} : { gets }),
});
const path = (name: string, gets?: (text: string) => string): Place => ({
  ...{ name, most: 4095 },
  ...(gets === undefined ? {} : { gets }),
});
const URN: Place = { name: "Pulumi's URN (no limit of its own)", most: Number.MAX_SAFE_INTEGER };
const ARGUMENT: Place = { name: "one argument of a program (MAX_ARG_STRLEN)", most: 131_071 };
const HASH = "0".repeat(64);
const KEY = `ssh-ed25519 ${"A".repeat(68)}`;

const forbidden = (base: string): string[] => [
  `${base}/a\nb`,
  `${base}/../b`,
  "relative/b",
  `${base}/`,
];

export const FREE_TEXTS: readonly FreeText[] = [
  {
    keys: ["guests[].name"],
    longest: NAME,
    refused: [x(33), "", "A", "a_b", "-a", "a.b"],
    places: [
      { name: "host name of the guest (HOST_NAME_MAX)", most: 64 },
      file("domain, and libvirt's log of it", (name) => `mirlab-${NAME}-${name}.log`),
      file("volume", (name) => `${name}-vm-${HASH}-99.qcow2`),
      file("serial log, rotated by virtlogd", (name) => `${name}.serial.log.0`),
      { name: "common name of the screen's certificate (ub-common-name)", most: 64 },
      URN,
    ],
  },
  {
    keys: ["host.ssh.host", "host.ssh.jump.host", "guests[].image.ssh.host"],
    longest: [x(63), x(63), x(63), x(61)].join("."),
    refused: [[x(63), x(63), x(63), x(62)].join("."), x(64), "a b", "-o", "a/b", "fe80::1%eth0"],
    places: [
      { name: "DNS (RFC 1035)", most: 253 },
      {
        name: "a line of OpenSSH's configuration",
        most: 1023,
        gets: (text) => `  HostName ${text}`,
      },
    ],
  },
  {
    keys: ["host.ssh.user", "guests[].image.ssh.user"],
    longest: `${x(32)}@${x(64)}`,
    refused: [x(33), `a@${x(65)}`, "", "-l", "a b", "a:b", "a/b", "a@b@c"],
    places: [
      { name: "login name (LOGIN_NAME_MAX)", most: 255 },
      { name: "user part of libvirt's URI, escaped", most: 1023, gets: encodeURIComponent },
    ],
  },
  {
    keys: ["host.ssh.hostKey", "host.ssh.jump.hostKey", "guests[].image.ssh.hostKey"],
    longest: `${KEY} ${x(8192 - KEY.length - 1)}`,
    refused: [`${KEY} ${x(8192 - KEY.length)}`, "ssh-dss AAAA", `${KEY}\n`, "ssh-ed25519 !"],
    places: [{ name: "a line of known_hosts", most: 16_384 }],
  },
  {
    keys: [
      ...["host.ssh.privateKeyFile", "guests[].image.ssh.privateKeyFile"],
      ...["guests[].kernel.package.deb", "guests[].mesa.package.deb"],
      ...["guests[].kernel.build.patches[].file", "guests[].mesa.build.patches[].file"],
      ...["guests[].kernel.build.fragments[]", "guests[].image.apt.sources[].key.file"],
      ...["guests[].image.file"],
    ],
    longest: deep("/home/Jörg Müller's", 1024),
    refused: [
      ...forbidden("/home/a"),
      `/home/${x(256)}`,
      deep("/h", 1025),
      '/a"b',
      "/a\\b",
      "/a$b",
    ],
    places: [
      path("a file on this machine"),
      { name: "a line of OpenSSH's configuration", most: 16_384 },
      ARGUMENT,
    ],
  },
  {
    keys: ["host.dataDir", "host.cacheDir"],
    longest: deep("/srv", 1024),
    refused: [...forbidden("/srv"), `/${x(256)}`, deep("/s", 1025), "/a b", "/a'b", "/ä"],
    places: [
      path("pool and logs", (dir) => `${dir}/${NAME}/pool/${NAME}-vm-${HASH}-99.qcow2`),
      path("work of a build", (dir) => `${dir}/builds/.work-${HASH}/out/input.sqfs`),
      path("images", (dir) => `${dir}/images/sha512-${HASH}${HASH}.qcow2.partial`),
    ],
  },
  {
    keys: ["guests[].share.path"],
    longest: deep("/home/ann/Öffentlich (mir)", 1024),
    refused: [
      ...forbidden("/srv/a"),
      ...[
        `/srv/${x(256)}`,
        deep("/s", 1025),
        '/srv/a"b',
        "/srv/a*b",
        "/srv/{a}",
        "/srv/ a",
        "/srv/a|b",
      ],
    ],
    places: [path("9p's source, in libvirt's XML and AppArmor's rules"), ARGUMENT],
  },
  {
    keys: ["guests[].share.mount"],
    longest: `/mnt/${x(245)}`,
    refused: [
      ...forbidden("/mnt/a"),
      ...[
        `/mnt/${x(246)}`,
        `/mnt/${"-".repeat(62)}`,
        "/mnt/a b",
        "/mnt/.a",
        "/mnt/a@b",
        "/etc/a",
        "/mnt",
      ],
    ],
    places: [
      {
        ...{ name: "name of systemd's mount unit, escaped (UNIT_NAME_MAX)", most: 255 },
        gets: (text) => `${text.slice(1).replaceAll("-", "\\x2d").replaceAll("/", "-")}.mount`,
      },
    ],
  },
  {
    keys: ["guests[].session.command[]", "guests[].session.client[]"],
    longest: x(4096),
    refused: [x(4097), "a\nb", "a\u0000b"],
    places: [
      { name: "a line of a systemd unit (LONG_LINE_MAX)", most: 1_048_576 },
      {
        ...{ name: "the guest's shell, of two whole commands of 16000 bytes (MAX_ARG_STRLEN)" },
        most: 131_071,
        gets: () => "'\\''".repeat(2 * 16_000),
      },
    ],
  },
  {
    keys: ["guests[].image.domain"],
    longest: x(240),
    refused: [x(241), "", "a/b", "a\nb", " a", "ä".repeat(121)],
    places: [
      file("libvirt's log of it", (name) => `${name}.log`),
      file("libvirt's definition of it", (name) => `${name}.xml`),
    ],
  },
  {
    keys: ["guests[].image.packages[]"],
    longest: x(64),
    refused: [x(65), "A", "a_b", "-a", "a"],
    places: [
      { ...ARGUMENT, gets: (name) => Array<string>(200).fill(name).join(",") },
      file("the package", (name) => `${name}_1.2.3-4_amd64.deb`),
    ],
  },
  {
    keys: ["guests[].image.url"],
    longest: `https://a.example/${x(2048 - 18)}`,
    refused: [
      `https://a.example/${x(2048 - 17)}`,
      "http://a.example/x",
      "https://ann:pw@a/x",
      "file:///x",
    ],
    places: [ARGUMENT],
  },
  {
    keys: ["guests[].kernel.build.source.url", "guests[].mesa.build.source.url"],
    longest: `https://a.example/${x(1024 - 18)}`,
    refused: [`https://a.example/${x(1024 - 17)}`, "http://a.example/x"],
    places: [ARGUMENT],
  },
  {
    keys: ["guests[].kernel.build.source.git", "guests[].mesa.build.source.git"],
    longest: `https://a.example/${x(1024 - 18)}`,
    refused: [`https://a.example/${x(1024 - 17)}`, "git@a:b", "/a/../b", "ext::sh"],
    places: [ARGUMENT],
  },
  {
    keys: ["host.apt.mirror", "host.apt.securityMirror", "host.apt.proxy"],
    longest: `http://a.example/${x(300 - 17)}`,
    refused: [
      `http://a.example/${x(300 - 16)}`,
      "http://ann:pw@a",
      "http://a/b c",
      'http://a"',
      "ftp://a",
    ],
    places: [
      { name: "a line of apt.conf", most: 1023, gets: (url) => `Acquire::https::Proxy "${url}";` },
    ],
  },
  {
    keys: ["guests[].image.apt.sources[].uri"],
    longest: `https://a.example/${x(120 - 18)}`,
    refused: [`https://a.example/${x(120 - 17)}`, "http://ann:pw@a", "file:///srv", "http://a b"],
    places: [
      file(
        "apt's list of it",
        (uri) => `${uri.slice(8)}_dists_${x(40)}_${x(32)}_binary-amd64_Packages`,
      ),
    ],
  },
  {
    keys: ["guests[].image.apt.sources[].suite"],
    longest: x(40),
    refused: [x(41), "", "a b", "-a", "a/", "a_b"],
    places: [
      file(
        "apt's list of it, with the longest URI",
        (suite) => `${x(112)}_dists_${suite}_InRelease`,
      ),
    ],
  },
  {
    keys: ["guests[].image.apt.sources[].components[]"],
    longest: x(32),
    refused: [x(33), "", "a b", "a/b", "-a"],
    places: [
      file(
        "apt's list of it, with the longest URI",
        (name) => `${x(112)}_dists_${x(40)}_${name}_binary-amd64_Packages`,
      ),
    ],
  },
  {
    keys: [
      ...["guests[].kernel.package.suite", "guests[].mesa.package.suite"],
      ...["guests[].kernel.build.source.suite", "guests[].mesa.build.source.suite"],
    ],
    longest: `a${x(30)}-${x(30)}-${x(30)}`,
    refused: [`a${x(31)}`, "Bookworm", "a b", "a/b", "-a"],
    places: [file("apt's list of it", (suite) => `deb.debian.org_debian_dists_${suite}_InRelease`)],
  },
  {
    keys: ["guests[].kernel.package.name"],
    longest: `linux-image-${x(81)}`,
    refused: [`linux-image-${x(82)}`, "bash", "linux-image-", "linux-image-a b"],
    places: [file("the package", (name) => `${name}_6.12.99-1_amd64.deb`)],
  },
  {
    keys: ["guests[].kernel.build.source.package"],
    longest: "linux-source-99.999",
    refused: ["linux-source-999.9", "mesa"],
    places: [file("the package", (name) => `${name}_6.12.99-1_all.deb`)],
  },
  {
    keys: ["guests[].gates.kernel", "guests[].gates.mesa"],
    longest: `${" ".repeat(44)}>= 99999.99999.99999`,
    refused: [`${" ".repeat(45)}>= 99999.99999.99999`, ">= 999999.1", "6.x", "> 6.1", ""],
    places: [{ name: "the report's line", most: 1023 }],
  },
];

/** Texts of one form, such as a digest: no place is asked for less or more. */
export const FIXED: readonly string[] = [
  ...["host.natSubnet", "guests[].spice.listen", "guests[].image.digest"],
  "guests[].image.apt.sources[].key.fingerprint",
  ...["kernel", "mesa"].flatMap((what) => [
    `guests[].${what}.package.sha256`,
    `guests[].${what}.build.source.sha256`,
    `guests[].${what}.build.source.commit`,
    `guests[].${what}.build.patches[].sha256`,
  ]),
];

/** The table of docs/limits.md. */
export function limitsTable(): string {
  const limit = ({ name, most }: Place): string =>
    most === Number.MAX_SAFE_INTEGER ? name : `${name}: ${most}`;
  const rows = FREE_TEXTS.map(({ keys, longest, places }) =>
    [
      keys.map((key) => `\`${key}\``).join(", "),
      String(Buffer.byteLength(longest)),
      places.map(limit).join("; "),
    ].join(" | "),
  );
  return [
    "| key | longest, bytes | where it gets to, and the longest there, bytes |",
    "|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
