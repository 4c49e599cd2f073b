import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readLab, readLabTexts } from "../../../config/lab";
import { Lab } from "../../../config/schema";

const HOST_KEY = `ssh-ed25519 ${"A".repeat(68)}`;
const DIGEST = `sha256:${"0".repeat(64)}`;

const URL_IMAGE = { source: "url", url: "https://images.example/debian.qcow2", digest: DIGEST };
const EXISTING = {
  source: "existing",
  domain: "Old_VM",
  ssh: { host: "10.0.0.5", privateKeyFile: "/home/ada/.ssh/id", hostKey: HOST_KEY },
};

/** The faults of a lab with one guest, as `path: reason`. */
function faultsOf(guest: object, rest: Record<string, unknown> = {}): string[] {
  return faults({ guests: [{ name: "mir", ...guest }], ...rest });
}

function faults(raw: Record<string, unknown>): string[] {
  return readLab(raw).faults.map(({ path, reason }) => `${path}: ${reason}`);
}

function labOf(raw: Record<string, unknown>): Lab {
  const { lab, faults: found } = readLab(raw);
  assert.deepEqual(found, []);
  assert.ok(lab);
  return lab;
}

describe("a guest's kernel and Mesa", () => {
  const SHA = "0".repeat(64);
  const from = (p: object) => ({ kernel: { source: "package", package: p } });
  const built = (build: object) => ({ kernel: { source: "build", build } });
  const table: readonly (readonly [object, ...string[]])[] = [
    [from({ suite: "bookworm-backports" })],
    [from({ suite: "bookworm-security", name: "linux-image-6.12-amd64" })],
    [from({ deb: "/srv/linux-image-6.12.deb", sha256: SHA })],
    [
      { kernel: { source: "package" } },
      "guests[0].kernel.package: missing; source 'package' needs a suite or a deb",
    ],
    [
      { kernel: { package: { suite: "sid" } } },
      "guests[0].kernel.package: belongs to source 'package', got source 'distro'; remove one of the two",
    ],
    [from({}), "guests[0].kernel.package: set one of suite and deb"],
    [
      from({ suite: "sid", deb: "/a.deb", sha256: SHA }),
      "guests[0].kernel.package: set one of suite and deb",
    ],
    [
      from({ deb: "/a.deb" }),
      "guests[0].kernel.package.sha256: missing; a deb is used with its digest only",
    ],
    [
      from({ suite: "sid", sha256: SHA }),
      "guests[0].kernel.package.sha256: belongs to package.deb; a suite is verified by apt",
    ],
    [
      from({ deb: "/a.deb", sha256: SHA, name: "linux-image-amd64" }),
      "guests[0].kernel.package.name: belongs to package.suite; a deb names itself",
    ],
    [
      from({ suite: "sid main' 'x" }),
      "guests[0].kernel.package.suite: use a suite, e.g. 'bookworm-backports', got \"sid main' 'x\"",
    ],
    [
      from({ suite: "sid", name: "--reinstall" }),
      "guests[0].kernel.package.name: use a package 'linux-image-...', got \"--reinstall\"",
    ],
    [
      built({
        source: { package: "linux-source-6.12", suite: "bookworm-security" },
        ...{ base: "defconfig", fragments: ["/srv/my.config"], jobs: 2 },
        patches: [{ file: "/srv/fix.patch", sha256: SHA }],
      }),
    ],
    [built({ source: { url: "http://127.0.0.1:8080/linux.tar.xz", sha256: SHA } })],
    [built({ source: { git: "https://git.example/linux.git", commit: SHA.slice(24) } })],
    [
      { kernel: { source: "build" } },
      "guests[0].kernel.build: missing; source 'build' needs a source",
    ],
    [
      { kernel: { source: "distro", build: { source: { git: "/l", commit: SHA.slice(24) } } } },
      "guests[0].kernel.build: belongs to source 'build', got source 'distro'; remove one of the two",
    ],
    [built({ source: {} }), "guests[0].kernel.build.source: set one of package, url and git"],
    [
      built({ source: { url: "https://a.example/x.tar" } }),
      "guests[0].kernel.build.source.sha256: missing; a source by url is used with it only",
    ],
    [
      built({ source: { url: "http://a.example/x.tar", sha256: SHA } }),
      'guests[0].kernel.build.source.url: plain http is accepted from loopback only; use https, got "http://a.example/x.tar"',
    ],
    [
      built({ source: { git: "/srv/../etc", commit: SHA.slice(24) } }),
      `guests[0].kernel.build.source.git: must not contain '.' or '..' as a folder, got "/srv/../etc"`,
    ],
    [
      built({ source: { package: "linux-image-6.12", suite: "sid" } }),
      `guests[0].kernel.build.source.package: use a package of sources, e.g. 'linux-source-6.12', got "linux-image-6.12"`,
    ],
    [
      { ...from({ suite: "sid" }), image: EXISTING },
      "guests[0].kernel.source: an adopted guest's kernel is its owner's; use 'distro'",
    ],
    [{ mesa: { source: "package", package: { suite: "bookworm-backports" } } }],
    [{ mesa: { source: "package", package: { deb: "/srv/mesa.deb", sha256: SHA } } }],
    [
      { mesa: { source: "package", when: "always" } },
      "guests[0].mesa.package: missing; source 'package' needs a suite or a deb",
    ],
    [
      { mesa: { source: "package", package: { deb: "/srv/mesa.deb" } } },
      "guests[0].mesa.package.sha256: missing; a deb is used with its digest only",
    ],
    [
      { mesa: { source: "package", package: { suite: "sid", name: "libgbm1" } } },
      "guests[0].mesa.package.name: unknown key; known keys: suite, deb, sha256",
    ],
    [
      {
        mesa: {
          ...{ source: "build", when: "always" },
          build: {
            source: { package: "mesa", suite: "bookworm" },
            ...{
              renderer: "llvmpipe",
              jobs: 1,
              patches: [{ file: "/srv/fix.patch", sha256: SHA }],
            },
          },
        },
      },
    ],
    [{ mesa: { source: "build", build: { source: { git: "/srv/mesa", commit: SHA.slice(24) } } } }],
    [
      { mesa: { source: "build", build: { source: { package: "glibc", suite: "bookworm" } } } },
      `guests[0].mesa.build.source.package: expected "mesa", got "glibc"`,
    ],
    [
      { mesa: { source: "build", build: { source: {}, renderer: "zink" } } },
      `guests[0].mesa.build.renderer: Invalid option: expected one of "softpipe"|"llvmpipe", got "zink"`,
    ],
    [
      { mesa: { source: "build", build: { source: {}, base: "tiny" } } },
      "guests[0].mesa.build.base: unknown key; known keys: source, patches, jobs, renderer",
    ],
    [
      { mesa: { source: "build", build: { source: { package: "mesa" } } } },
      "guests[0].mesa.build.source.suite: missing; a source by package is used with it only",
    ],
    [
      { mesa: { source: "package", package: { suite: "sid" } }, image: EXISTING },
      "guests[0].mesa.source: an adopted guest's mesa is its owner's; use 'distro'",
    ],
  ];
  for (const [guest, ...told] of table) {
    it(`${told.length === 0 ? "takes" : "refuses"} ${JSON.stringify(guest)}`, () => {
      assert.deepEqual(faultsOf(guest), told);
    });
  }
});

