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
      "guests[0].kernel.package: found the key with source 'distro'; need source 'package'; fix: remove the key, or change source",
    ],
    [from({}), "guests[0].kernel.package: found neither of suite and deb; need exactly one"],
    [
      from({ suite: "sid", deb: "/a.deb", sha256: SHA }),
      "guests[0].kernel.package: found both of suite and deb; need exactly one",
    ],
    [
      from({ deb: "/a.deb" }),
      "guests[0].kernel.package.sha256: missing; package.deb needs its digest",
    ],
    [
      from({ suite: "sid", sha256: SHA }),
      "guests[0].kernel.package.sha256: found the key without package.deb; need it only for a deb: apt verifies a suite",
    ],
    [
      from({ deb: "/a.deb", sha256: SHA, name: "linux-image-amd64" }),
      "guests[0].kernel.package.name: found the key with package.deb; need it only for a suite: a deb contains its name",
    ],
    [
      from({ suite: "sid main' 'x" }),
      "guests[0].kernel.package.suite: found \"sid main' 'x\"; need a suite, e.g. 'bookworm-backports'",
    ],
    [
      from({ suite: "sid", name: "--reinstall" }),
      "guests[0].kernel.package.name: found \"--reinstall\"; need a package 'linux-image-...'",
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
    [{ kernel: { source: "build" } }, "guests[0].kernel.build: missing; source 'build' needs it"],
    [
      { kernel: { source: "distro", build: { source: { git: "/l", commit: SHA.slice(24) } } } },
      "guests[0].kernel.build: found the key with source 'distro'; need source 'build'; fix: remove the key, or change source",
    ],
    [
      built({ source: {} }),
      "guests[0].kernel.build.source: found 0 of package, url and git; need exactly one",
    ],
    [
      built({ source: { url: "https://a.example/x.tar" } }),
      "guests[0].kernel.build.source.sha256: missing; source.url needs it",
    ],
    [
      built({ source: { url: "http://a.example/x.tar", sha256: SHA } }),
      'guests[0].kernel.build.source.url: found "http://a.example/x.tar": plain http is accepted from loopback only; fix: use https',
    ],
    [
      built({ source: { git: "/srv/../etc", commit: SHA.slice(24) } }),
      `guests[0].kernel.build.source.git: found "/srv/../etc"; need a path without '.' and '..'`,
    ],
    [
      built({ source: { package: "linux-image-6.12", suite: "sid" } }),
      `guests[0].kernel.build.source.package: found "linux-image-6.12"; need a package of sources, e.g. 'linux-source-6.12'`,
    ],
    [
      { ...from({ suite: "sid" }), image: EXISTING },
      "guests[0].kernel.source: found 'package' for an adopted guest; need 'distro': the lab does not manage its kernel",
    ],
    [{ mesa: { source: "package", package: { suite: "bookworm-backports" } } }],
    [{ mesa: { source: "package", package: { deb: "/srv/mesa.deb", sha256: SHA } } }],
    [
      { mesa: { source: "package", when: "always" } },
      "guests[0].mesa.package: missing; source 'package' needs a suite or a deb",
    ],
    [
      { mesa: { source: "package", package: { deb: "/srv/mesa.deb" } } },
      "guests[0].mesa.package.sha256: missing; package.deb needs its digest",
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
      `guests[0].mesa.build.source.package: found "glibc"; need "mesa"`,
    ],
    [
      { mesa: { source: "build", build: { source: {}, renderer: "zink" } } },
      `guests[0].mesa.build.renderer: found "zink"; need one of "softpipe"|"llvmpipe"`,
    ],
    [
      { mesa: { source: "build", build: { source: {}, base: "tiny" } } },
      "guests[0].mesa.build.base: unknown key; known keys: source, patches, jobs, renderer",
    ],
    [
      { mesa: { source: "build", build: { source: { package: "mesa" } } } },
      "guests[0].mesa.build.source.suite: missing; source.package needs it",
    ],
    [
      { mesa: { source: "package", package: { suite: "sid" } }, image: EXISTING },
      "guests[0].mesa.source: found 'package' for an adopted guest; need 'distro': the lab does not manage its mesa",
    ],
  ];
  for (const [guest, ...expected] of table) {
    it(`${expected.length === 0 ? "accepts" : "refuses"} ${JSON.stringify(guest)}`, () => {
      assert.deepEqual(faultsOf(guest), expected);
    });
  }
});

