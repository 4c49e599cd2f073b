import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { temporaryFolder } from "../support";

const RECIPE = resolve(__dirname, "..", "..", "..", "scripts", "build");

/** Options in the form of Mesa's file, over several lines; some of each kind. */
const OPTIONS = `
option(
  'platforms',
  type : 'array',
  choices : ['x11', 'wayland'],
)
option('gallium-drivers', type : 'array', choices : ['auto', 'swrast', 'zink'])
option('llvm', type : 'feature', value : 'auto')
option('draw-use-llvm', type : 'boolean', value : true)
option('glvnd', type : 'boolean', value : false)
option('opengl', type : 'boolean', value : true)
option('glx', type : 'combo', choices : ['auto', 'dri', 'disabled'])
option('valgrind', type : 'feature')
option('something-new', type : 'feature')
`;

interface Case {
  readonly base?: string;
  readonly options?: string;
  readonly file?: string;
  readonly version?: string;
  readonly meson?: string;
}

interface Answer {
  readonly code: number | null;
  readonly words: string;
  /** Arguments of the call of Meson. */
  readonly given: readonly string[];
  readonly name: string;
}

function configure({
  base = "softpipe",
  options = OPTIONS,
  file = "meson_options.txt",
  version = "22.3.6",
  meson = "true",
}: Case): Answer {
  const folder = temporaryFolder();
  const [input, out, bin] = [join(folder, "in"), join(folder, "out"), join(folder, "bin")];
  for (const path of [join(input, "source/src/gallium"), out, bin]) {
    mkdirSync(path, { recursive: true });
  }
  if (version !== "") writeFileSync(join(input, "source", "VERSION"), `${version}\n`);
  writeFileSync(join(input, "source", "meson.build"), "");
  writeFileSync(join(input, "source", file), options);
  writeFileSync(join(input, "spec"), `kind mesa\nbase ${base}\nsuffix -mirlab-01234567\n`);
  writeFileSync(
    join(bin, "meson"),
    `#!/bin/bash\nprintf '%s\\n' "$@" >"${folder}/given"\nmkdir -p "${out}/obj"\n${meson}\n`,
    { mode: 0o755 },
  );
  const env = {
    ...process.env,
    ...{ MIRLAB_BUILD_IN: input, MIRLAB_BUILD_OUT: out },
    PATH: `${bin}:${process.env.PATH ?? ""}`,
  };
  const argv = [join(RECIPE, "mesa.sh"), "configure"];
  const { status, stderr } = spawnSync("bash", argv, { env, encoding: "utf8" });
  const read = (path: string): string => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return "";
    }
  };
  const given = read(join(folder, "given")).split("\n");
  return { code: status, words: stderr, given, name: read(join(out, "name")).trim() };
}

describe("the configuration of Mesa", () => {
  it("enables a software driver, EGL and GBM, with options that this source has", () => {
    const { code, words, given, name } = configure({});
    assert.deepEqual([code, name], [0, "22.3.6+mirlab.01234567"], words);
    for (const option of [
      ...["-Dplatforms=wayland", "-Dgallium-drivers=swrast", "-Dllvm=disabled", "-Dglx=disabled"],
      ...["-Ddraw-use-llvm=false", "-Dglvnd=true", "-Dopengl=true", "-Dvalgrind=disabled"],
      "--prefix=/opt/mirlab/mesa",
    ]) {
      assert.ok(given.includes(option), option);
    }
    const all = given.filter((word) => word.startsWith("-D") && !/link_args|_/.test(word));
    assert.ok(
      !all.some((word) => /something-new|vulkan|osmesa|=enabled$/.test(word)),
      all.join(" "),
    );
  });

  it("enables LLVM for llvmpipe", () => {
    const { given } = configure({ base: "llvmpipe" });
    assert.ok(given.includes("-Dllvm=enabled") && given.includes("-Ddraw-use-llvm=true"));
  });

  it("uses the option names of later sources", () => {
    const later = OPTIONS.replace("'swrast'", "'softpipe', 'llvmpipe'").replace(
      "'glvnd', type : 'boolean', value : false",
      "'glvnd', type : 'feature'",
    );
    const { given } = configure({ options: later, file: "meson.options", version: "25.1.0-devel" });
    assert.ok(given.includes("-Dgallium-drivers=softpipe") && given.includes("-Dglvnd=enabled"));
    const llvmpipe = configure({ options: later, file: "meson.options", base: "llvmpipe" });
    assert.ok(llvmpipe.given.includes("-Dgallium-drivers=llvmpipe"));
  });

  it("has a version that is valid for dpkg", () => {
    assert.equal(configure({ version: "25.1.0-devel" }).name, "25.1.0~devel+mirlab.01234567");
    const { code, words } = configure({ version: "$(id)" });
    assert.equal(code, 1);
    assert.match(words, /found version '\$\(id\)' in the source's VERSION, required MAJOR/);
  });

  it("is refused for a source that is not Mesa", () => {
    const { code, words } = configure({ version: "" });
    assert.equal(code, 1);
    assert.match(words, /^build: found no Mesa source in what was fetched, required one: VERSION/);
  });

  it("prints Meson's error if Meson fails", () => {
    const { code, words } = configure({
      meson: `echo "meson.build:1:2: ERROR: Dependency libdrm found: NO (tried pkgconfig)"; exit 1`,
    });
    assert.equal(code, 1);
    assert.match(
      words,
      /^meson\.build:1:2: ERROR: Dependency libdrm.*\nbuild: configuration: meson ended with the words above, required a build of Mesa 22\.3\.6/,
    );
  });
});