describe("a lab that says the least", () => {
  it("gets every default", () => {
    assert.deepEqual(labOf({ guests: [{ name: "mir" }] }), {
      host: {
        dataDir: "/var/lib/mirlab",
        cacheDir: "/var/cache/mirlab",
        natSubnet: "192.168.130.0/24",
        viewers: false,
        packages: "install",
        buildCache: { sizeGiB: 10, warm: "auto", distcc: [] },
        onDrift: "heal",
      },
      guests: [
        {
          name: "mir",
          image: { source: "debian", suite: "bookworm", packages: [] },
          vcpus: 2,
          memoryMiB: 2048,
          diskGiB: 12,
          acceleration: "auto",
          video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
          spice: { listen: "127.0.0.1", tls: false, clipboard: false, fileTransfer: false },
          network: { mode: "user", outbound: true },
          share: { enabled: true, mount: "/mnt/share", readonly: false },
          session: { kind: "demo" },
          kernel: { source: "distro", when: "unmet" },
          mesa: { source: "distro", when: "unmet" },
          onDrift: "heal",
          gates: { kernel: ">= 3.18", mesa: ">= 10.3.0" },
        },
      ],
    });
  });

  it("is the same when its defaults are written out", () => {
    const lab = labOf({ guests: [{ name: "mir" }, { name: "b", image: URL_IMAGE }] });
    assert.deepEqual(labOf({ ...lab }), lab);
  });

  it("takes Lomiri with the default memory, and with an installed domain's own", () => {
    const session = { kind: "lomiri" };
    assert.deepEqual(faultsOf({ session }), []);
    assert.deepEqual(faultsOf({ session, image: EXISTING, memoryMiB: 1024 }), []);
  });

  it("takes an installed domain by its name and its key", () => {
    const [guest] = labOf({ guests: [{ name: "old", image: EXISTING }] }).guests;
    assert.deepEqual(guest?.image, {
      ...EXISTING,
      restart: "never",
      ssh: { ...EXISTING.ssh, port: 22, user: "root" },
    });
  });
});

