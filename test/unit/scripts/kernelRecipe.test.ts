import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { temporaryFolder } from "../support";

const RECIPE = resolve(__dirname, "..", "..", "..", "scripts", "build");

/** A fake Linux Makefile: its Kconfig has six symbols, and drops the one in DROP. */
const MAKEFILE = `
allnoconfig:
	@grep -v "CONFIG_$(DROP)=" "$(KCONFIG_ALLCONFIG)" >"$(O)/.config"
localyesconfig:
	@sed 's/ .*/_loaded/; s/^/# /' "$(LSMOD)" >>"$(O)/.config"
x86_64_defconfig:
	@echo CONFIG_NUMA=y >"$(O)/.config"
olddefconfig:
	@true
prepare:
	@$(PREPARE)
kernelversion:
	@echo 3.18.140
kernelrelease:
	@echo 6.99.0$(LOCALVERSION)
`;
const KCONFIG = ["64BIT", "EXT4_FS", "DRM_QXL", "NUMA", "LOG_BUF_SHIFT", "LOCALVERSION"]
  .map((symbol, i) => `${i % 2 === 0 ? "config" : "menuconfig"} ${symbol}\n\tbool "${symbol}"\n`)
  .join("");

interface Case {
  readonly fragment?: string;
  readonly base?: string;
  /** The record of the guest's own kernel. */
  readonly basis?: string;
  readonly make?: Record<string, string>;
  readonly source?: boolean;
}

interface Answer {
  readonly code: number | null;
  readonly words: string;
  readonly config: string;
}

function configure({
  fragment = "",
  base = "tiny",
  basis = "",
  make = {},
  source = true,
}: Case): Answer {
  const folder = temporaryFolder();
  const [input, out] = [join(folder, "in"), join(folder, "out")];
  for (const name of ["source/arch/x86", "recipe", "fragments"]) {
    mkdirSync(join(input, name), { recursive: true });
  }
  mkdirSync(out);
  if (source) {
    const words = { DROP: "NONE", PREPARE: "true", ...make };
    const set = Object.entries(words).map(([key, value]) => `${key} = ${value}`);
    writeFileSync(join(input, "source", "Makefile"), `${set.join("\n")}\n${MAKEFILE}`);
    writeFileSync(join(input, "source", "Kconfig"), KCONFIG);
  }
  const ours = "CONFIG_64BIT=y\nCONFIG_EXT4_FS=y\nCONFIG_DRM_QXL=y\nCONFIG_OF_ANOTHER_LINUX=y\n";
  writeFileSync(join(input, "recipe", "mir.config"), ours);
  writeFileSync(join(input, "fragments", "00"), fragment);
  writeFileSync(join(input, "basis"), basis);
  const spec = ["suffix -mirlab-01234567", `base ${base}`, "fragment 00 my.config"];
  const needs = ["need EXT4_FS", "need DRM_QXL"];
  writeFileSync(join(input, "spec"), `${[...spec, ...needs].join("\n")}\n`);
  const env = { ...process.env, MIRLAB_BUILD_IN: input, MIRLAB_BUILD_OUT: out };
  const { status, stderr } = spawnSync("bash", [join(RECIPE, "kernel.sh"), "configure"], {
    ...{ env, encoding: "utf8" },
  });
  const config = status === 0 ? readFileSync(join(out, "config"), "utf8") : "";
  if (status === 0) {
    assert.equal(readFileSync(join(out, "name"), "utf8"), "6.99.0-mirlab-01234567\n");
  }
  return { code: status, words: stderr.trim(), config };
}

