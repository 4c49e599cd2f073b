import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXISTING, faultsOf } from "./labs";

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
      "guests[0].mesa.build.base: unknown key; known keys: source, patches, jobs, suite, renderer",
    ],
    [
      { mesa: { source: "build", build: { source: { package: "mesa" } } } },
      "guests[0].mesa.build.source.suite: missing; source.package needs it",
    ],
    [
      {
        mesa: {
          source: "build",
          build: { source: { package: "mesa", suite: "forky" }, suite: "bookworm" },
        },
      },
      "guests[0].mesa.build.suite: found 'bookworm' with image.suite 'trixie'; need 'trixie': Mesa uses the guest's libraries; fix: remove the key",
    ],
    [
      {
        image: { source: "ubuntu" },
        mesa: { source: "build", build: { source: { package: "mesa", suite: "trixie" } } },
      },
      "guests[0].mesa.source: found 'build' with image.source 'ubuntu'; need 'debian': Mesa is compiled with a Debian suite's libraries; fix: use mesa.source 'package'",
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