describe("a fault", () => {
  const digestRule =
    "use 'sha256:<64 hex digits>' or 'sha512:<128 hex digits>', from the publisher's signed sums";
  const pathRule =
    "use an absolute path of letters, digits and . _ @ + - (no spaces, no trailing slash)";
  const nameRule = "use lower-case letters, digits and inner hyphens, 1 to 32 characters";
  const shareFix = "share a folder made for it, e.g. /srv/mir";
  const table: [string, object, string[]][] = [
    ["unknown key, near", { vcpu: 2 }, ["guests[0].vcpu: unknown key; did you mean 'vcpus'?"]],
    [
      "unknown key, deep",
      { video: { ramKib: 1 } },
      ["guests[0].video.ramKib: unknown key; did you mean 'ramKiB'?"],
    ],
    [
      "unknown key, far",
      { spice: { colour: 1 } },
      [
        "guests[0].spice.colour: unknown key; known keys: port, listen, tls, clipboard, fileTransfer",
      ],
    ],
    [
      "key of another image",
      { image: { source: "debian", digest: DIGEST } },
      ["guests[0].image.digest: unknown key; known keys: source, suite, packages"],
    ],
    [
      "unknown image",
      { image: { source: "iso" } },
      ["guests[0].image.source: use one of 'debian', 'url', 'existing'"],
    ],
    [
      "image without a source",
      { image: {} },
      ["guests[0].image.source: use one of 'debian', 'url', 'existing'"],
    ],
    [
      "wrong type",
      { memoryMiB: "2048" },
      ['guests[0].memoryMiB: expected number, received string, got "2048"'],
    ],
    [
      "a list for an object",
      { video: [] },
      ["guests[0].video: expected object, received array, got a list"],
    ],
    [
      "too little memory",
      { memoryMiB: 512 },
      ["guests[0].memoryMiB: Too small: expected number to be >=768, got 512"],
    ],
    ["a fraction", { vcpus: 1.5 }, ["guests[0].vcpus: expected int, received number, got 1.5"]],
    [
      "unknown choice",
      { acceleration: "fast" },
      [`guests[0].acceleration: Invalid option: expected one of "auto"|"kvm"|"tcg", got "fast"`],
    ],
    ["bad name", { name: "Mir_1" }, [`guests[0].name: ${nameRule}, got "Mir_1"`]],
    ["option-like name", { name: "-mir" }, [`guests[0].name: ${nameRule}, got "-mir"`]],
    [
      "missing digest",
      { image: { source: "url", url: "https://a.example/x" } },
      [
        "guests[0].image.digest: missing; Digest of the file; a file with another digest is never used.",
      ],
    ],
    [
      "bad digest",
      { image: { ...URL_IMAGE, digest: "md5:0" } },
      [`guests[0].image.digest: ${digestRule}, got "md5:0"`],
    ],
    [
      "plain http",
      { image: { ...URL_IMAGE, url: "http://a.example/x" } },
      [
        `guests[0].image.url: plain http is accepted from loopback only; use https, got "http://a.example/x"`,
      ],
    ],
    [
      "file URL",
      { image: { ...URL_IMAGE, url: "file:///etc/passwd" } },
      [`guests[0].image.url: use an http or https URL, got "file:///etc/passwd"`],
    ],
    [
      "system share",
      { share: { path: "/etc" } },
      [`guests[0].share.path: '/etc' is in the system folder /etc; ${shareFix}, got "/etc"`],
    ],
    [
      "relative share",
      { share: { path: "mir" } },
      [`guests[0].share.path: ${pathRule}, got "mir"`],
    ],
    [
      "share path with dots",
      { share: { path: "/srv/../etc" } },
      [`guests[0].share.path: must not contain '.' or '..' as a folder, got "/srv/../etc"`],
    ],
    [
      "system mount",
      { share: { mount: "/usr" } },
      [`guests[0].share.mount: use a path below /mnt, /media, /srv, /home or /opt, got "/usr"`],
    ],
    [
      "low kernel gate",
      { gates: { kernel: ">= 3.17" } },
      [
        `guests[0].gates.kernel: '>= 3.17' is below the page's floor '>= 3.18'; raise it or drop the key, got ">= 3.17"`,
      ],
    ],
    [
      "low Mesa gate",
      { gates: { mesa: "10.2" } },
      [
        `guests[0].gates.mesa: '>= 10.2' is below the page's floor '>= 10.3.0'; raise it or drop the key, got "10.2"`,
      ],
    ],
    [
      "malformed gate",
      { gates: { mesa: "new" } },
      [
        `guests[0].gates.mesa: 'new' is not a version requirement; use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 10.3.0', got "new"`,
      ],
    ],
    [
      "line end in a command",
      { session: { command: ["a\nb"] } },
      [`guests[0].session.command[0]: must not contain control characters, got "a\\nb"`],
    ],
    [
      "empty command",
      { session: { command: [] } },
      ["guests[0].session.command: Too small: expected array to have >=1 items, got a list"],
    ],
    [
      "server of another kind of session",
      { session: { kind: "lomiri", command: ["mir_demo_server"] } },
      [
        "guests[0].session.command: belongs to session.kind 'demo', got kind 'lomiri'; remove one of the two",
      ],
    ],
    [
      "client of another kind of session, none included",
      { session: { kind: "lomiri", client: [] } },
      [
        "guests[0].session.client: belongs to session.kind 'demo', got kind 'lomiri'; remove one of the two",
      ],
    ],
    [
      "unknown kind of session",
      { session: { kind: "unity8" } },
      ['guests[0].session.kind: Invalid option: expected one of "demo"|"lomiri", got "unity8"'],
    ],
    [
      "memory that Lomiri was never seen to start in",
      { session: { kind: "lomiri" }, memoryMiB: 2047 },
      ["guests[0].memoryMiB: session.kind 'lomiri' needs at least 2048, got 2047"],
    ],
    [
      "privileged port",
      { spice: { port: 80 } },
      ["guests[0].spice.port: Too small: expected number to be >=1024, got 80"],
    ],
    [
      "same port twice",
      { spice: { port: 6000 }, network: { sshPort: 6000 } },
      ["guests[0].network.sshPort: port 6000 is already taken by guests[0].spice.port"],
    ],
    [
      "TLS on a screen of an installed domain",
      { image: EXISTING, spice: { tls: true } },
      [
        "guests[0].spice.tls: is for guests that the lab makes, got image.source 'existing'; remove one of the two",
      ],
    ],
    [
      "TLS that is no yes or no",
      { spice: { tls: "yes" } },
      ['guests[0].spice.tls: expected boolean, received string, got "yes"'],
    ],
    [
      "no way out, on a network that has one",
      { network: { mode: "nat", outbound: false } },
      ["guests[0].network.outbound: false is for network.mode 'user' of guests that the lab makes"],
    ],
    [
      "no way out, of an installed domain",
      { network: { outbound: false }, image: EXISTING },
      ["guests[0].network.outbound: false is for network.mode 'user' of guests that the lab makes"],
    ],
    [
      "no way out, of a first boot that needs packages",
      { network: { outbound: false }, image: URL_IMAGE },
      [
        "guests[0].network.outbound: false leaves an image.source 'url' without the packages of its first boot; use 'debian', or remove it",
      ],
    ],
    [
      "half a character in a command",
      { session: { command: ["\ud800"] } },
      ['guests[0].session.command[0]: must not contain half a character, got "\\ud800"'],
    ],
    [
      "a control character in an image's URL",
      { image: { ...URL_IMAGE, url: "https://a.example/\u001b[2J" } },
      ['guests[0].image.url: use an http or https URL, got "https://a.example/\\u001b[2J"'],
    ],
    [
      "frame buffer over RAM",
      { video: { ramKiB: 16384, vgamemKiB: 32768 } },
      ["guests[0].video.vgamemKiB: must not exceed video.ramKiB (16384), got 32768"],
    ],
  ];
  for (const [what, guest, expected] of table) {
    it(`of a guest: ${what}`, () => {
      const found = faultsOf(guest);
      // A rule that fails may have others fail with it; the one meant must be told word for word.
      for (const line of expected)
        assert.ok(found.includes(line), `${line}\nnot in\n${found.join("\n")}`);
    });
  }

  const labs: [string, Record<string, unknown>, string[]][] = [
    ["nothing", {}, ["guests: missing; set it"]],
    ["no guest", { guests: [] }, ["guests: declare at least one guest, got a list"]],
    ["empty key", { guests: null }, ["guests: expected array, received null"]],
    [
      "unknown key",
      { guest: [] },
      ["guest: unknown key; did you mean 'guests'?", "guests: missing; set it"],
    ],
    ["guest without a name", { guests: [{}] }, ["guests[0].name: missing; Name of the guest."]],
    [
      "octet over 255",
      { guests: [{ name: "a" }], host: { natSubnet: "10.999.0.0/24" } },
      [`host.natSubnet: use a private /24, e.g. '192.168.130.0/24', got "10.999.0.0/24"`],
    ],
    [
      "public subnet",
      { guests: [{ name: "a" }], host: { natSubnet: "8.8.8.0/24" } },
      [`host.natSubnet: use a private /24, e.g. '192.168.130.0/24', got "8.8.8.0/24"`],
    ],
    [
      "host without a key",
      { guests: [{ name: "a" }], host: { ssh: { host: "lab", privateKeyFile: "/k" } } },
      [
        "host.ssh.hostKey: missing; The server's public host key, ed25519 where it has one. Connections to any other key are refused.",
      ],
    ],
    [
      "option for a host",
      {
        guests: [{ name: "a" }],
        host: { ssh: { host: "-oProxyCommand=x", privateKeyFile: "/k", hostKey: HOST_KEY } },
      },
      [`host.ssh.host: use a host name or an address, got "-oProxyCommand=x"`],
    ],
    [
      "twins",
      {
        guests: [
          { name: "a", spice: { port: 6000 } },
          { name: "a", spice: { port: 6000 } },
        ],
      },
      [
        "guests[1].name: guest name 'a' is already taken by guests[0].name",
        "guests[1].spice.port: port 6000 is already taken by guests[0].spice.port",
      ],
    ],
    [
      "help for a compile that is not made",
      {
        guests: [{ name: "a" }],
        host: { buildCache: { warm: "never", distcc: [{ jobs: 8 }] } },
      },
      [
        "host.buildCache.distcc: helps the host compile, which warm 'never' forbids; set warm to 'auto', or remove distcc",
      ],
    ],
    [
      "one helper twice",
      {
        guests: [{ name: "a" }],
        host: { buildCache: { distcc: [{ jobs: 8 }, { port: 3632, jobs: 2 }] } },
      },
      [
        "host.buildCache.distcc[1].port: port 3632 is already taken by host.buildCache.distcc[0].port",
      ],
    ],
    [
      "one domain twice",
      {
        guests: [
          { name: "a", image: EXISTING },
          { name: "b", image: EXISTING },
        ],
      },
      ["guests[1].image.domain: domain 'Old_VM' is already taken by guests[0].image.domain"],
    ],
  ];
  for (const [what, raw, expected] of labs) {
    it(`of the lab: ${what}`, () => assert.deepEqual(faults(raw).sort(), [...expected].sort()));
  }

  it("refuses a screen that others could reach in clear text", () => {
    for (const listen of ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1"]) {
      assert.deepEqual(faultsOf({ spice: { listen } }), [
        `guests[0].spice.listen: must be loopback without spice.tls, got "${listen}"; set spice.tls to true, or listen on 127.0.0.1 and tunnel ('ssh -L')`,
      ]);
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), []);
    }
  });

  it("takes an address of the host for a screen, and nothing else", () => {
    for (const listen of ["127.0.0.1", "127.8.9.10", "::1"]) {
      assert.deepEqual(faultsOf({ spice: { listen } }), []);
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), []);
    }
    for (const listen of ["everywhere", "", "fe80::1%eth0", "127.0.0.1 ", "localhost", "[::1]"]) {
      const rule = "use an address of the host, e.g. '127.0.0.1'";
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), [
        `guests[0].spice.listen: ${rule}, got ${JSON.stringify(listen)}`,
      ]);
    }
  });

  it("lets a guest that the lab makes from signed packages be without a way out", () => {
    assert.deepEqual(faultsOf({ network: { outbound: false } }), []);
    assert.deepEqual(faultsOf({ network: { outbound: false, sshPort: 22022 } }), []);
  });

  it("takes a lab host by its name or its address, and no part of a URI", () => {
    const of = (host: string): string[] =>
      faultsOf({}, { host: { ssh: { host, privateKeyFile: "/k", hostKey: HOST_KEY } } });
    for (const host of ["lab", "lab.example", "10.0.0.5", "::1", "2001:db8::1"])
      assert.deepEqual(of(host), []);
    for (const host of ["lab:22", "a@lab", "fe80::1%eth0", "[::1]", "lab/x", ":", "::1::"]) {
      assert.deepEqual(of(host), [
        `host.ssh.host: use a host name or an address, got ${JSON.stringify(host)}`,
      ]);
    }
  });

  it("takes no control character in the comment of a host key", () => {
    const of = (comment: string): string[] =>
      faultsOf(
        {},
        { host: { ssh: { host: "lab", privateKeyFile: "/k", hostKey: HOST_KEY + comment } } },
      );
    assert.deepEqual(of(" ada@lab (2026)"), []);
    assert.equal(of(" \u001b[2J").length, 1);
  });

  it("tells a strange key on one line, without what a terminal obeys, and not at any length", () => {
    assert.deepEqual(faults({ "a\n\u001b[2J\u202e": 1, guests: [{ name: "a" }] }), [
      "a<U+000A><U+001B>[2J<U+202E>: unknown key; known keys: host, guests",
    ]);
    const [long = ""] = faults({ ["x".repeat(100_000)]: 1, guests: [{ name: "a" }] });
    assert.ok(long.length < 1000, long);
  });

  it("does not hide the others", () => {
    const found = faults({
      hosts: {},
      host: { packages: "never" },
      guests: [{ name: "A" }, { name: "b", vcpus: 0 }, { name: "c" }, { name: "c" }],
    });
    assert.deepEqual(found.map((line) => line.split(":")[0]).sort(), [
      "guests[0].name",
      "guests[1].vcpus",
      "guests[3].name",
      "host.packages",
      "hosts",
    ]);
  });

  it("never tells the insides of what might be a secret", () => {
    const [fault] = faultsOf({ memoryMiB: { password: "hunter2" } });
    assert.equal(fault, "guests[0].memoryMiB: expected number, received object");
  });
});