describe("a kernel's configuration", () => {
  it("is ours without symbols that this Linux lacks, then the fragments", () => {
    const { code, words, config } = configure({
      fragment: "# mine\n\nCONFIG_NUMA=y\nCONFIG_LOG_BUF_SHIFT=15\n# CONFIG_NUMA is not set\n",
    });
    assert.deepEqual([code, words], [0, ""]);
    assert.deepEqual(config.trim().split("\n").sort(), [
      "# CONFIG_NUMA is not set",
      "CONFIG_64BIT=y",
      "CONFIG_DRM_QXL=y",
      "CONFIG_EXT4_FS=y",
      "CONFIG_LOG_BUF_SHIFT=15",
    ]);
  });

  it("overrides Linux' own defaults with base defconfig", () => {
    const { config } = configure({ base: "defconfig" });
    assert.match(config, /^CONFIG_NUMA=y\n[^]*CONFIG_DRM_QXL=y\n/);
  });

  it("overrides the guest's own kernel and its loaded modules with base running", () => {
    const { code, words, config } = configure({
      base: "running",
      basis:
        'CONFIG_NUMA=y\n# CONFIG_X is not set\nCONFIG_SYSTEM_TRUSTED_KEYS="debian/keys.pem"\n# module qxl\n',
    });
    assert.deepEqual([code, words], [0, ""]);
    const lines = config.trim().split("\n");
    assert.deepEqual(lines.slice(0, 4), [
      "CONFIG_NUMA=y",
      "# CONFIG_X is not set",
      'CONFIG_SYSTEM_TRUSTED_KEYS="debian/keys.pem"',
      "# qxl_loaded",
    ]);
    // Kconfig uses the last line of a symbol: only the distribution has its signing keys.
    assert.ok(lines.indexOf('CONFIG_SYSTEM_TRUSTED_KEYS=""') > 3);
    assert.ok(lines.indexOf("CONFIG_DRM_QXL=y") > 3);
  });

  const refused: readonly [string, Case, RegExp][] = [
    [
      "a symbol that is in no Kconfig file",
      { fragment: "CONFIG_QXL_TURBO=y\nCONFIG_NUMA=y\nCONFIG_AND_THIS=m\n" },
      /^build: fragment my\.config: found unknown symbols AND_THIS QXL_TURBO, required symbols of this source's Kconfig files; correct them, or use a source that has them$/,
    ],
    [
      "a line that is not a setting",
      { fragment: "CONFIG_NUMA=yes\n" },
      /^build: fragment my\.config: found 1:CONFIG_NUMA=yes; required lines CONFIG_X=VALUE/,
    ],
    [
      "an invalid record of a guest",
      { base: "running", basis: "CONFIG_NUMA=y\n$(shell id)\n# module ../qxl\n" },
      /^build: found 2:\$\(shell id\); 3:# module \.\.\/qxl in what the guest's kernel was recorded as, required its configuration and modules/,
    ],
    [
      "a LOCALVERSION of its own",
      { fragment: 'CONFIG_LOCALVERSION="-mine"\n' },
      /found CONFIG_LOCALVERSION, required without/,
    ],
    [
      "a symbol that Kconfig drops",
      { fragment: "CONFIG_NUMA=y\n", make: { DROP: "NUMA" } },
      /^build: configuration: found CONFIG_NUMA \(y asked for, n found\) after Kconfig, required as the fragments ask; set what they depend on/,
    ],
    [
      "a fragment that disables symbols the guest needs",
      { fragment: "# CONFIG_DRM_QXL is not set\nCONFIG_EXT4_FS=m\n" },
      /^build: configuration: found CONFIG_EXT4_FS CONFIG_DRM_QXL not built in, required for this guest/,
    ],
    [
      "a source that does not know the compiler",
      { make: { PREPARE: "echo compiler-gcc12.h: No such file >&2; false" } },
      /compiler-gcc12\.h: No such file[^]*build: source: found Linux 3\.18\.140 which .*gcc.* does not compile, see its words above; required a newer source/,
    ],
    ["a source that is not Linux", { source: false }, /^build: found no Linux source/],
  ];
  for (const [what, given, expected] of refused) {
    it(`is refused with ${what}`, () => {
      const { code, words } = configure(given);
      assert.notEqual(code, 0);
      assert.match(words, expected);
    });
  }
});