describe("a minimal lab", () => {
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

  it("is equal to the same lab with all defaults written out", () => {
    const lab = labOf({ guests: [{ name: "mir" }, { name: "b", image: URL_IMAGE }] });
    assert.deepEqual(labOf({ ...lab }), lab);
  });

  it("accepts Lomiri with the default memory, and with the memory of an adopted domain", () => {
    const session = { kind: "lomiri" };
    assert.deepEqual(faultsOf({ session }), []);
    assert.deepEqual(faultsOf({ session, image: EXISTING, memoryMiB: 1024 }), []);
  });

  it("accepts an adopted domain by its name and host key", () => {
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
    "'sha256:<64 hex digits>' or 'sha512:<128 hex digits>', from the publisher's signed sums";
  const pathRule =
    "an absolute path of letters, digits and . _ @ + - (no spaces, no trailing slash)";
  const nameRule = "lower-case letters, digits and inner hyphens, 1 to 32 characters";
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
      ["guests[0].image.source: need one of 'debian', 'url', 'existing'"],
    ],
    [
      "image without a source",
      { image: {} },
      ["guests[0].image.source: need one of 'debian', 'url', 'existing'"],
    ],
    ["wrong type", { memoryMiB: "2048" }, ['guests[0].memoryMiB: found "2048"; need a number']],
    ["a list for an object", { video: [] }, ["guests[0].video: found a list of 0; need an object"]],
    [
      "too little memory",
      { memoryMiB: 512 },
      ["guests[0].memoryMiB: found 512; need a number >=768"],
    ],
    ["a fraction", { vcpus: 1.5 }, ["guests[0].vcpus: found 1.5; need a whole number"]],
    [
      "unknown choice",
      { acceleration: "fast" },
      [`guests[0].acceleration: found "fast"; need one of "auto"|"kvm"|"tcg"`],
    ],
    ["bad name", { name: "Mir_1" }, [`guests[0].name: found "Mir_1"; need ${nameRule}`]],
    ["option-like name", { name: "-mir" }, [`guests[0].name: found "-mir"; need ${nameRule}`]],
    [
      "missing digest",
      { image: { source: "url", url: "https://a.example/x" } },
      ["guests[0].image.digest: missing; Digest of the file; another file is refused."],
    ],
    [
      "bad digest",
      { image: { ...URL_IMAGE, digest: "md5:0" } },
      [`guests[0].image.digest: found "md5:0"; need ${digestRule}`],
    ],
    [
      "plain http",
      { image: { ...URL_IMAGE, url: "http://a.example/x" } },
      [
        `guests[0].image.url: found "http://a.example/x": plain http is accepted from loopback only; fix: use https`,
      ],
    ],
    [
      "file URL",
      { image: { ...URL_IMAGE, url: "file:///etc/passwd" } },
      [`guests[0].image.url: found "file:///etc/passwd"; need an http or https URL`],
    ],
    [
      "system share",
      { share: { path: "/etc" } },
      [`guests[0].share.path: '/etc' is in the system folder /etc; fix: ${shareFix}`],
    ],
    [
      "relative share",
      { share: { path: "mir" } },
      [`guests[0].share.path: found "mir"; need ${pathRule}`],
    ],
    [
      "share path with dots",
      { share: { path: "/srv/../etc" } },
      [`guests[0].share.path: found "/srv/../etc"; need a path without '.' and '..'`],
    ],
    [
      "system mount",
      { share: { mount: "/usr" } },
      [`guests[0].share.mount: found "/usr"; need a path below /mnt, /media, /srv, /home or /opt`],
    ],
    [
      "low kernel gate",
      { gates: { kernel: ">= 3.17" } },
      [
        `guests[0].gates.kernel: '>= 3.17' is below the page's floor '>= 3.18'; fix: raise it or drop the key`,
      ],
    ],
    [
      "low Mesa gate",
      { gates: { mesa: "10.2" } },
      [
        `guests[0].gates.mesa: '>= 10.2' is below the page's floor '>= 10.3.0'; fix: raise it or drop the key`,
      ],
    ],
    [
      "malformed gate",
      { gates: { mesa: "new" } },
      [
        `guests[0].gates.mesa: 'new' is not a version requirement; fix: use '>= MAJOR.MINOR[.PATCH]', e.g. '>= 10.3.0'`,
      ],
    ],
    [
      "line end in a command",
      { session: { command: ["a\nb"] } },
      [`guests[0].session.command[0]: found "a\\nb"; need text without control characters`],
    ],
    [
      "empty command",
      { session: { command: [] } },
      ["guests[0].session.command: found a list of 0; need a list with >=1 items"],
    ],
    [
      "a server for another kind of session",
      { session: { kind: "lomiri", command: ["mir_demo_server"] } },
      [
        "guests[0].session.command: found the key with session.kind 'lomiri'; need kind 'demo'; fix: remove the key, or change session.kind",
      ],
    ],
    [
      "a client for another kind of session, even an empty one",
      { session: { kind: "lomiri", client: [] } },
      [
        "guests[0].session.client: found the key with session.kind 'lomiri'; need kind 'demo'; fix: remove the key, or change session.kind",
      ],
    ],
    [
      "unknown kind of session",
      { session: { kind: "unity8" } },
      ['guests[0].session.kind: found "unity8"; need one of "demo"|"lomiri"'],
    ],
    [
      "less memory than Lomiri was tested with",
      { session: { kind: "lomiri" }, memoryMiB: 2047 },
      ["guests[0].memoryMiB: found 2047; need at least 2048 for session.kind 'lomiri'"],
    ],
    [
      "privileged port",
      { spice: { port: 80 } },
      ["guests[0].spice.port: found 80; need a number >=1024"],
    ],
    [
      "same port twice",
      { spice: { port: 6000 }, network: { sshPort: 6000 } },
      [
        "guests[0].network.sshPort: found port 6000, which guests[0].spice.port has too; need another one",
      ],
    ],
    [
      "TLS on the screen of an adopted domain",
      { image: EXISTING, spice: { tls: true } },
      [
        "guests[0].spice.tls: found true for an adopted guest; need a guest that the lab creates; fix: remove the key",
      ],
    ],
    [
      "TLS that is not a boolean",
      { spice: { tls: "yes" } },
      ['guests[0].spice.tls: found "yes"; need true or false'],
    ],
    [
      "outbound false in mode nat",
      { network: { mode: "nat", outbound: false } },
      [
        "guests[0].network.outbound: found false; need network.mode 'user' and a guest that the lab creates; fix: remove the key",
      ],
    ],
    [
      "outbound false for an adopted domain",
      { network: { outbound: false }, image: EXISTING },
      [
        "guests[0].network.outbound: found false; need network.mode 'user' and a guest that the lab creates; fix: remove the key",
      ],
    ],
    [
      "outbound false for a first boot that downloads packages",
      { network: { outbound: false }, image: URL_IMAGE },
      [
        "guests[0].network.outbound: found false with image.source 'url'; need the network for the packages of the first boot; fix: use image.source 'debian', or remove the key",
      ],
    ],
    [
      "a lone surrogate in a command",
      { session: { command: ["\ud800"] } },
      ['guests[0].session.command[0]: found "\\ud800"; need valid Unicode text'],
    ],
    [
      "a control character in an image's URL",
      { image: { ...URL_IMAGE, url: "https://a.example/\u001b[2J" } },
      ['guests[0].image.url: found "https://a.example/\\u001b[2J"; need an http or https URL'],
    ],
    [
      "frame buffer over RAM",
      { video: { ramKiB: 16384, vgamemKiB: 32768 } },
      ["guests[0].video.vgamemKiB: found 32768; need at most video.ramKiB (16384)"],
    ],
  ];
  for (const [what, guest, expected] of table) {
    it(`of a guest: ${what}`, () => {
      const found = faultsOf(guest);
      // One wrong value may break several rules; the expected fault has to be there word for word.
      for (const line of expected)
        assert.ok(found.includes(line), `${line}\nnot in\n${found.join("\n")}`);
    });
  }

  const labs: [string, Record<string, unknown>, string[]][] = [
    ["nothing", {}, ["guests: missing; set it"]],
    ["no guest", { guests: [] }, ["guests: found a list of 0; need at least one guest"]],
    ["empty key", { guests: null }, ["guests: found null; need a list"]],
    [
      "unknown key",
      { guest: [] },
      ["guest: unknown key; did you mean 'guests'?", "guests: missing; set it"],
    ],
    ["guest without a name", { guests: [{}] }, ["guests[0].name: missing; Name of the guest."]],
    [
      "octet over 255",
      { guests: [{ name: "a" }], host: { natSubnet: "10.999.0.0/24" } },
      [`host.natSubnet: found "10.999.0.0/24"; need a private /24, e.g. '192.168.130.0/24'`],
    ],
    [
      "public subnet",
      { guests: [{ name: "a" }], host: { natSubnet: "8.8.8.0/24" } },
      [`host.natSubnet: found "8.8.8.0/24"; need a private /24, e.g. '192.168.130.0/24'`],
    ],
    [
      "host without a key",
      { guests: [{ name: "a" }], host: { ssh: { host: "lab", privateKeyFile: "/k" } } },
      [
        "host.ssh.hostKey: missing; The server's public host key, preferably ed25519; connections to another key are refused.",
      ],
    ],
    [
      "option for a host",
      {
        guests: [{ name: "a" }],
        host: { ssh: { host: "-oProxyCommand=x", privateKeyFile: "/k", hostKey: HOST_KEY } },
      },
      [`host.ssh.host: found "-oProxyCommand=x"; need a host name or an address`],
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
        "guests[1].name: found guest name 'a', which guests[0].name has too; need another one",
        "guests[1].spice.port: found port 6000, which guests[0].spice.port has too; need another one",
      ],
    ],
    [
      "distcc for a disabled compile",
      {
        guests: [{ name: "a" }],
        host: { buildCache: { warm: "never", distcc: [{ jobs: 8 }] } },
      },
      [
        "host.buildCache.distcc: found helpers with warm 'never'; need a compile on the host; fix: set warm to 'auto', or remove distcc",
      ],
    ],
    [
      "one helper twice",
      {
        guests: [{ name: "a" }],
        host: { buildCache: { distcc: [{ jobs: 8 }, { port: 3632, jobs: 2 }] } },
      },
      [
        "host.buildCache.distcc[1].port: found port 3632, which host.buildCache.distcc[0].port has too; need another one",
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
      [
        "guests[1].image.domain: found domain 'Old_VM', which guests[0].image.domain has too; need another one",
      ],
    ],
  ];
  for (const [what, raw, expected] of labs) {
    it(`of the lab: ${what}`, () => assert.deepEqual(faults(raw).sort(), [...expected].sort()));
  }

  it("refuses a screen that others could reach in clear text", () => {
    for (const listen of ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1"]) {
      assert.deepEqual(faultsOf({ spice: { listen } }), [
        `guests[0].spice.listen: found "${listen}" without spice.tls; need loopback or TLS; fix: set spice.tls to true, or listen on 127.0.0.1 and tunnel ('ssh -L')`,
      ]);
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), []);
    }
  });

  it("accepts only an address of the host for a screen", () => {
    for (const listen of ["127.0.0.1", "127.8.9.10", "::1"]) {
      assert.deepEqual(faultsOf({ spice: { listen } }), []);
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), []);
    }
    for (const listen of ["everywhere", "", "fe80::1%eth0", "127.0.0.1 ", "localhost", "[::1]"]) {
      const rule = "an address of the host, e.g. '127.0.0.1'";
      assert.deepEqual(faultsOf({ spice: { listen, tls: true } }), [
        `guests[0].spice.listen: found ${JSON.stringify(listen)}; need ${rule}`,
      ]);
    }
  });

  it("accepts outbound false for a guest from signed packages", () => {
    assert.deepEqual(faultsOf({ network: { outbound: false } }), []);
    assert.deepEqual(faultsOf({ network: { outbound: false, sshPort: 22022 } }), []);
  });

  it("accepts a name or address of a lab host, and no other parts of a URI", () => {
    const of = (host: string): string[] =>
      faultsOf({}, { host: { ssh: { host, privateKeyFile: "/k", hostKey: HOST_KEY } } });
    for (const host of ["lab", "lab.example", "10.0.0.5", "::1", "2001:db8::1"])
      assert.deepEqual(of(host), []);
    for (const host of ["lab:22", "a@lab", "fe80::1%eth0", "[::1]", "lab/x", ":", "::1::"]) {
      assert.deepEqual(of(host), [
        `host.ssh.host: found ${JSON.stringify(host)}; need a host name or an address`,
      ]);
    }
  });

  it("refuses control characters in the comment of a host key", () => {
    const of = (comment: string): string[] =>
      faultsOf(
        {},
        { host: { ssh: { host: "lab", privateKeyFile: "/k", hostKey: HOST_KEY + comment } } },
      );
    assert.deepEqual(of(" ada@lab (2026)"), []);
    assert.equal(of(" \u001b[2J").length, 1);
  });

  it("shows a strange key on one line, shortened and without control characters", () => {
    assert.deepEqual(faults({ "a\n\u001b[2J\u202e": 1, guests: [{ name: "a" }] }), [
      "a<U+000A><U+001B>[2J<U+202E>: unknown key; known keys: host, guests",
    ]);
    const [long = ""] = faults({ ["x".repeat(100_000)]: 1, guests: [{ name: "a" }] });
    assert.ok(long.length < 1000, long);
  });

  it("does not hide other faults", () => {
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

  it("never shows the content of an object, which may be a secret", () => {
    const [fault] = faultsOf({ memoryMiB: { password: "hunter2" } });
    assert.equal(fault, "guests[0].memoryMiB: found an object; need a number");
  });
});

describe("readLabTexts", () => {
  it("reads structured values from JSON and YAML, and plain words", () => {
    const { lab } = readLabTexts({ host: "{viewers: true}", guests: '[{"name":"mir"}]' });
    assert.equal(lab?.host.viewers, true);
    assert.equal(lab?.guests[0]?.name, "mir");
    assert.deepEqual(readLabTexts({ guests: "mir" }).faults, [
      { path: "guests", reason: 'found "mir"; need a list' },
    ]);
  });

  const table: [what: string, text: string, found: RegExp][] = [
    ["half a list", "[", /^found invalid YAML \(.*line 1/],
    ["a key twice", "{a: 1, a: 2}", /^found invalid YAML \(Map keys must be unique/],
    ["an unresolved alias", "*a", /^found invalid YAML \(Unresolved alias/],
    ["a thousand levels", "[".repeat(100_000), /^found invalid YAML \(/],
    ["two documents", "a\n---\nb", /^found invalid YAML \(/],
  ];
  for (const [what, text, found] of table) {
    it(`reports ${what} as a fault of its key, and does not throw`, () => {
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

  it("answers any JSON with a lab, or with faults that have a path and a reason", () => {
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