describe("readLabTexts", () => {
  it("reads JSON of structured values, YAML, and plain words", () => {
    const { lab } = readLabTexts({ host: "{viewers: true}", guests: '[{"name":"mir"}]' });
    assert.equal(lab?.host.viewers, true);
    assert.equal(lab?.guests[0]?.name, "mir");
    assert.deepEqual(readLabTexts({ guests: "mir" }).faults, [
      { path: "guests", reason: 'expected array, received string, got "mir"' },
    ]);
  });

  const table: [what: string, text: string, found: RegExp][] = [
    ["half a list", "[", /^use YAML or JSON, found .*line 1/],
    ["a key twice", "{a: 1, a: 2}", /^use YAML or JSON, found Map keys must be unique/],
    ["an alias of nothing", "*a", /^use YAML or JSON, found Unresolved alias/],
    ["a thousand levels", "[".repeat(100_000), /^use YAML or JSON, found /],
    ["two documents", "a\n---\nb", /^use YAML or JSON, found /],
  ];
  for (const [what, text, found] of table) {
    it(`tells ${what} as a fault of its key, and throws nothing`, () => {
      const { lab, faults } = readLabTexts({ guests: text, host: "{}" });
      assert.equal(lab, undefined);
      assert.equal(faults.length, 1);
      assert.equal(faults[0]?.path, "guests");
      assert.match(faults[0]?.reason ?? "", found);
    });
  }
});

