import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readLab, readLabTexts } from "../../../config/lab";
import { EXISTING, faults, faultsOf, HOST_KEY, labOf, URL_IMAGE } from "./labs";

describe("a minimal lab", () => {
  it("gets every default", () => {
    assert.deepEqual(labOf({ guests: [{ name: "mir" }] }), {
      host: {
        dataDir: "/var/lib/mirlab",
        cacheDir: "/var/cache/mirlab",
        memory: "check",
        qemu: "release",
        natSubnet: "192.168.130.0/24",
        viewers: false,
        packages: "install",
        buildCache: { sizeGiB: 10, warm: "auto", distcc: [] },
        onDrift: "heal",
      },
      guests: [
        {
          name: "mir",
          image: { source: "debian", suite: "trixie", packages: [], apt: { sources: [] } },
          vcpus: 2,
          memoryMiB: 2048,
          diskGiB: 12,
          autostart: false,
          acceleration: "auto",
          video: { model: "qxl", ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384, outputs: [] },
          spice: { listen: "127.0.0.1", tls: false, clipboard: false, fileTransfer: false },
          network: { mode: "user", outbound: true },
          share: { enabled: true, mount: "/mnt/share", readonly: false },
          session: { kind: "demo", platform: "gbm-kms", rendering: "auto", cursor: "hardware" },
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
      ...{ restart: "never", connection: "system" },
      ssh: { ...EXISTING.ssh, port: 22, user: "root" },
    });
  });
});

describe("a fault", () => {
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
      [
        `host.ssh.host: found "-oProxyCommand=x"; need a host name (at most 253 characters, parts of at most 63) or an address`,
      ],
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

  it("accepts a name or address of a lab host, and no other parts of a URI", () => {
    const of = (host: string): string[] =>
      faultsOf({}, { host: { ssh: { host, privateKeyFile: "/k", hostKey: HOST_KEY } } });
    for (const host of ["lab", "lab.example", "10.0.0.5", "::1", "2001:db8::1"])
      assert.deepEqual(of(host), []);
    for (const host of ["lab:22", "a@lab", "fe80::1%eth0", "[::1]", "lab/x", ":", "::1::"]) {
      assert.deepEqual(of(host), [
        `host.ssh.host: found ${JSON.stringify(host)}; need a host name (at most 253 characters, parts of at most 63) or an address`,
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
