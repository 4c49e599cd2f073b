import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ADVISORIES, ADVISORIES_DATE, Advisory } from "../../../../../components/host/advisories";
import { fixedBy } from "../../../../../components/host/checks/security";
import { PackageFact } from "../../../../../components/host/facts";
import { findings, FULL, fully, lab, texts } from "./host";

/** Debian 12 as it was on the date of the list. */
const BOOKWORM: PackageFact[] = [
  {
    ...{ name: "qemu-system-x86", version: "1:7.2+dfsg-7+deb12u18+b3" },
    named: ["CVE-2023-2861"],
  },
  { name: "libslirp0", version: "4.7.0-1", named: [] },
  { name: "libspice-server1", version: "0.15.1-1", named: ["CVE-2020-14355"] },
  {
    ...{ name: "libvirt-daemon", version: "9.0.0-4+deb12u2" },
    named: ["CVE-2024-1441", "CVE-2024-2494", "CVE-2024-2496"],
  },
];

const advisory = (id: string): Advisory => {
  const found = ADVISORIES.find((a) => a.id === id);
  assert.ok(found, id);
  return found;
};

/** Ids and severities of the advisories on these packages. */
function open(packages: readonly PackageFact[], of = lab({})): string[] {
  return fully({ packages }, of)
    .filter(({ id, severity }) => id === "advisory" && severity !== "ok")
    .map(({ severity, found }) => `${severity} ${/CVE-\d+-\d+/.exec(found)?.[0] ?? found}`);
}

describe("checkHost, of known vulnerabilities", () => {
  it("warns of what is open in Debian 12, and only notes unverified advisories", () => {
    assert.deepEqual(open(BOOKWORM), [
      "warn CVE-2026-93834",
      "warn CVE-2026-9539",
      "info CVE-2026-17588",
      "info CVE-2026-16271",
    ]);
  });

  it("prints what is known, the meaning and the fix", () => {
    const [line] = texts(fully({ packages: BOOKWORM.slice(0, 1) })).filter((l) =>
      l.includes("93834"),
    );
    assert.equal(
      line,
      "warn - advisory: found CVE-2026-93834 (high) in qemu-system-x86 1:7.2+dfsg-7+deb12u18+b3: a user of a guest can escape from a writable 9p share and access the host as QEMU's user (fixed in 11.1.2, the package's changelog does not name it); need a fixed version, or guests that cannot exploit it; fix: set guests[].share.readonly: true or share.enabled: false, share only with guests you trust, or install QEMU 11.1.2 or newer (Debian 13: host.qemu: backports)",
    );
    const [unsure] = texts(fully({ packages: BOOKWORM })).filter((l) => l.includes("17588"));
    assert.match(unsure ?? "", /not verified for this version\)$/);
  });

  it("does not warn if no guest of the lab is affected", () => {
    const readonly = lab({ share: { readonly: true }, network: { mode: "nat" } });
    const none = lab({ share: { enabled: false }, network: { mode: "nat" } });
    for (const of of [readonly, none]) {
      assert.deepEqual(open(BOOKWORM, of), [
        "info CVE-2026-93834",
        "info CVE-2026-9539",
        "info CVE-2026-17588",
        "info CVE-2026-16271",
      ]);
    }
  });

  it("judges what is of QXL only where a guest has such a card", () => {
    const old = BOOKWORM.map((fact) => ({ ...fact, version: "1:6.2+dfsg-1" }));
    const cursors = (model: string) =>
      open(old, lab({ video: { model } })).filter((line) => line.includes("CVE-2021-420"));
    assert.deepEqual(cursors("qxl"), ["warn CVE-2021-4206", "warn CVE-2021-4207"]);
    assert.deepEqual(cursors("virtio"), ["info CVE-2021-4206", "info CVE-2021-4207"]);
  });

  it("warns if one of several guests is affected", () => {
    const mixed = lab({ share: { enabled: false } }, {}).guests;
    assert.ok(open(BOOKWORM, { ...lab({}), guests: mixed }).includes("warn CVE-2026-93834"));
  });

  it("accepts a fix in the package's own changelog, whatever the list says", () => {
    const named = ADVISORIES.map(({ id }) => id);
    const patched = BOOKWORM.map((fact) => ({ ...fact, named }));
    assert.deepEqual(open(patched), []);
  });

  it("distinguishes a missing changelog from one that does not name the CVE", () => {
    const bare = BOOKWORM.map((fact) => ({ ...fact, named: undefined }));
    const [line] = texts(fully({ packages: bare })).filter((l) => l.includes("93834"));
    assert.match(line ?? "", /the package's changelog is not on this host/);
  });

  it("has no finding on packages that are not installed", () => {
    const packages = BOOKWORM.map((fact) => ({ ...fact, version: undefined }));
    assert.deepEqual(
      fully({ packages }).filter(({ id }) => id === "advisory"),
      [],
    );
  });

  it("finds an old QEMU full of them", () => {
    const old = { name: "qemu-system-x86", version: "1:5.2+dfsg-11+deb11u1", named: [] };
    const found = open([old]);
    for (const id of ["CVE-2021-4206", "CVE-2021-4207", "CVE-2022-4144", "CVE-2023-2861"]) {
      assert.ok(found.includes(`warn ${id}`), id);
    }
  });

  const versions: [string, string, string, string | undefined][] = [
    ["CVE-2023-2861", "1:7.2+dfsg-7", "bookworm", undefined],
    ["CVE-2023-2861", "1:7.2+dfsg-7+deb12u1", "bookworm", "fixed in 1:7.2+dfsg-7+deb12u1"],
    ["CVE-2023-2861", "1:7.2+dfsg-7+deb12u1~bpo1", "bookworm", undefined],
    ["CVE-2023-2861", "1:8.2.2+ds-0ubuntu1.10", "noble", "fixed in 8.1.0"],
    // A fix in another suite does not count.
    ["CVE-2023-2861", "1:7.2+dfsg-7+deb12u1", "jammy", undefined],
    ["CVE-2026-9539", "4.9.1-1", "forky", undefined],
    ["CVE-2026-9539", "4.8.0-1+deb13u1", "trixie", "fixed in 4.8.0-1+deb13u1"],
    ["CVE-2026-9539", "4.9.2-1", "", "fixed in 4.9.2"],
  ];
  for (const [id, version, suite, expected] of versions) {
    it(`${id} in ${version} of '${suite}': ${expected ?? "open"}`, () => {
      const fact = { name: advisory(id).package, version, named: [] };
      assert.equal(fixedBy(advisory(id), fact, suite), expected);
    });
  }
});

