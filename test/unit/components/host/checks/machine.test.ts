import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findingText } from "../../../../../components/host/checks/finding";
import { HostFacts } from "../../../../../components/host/facts";
import { faults, findings, fully, HOST, lab, labOn, texts } from "./host";

describe("checkHost", () => {
  it("finds no fault in a host that has everything", () => {
    assert.deepEqual(faults({}), []);
    for (const finding of findings({})) {
      assert.equal(findingText(finding), `${finding.id}: ${finding.found}`);
    }
  });

  const table: [string, Partial<HostFacts>, string][] = [
    [
      "another distribution",
      { os: "fedora  40" },
      "fail - host-os: found fedora  40; need Debian or a derivative; fix: use a Debian or Ubuntu host: packages are installed by apt",
    ],
    [
      "another machine",
      { arch: "aarch64" },
      "fail - host-arch: found aarch64; need x86_64; fix: use an x86_64 host: QXL and q35 exist only there",
    ],
    [
      "no rights",
      { rights: "none" },
      "fail - host-rights: found user ada, rights: none; need root's rights for packages, libvirt and folders of a new lab; fix: run 'lab up' at a terminal, where sudo asks for the password once; run it as root; or let sudo ask this user for no password",
    ],
    [
      "little memory",
      { memoryAvailableMiB: 2559 },
      "fail guests[].memoryMiB memory: found 2559 MiB available; need 2048 MiB for guests and 512 MiB for the host; fix: lower guests[].memoryMiB, end other programs, or set host.memory to overcommit",
    ],
    [
      "unknown memory",
      { memoryAvailableMiB: NaN },
      "fail guests[].memoryMiB memory: found NaN MiB available; need 2048 MiB for guests and 512 MiB for the host; fix: lower guests[].memoryMiB, end other programs, or set host.memory to overcommit",
    ],
    [
      "little disk space",
      { dataFreeMiB: 3999 },
      "fail host.dataDir disk: found 3999 MiB free at /var/lib/mirlab; need 4000 MiB; fix: make room, or set host.dataDir to a folder on a larger disk",
    ],
    [
      "a full cache",
      { cacheFreeMiB: 0 },
      "fail host.cacheDir disk: found 0 MiB free at /var/cache/mirlab; need 6000 MiB; fix: make room, or set host.cacheDir to a folder on a larger disk",
    ],
  ];
  for (const [what, facts, text] of table) {
    it(`reports ${what}`, () => assert.deepEqual(faults(facts), [text]));
  }

  it("warns of what is known to be bad about a declaration", () => {
    const kernel = {
      source: "package",
      package: { suite: "trixie", name: "linux-image-6.10-amd64" },
    };
    const found = texts(findings({}, lab({ kernel }))).filter((text) =>
      text.includes("combination"),
    );
    assert.equal(found.length, 1);
    assert.match(
      found[0] ?? "",
      /^warn guests\[0\]\.kernel combination: found Linux 6\.10, .*fix: boot/,
    );
  });

  const fine: [string, Partial<HostFacts>][] = [
    ["Ubuntu", { os: "ubuntu debian 24.04" }],
    ["a derivative", { os: "linuxmint ubuntu debian 22" }],
    ["just enough memory", { memoryAvailableMiB: 2560 }],
    ["no rights, for a lab that is there", { rights: "none", defined: ["mirlab-dev-g0"] }],
  ];
  for (const [what, facts] of fine) {
    it(`accepts ${what}`, () => assert.deepEqual(faults(facts), []));
  }

  it("only warns of little memory where host.memory is overcommit", () => {
    const bold = labOn({ memory: "overcommit" }, {});
    assert.deepEqual(faults({ memoryAvailableMiB: 2559 }, bold), [
      "warn guests[].memoryMiB memory: found 2559 MiB available; need 2048 MiB for guests and 512 MiB for the host; fix: lower guests[].memoryMiB, end other programs, or set host.memory to overcommit",
    ]);
  });

  it("counts only guests that do not run yet", () => {
    const two = lab({ memoryMiB: 4000 }, { memoryMiB: 4000 });
    assert.equal(faults({}, two).length, 1);
    assert.deepEqual(faults({ running: ["mirlab-dev-g0"] }, two), []);
    assert.equal(faults({ running: ["mirlab-other-g0"] }, two).length, 1);
    const all = ["mirlab-dev-g0", "mirlab-dev-g1"];
    assert.deepEqual(
      faults({ running: all, dataFreeMiB: 0, cacheFreeMiB: 0, memoryAvailableMiB: 600 }, two),
      [],
    );
  });

  it("leaves missing packages to up, unless the configuration forbids it", () => {
    const packages = [
      { name: "qemu-utils", version: undefined, named: undefined },
      { name: "curl", version: undefined, named: undefined },
    ];
    assert.deepEqual(texts(fully({ packages })), [
      "info host.packages packages: not installed: qemu-utils curl; 'npm run up' installs them",
    ]);
    assert.deepEqual(texts(fully({ packages }, labOn({ packages: "check" }, {}))), [
      "fail host.packages packages: found not installed: qemu-utils curl; need all packages of the lab, as host.packages is 'check'; fix: sudo apt-get install qemu-utils curl",
    ]);
  });

  it("notes a machine without systemd and udev, which is no fault", () => {
    assert.deepEqual(texts(fully({ systemd: false, udev: false })), [
      "info - init: no systemd and no udev: the lab starts libvirt and gives /dev/kvm its group itself",
    ]);
  });

  it("has findings only for the facts that a preview collected", () => {
    const asked = (full: HostFacts["full"]): string[] => findings({ full }).map(({ id }) => id);
    const doctors = ["packages", "init", "nested", "libvirt-socket", "emulator-share"];
    assert.deepEqual(
      asked(HOST.full).filter((id) => !asked(undefined).includes(id)),
      [...doctors, "apparmor", "advisory"],
    );
  });
});
