import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { join } from "node:path";
import { run } from "../../../core/exec.io";
import { labProgram } from "../../../cli/main";
import { ROOT, temporaryFolder } from "../support";

const lab = (...args: string[]) =>
  run([process.execPath, "--require", "./core/register.js", "cli/main.ts", ...args]);
process.chdir(ROOT);

/** Without the verb that a shell's completion calls. */
const VERBS = labProgram()
  .commands.map((verb) => verb.name())
  .filter((name) => name !== "complete");

describe("the command line", () => {
  it("has the verbs", () => {
    const verbs = [
      "up",
      "preview",
      "drift",
      "policy",
      "reset",
      "output",
      "down",
      "doctor",
      "completion",
    ];
    assert.deepEqual(VERBS, verbs);
  });

  for (const verb of VERBS) {
    it(`shows an example in the help of ${verb}`, async () => {
      const help = await lab(verb, "--help");
      assert.equal(help.code, 0);
      assert.match(help.stdout.toString(), /^Examples?:\n {2}\S/m);
    });
  }

  const refused: [what: string, args: string[], message: RegExp][] = [
    ["no verb", [], /^Usage: lab/],
    ["a verb that it does not have", ["upp"], /^lab: unknown command 'upp'\n\(Did you mean up\?\)/],
    ["an option that a verb does not have", ["doctor", "--jsn"], /^lab: unknown option '--jsn'/],
    [
      "a stack name that is a command",
      ["up", "--stack", "a; rm -rf /"],
      /^lab: stack: found the name 'a; rm -rf \/'; need letters, digits and \. _ -; fix: set MIRLAB_STACK or --stack to another name\n$/,
    ],
    [
      "an output of a guest that is not there",
      ["output", "nobody", "unplug", "2"],
      /^lab: nobody: found no guest of this name in stack dev; need a guest that 'up' has created/,
    ],
    ["an output that is no number", ["output", "mir", "plug", "two"], /^lab: output: found 'two'/],
    ["what no output can do", ["output", "mir", "pull", "2"], /Allowed choices are plug, unplug/],
    [
      "a stack without a file",
      ["preview", "-s", "nowhere"],
      /^lab: stack: found no Pulumi\.nowhere\.yaml; need the stack's configuration; fix: cp /,
    ],
  ];
  for (const [what, args, message] of refused) {
    it(`refuses ${what}`, async () => {
      const ended = await lab(...args);
      assert.equal(ended.code, 1);
      assert.match(ended.stderr, message);
      assert.equal(ended.stdout.toString(), "");
    });
  }
});

describe("completion", () => {
  it("offers verbs, and the options of a verb", async () => {
    const offered = async (...words: string[]) => {
      const { stdout } = await lab("complete", "--", ...words);
      return stdout
        .toString()
        .split("\n")
        .map((line) => line.split("\t")[0] ?? "");
    };
    assert.deepEqual((await offered("d")).slice(0, 3), ["drift", "down", "doctor"]);
    assert.deepEqual((await offered("up", "--")).slice(0, 2), ["--yes", "--json"]);
  });

  for (const shell of ["bash", "zsh", "fish"]) {
    it(`prints a script for ${shell} that runs this checkout's bin/lab`, async () => {
      const { code, stdout } = await lab("completion", shell);
      assert.equal(code, 0);
      assert.ok(stdout.toString().includes(`${join(ROOT, "bin", "lab")} complete -- `), shell);
    });
  }

  it("prints a script that bash takes", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "lab"), (await lab("completion", "bash")).stdout);
    const checked = await run(["bash", "-n", join(folder, "lab")]);
    assert.deepEqual([checked.code, checked.stderr], [0, ""]);
  });
});