describe("the list of advisories", () => {
  it("has a date, and entries with a meaning, a fix and a source", () => {
    assert.match(ADVISORIES_DATE, /^20\d\d-\d\d-\d\d$/);
    assert.equal(new Set(ADVISORIES.map(({ id }) => id)).size, ADVISORIES.length);
    for (const entry of ADVISORIES) {
      assert.match(entry.id, /^CVE-\d{4}-\d{4,}$/);
      assert.ok(entry.meaning !== "" && entry.fix !== "", entry.id);
      assert.match(entry.sources[0] ?? "", /^https:\/\//, entry.id);
      // A verified entry needs a fixed version or a second source.
      if (entry.status === "verified") assert.ok(entry.fixedUpstream ?? entry.sources[1], entry.id);
    }
  });
});

describe("checkHost, of AppArmor", () => {
  const none = "a guest that escapes from QEMU has all rights of libvirt-qemu";
  const need = "need QEMU confined by AppArmor, for guests that are not trusted";
  it("warns if the kernel has none, or libvirt does not use it", () => {
    assert.deepEqual(texts(fully({ apparmor: false, secmodels: ["none", "dac"] })), [
      `warn - apparmor: found a kernel without AppArmor: ${none}; ${need}; fix: boot a kernel with AppArmor: sudo apt-get install apparmor linux-image-amd64; sudo reboot`,
    ]);
    assert.deepEqual(texts(fully({ secmodels: ["none", "dac"] })), [
      `warn - apparmor: found a kernel with AppArmor that libvirt does not use: ${none}; ${need}; fix: sudo apt-get install apparmor; sudo systemctl restart apparmor libvirtd`,
    ]);
  });

  it("passes if libvirt uses it, and has no finding if libvirt does not answer", () => {
    const of = (libvirt: "ok" | "down") =>
      findings({ libvirt, full: FULL }).filter(({ id }) => id === "apparmor");
    assert.deepEqual(
      of("ok").map(({ severity }) => severity),
      ["ok"],
    );
    assert.deepEqual(of("down"), []);
  });
});