describe("readLab", () => {
  /** Every place in a lab, as keys to walk. */
  const places: PropertyKey[][] = [];
  const walk = (value: unknown, path: PropertyKey[]): void => {
    if (path.length > 0) places.push(path);
    if (typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value)) walk(child, [...path, key]);
  };
  const whole = {
    ...labOf({
      guests: [{ name: "a" }, { name: "b", image: URL_IMAGE }, { name: "c", image: EXISTING }],
    }),
  };
  walk(whole, []);

  function withValueAt(path: PropertyKey[], value: unknown): Record<string, unknown> {
    const copy = structuredClone(whole) as unknown as Record<string, unknown>;
    const last = path.at(-1) ?? "";
    const holder = path
      .slice(0, -1)
      .reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], copy);
    Object.defineProperty(holder, last, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return copy;
  }

  function judgeAny(raw: Record<string, unknown>): void {
    const result = readLab(raw);
    if (result.lab !== undefined) {
      assert.deepEqual(readLab(structuredClone(result.lab)).lab, result.lab);
      return;
    }
    assert.ok(result.faults.length > 0);
    for (const fault of result.faults) {
      assert.notEqual(fault.path, "");
      assert.notEqual(fault.reason, "");
      assert.doesNotMatch(fault.reason, /undefined|\[object/);
    }
  }

  it("answers any JSON with a lab or with faults that each have a place and a reason", () => {
    const json = fc.jsonValue() as fc.Arbitrary<unknown>;
    fc.assert(
      fc.property(
        json,
        json,
        fc.dictionary(fc.string({ minLength: 1 }), json),
        (host, guests, rest) => {
          judgeAny({ ...rest, host, guests });
          judgeAny({ guests: [guests, host] });
        },
      ),
    );
  });

  it("answers a lab with anything in any place of it", () => {
    const special = fc.constantFrom<unknown>(
      null,
      "",
      -1,
      0.5,
      1e308,
      NaN,
      [],
      {},
      [[]],
      "__proto__",
      "\n",
      true,
    );
    const value = fc.oneof(
      special,
      fc.jsonValue() as fc.Arbitrary<unknown>,
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), value, (path, v) => judgeAny(withValueAt(path, v))),
      { numRuns: 400 },
    );
  });

  it("refuses any key that it does not know, wherever it stands", () => {
    const key = fc.oneof(
      fc.constantFrom("__proto__", "constructor", "toString"),
      fc.stringMatching(/^zz\w{1,8}$/),
    );
    const objects = places.filter((path) => {
      const at = path.reduce<unknown>((o, k) => (o as Record<PropertyKey, unknown>)[k], whole);
      return typeof at === "object" && !Array.isArray(at);
    });
    fc.assert(
      fc.property(fc.constantFrom([], ...objects), key, (path: PropertyKey[], unknown) => {
        const result = readLab(withValueAt([...path, unknown], 1));
        assert.equal(result.lab, undefined);
        judgeAny(withValueAt([...path, unknown], 1));
      }),
    );
  });
});
