import { existsSync } from "node:fs";
import { join } from "node:path";
import { Argument, Command } from "commander";
import { labName } from "../../components/lab/labName.io";
import { runAt } from "../../core/link.io";
import { labFolder, SSH_CONFIG } from "../../core/paths";
import { lastLine } from "../../core/plainText";
import { stackOf } from "../options";
import { Refusal } from "../refusal";
import { checkStack } from "../stack";
import { guestNamed } from "../../core/labNames";

/** The guest's program of scripts/guest/mir-outputs.sh. */
const PROGRAM = "/usr/local/lib/mir-session/outputs";

const HELP = `
Tells the guest's kernel that a monitor was plugged into an output of the guest's card, or unplugged. Outputs
are those of guests[].video.outputs, counted from 1. A preview reports an unplugged one; the session's next start
plugs all of them in again.

Examples:
  lab output mir unplug 2
  lab output mir plug 2`;

/** The guest's SSH configuration, which its `up` wrote. */
function targetOf(stack: string, guest: string): { config: string; alias: string } {
  const lab = labName(stack, undefined);
  const config = join(labFolder(lab), guest, SSH_CONFIG);
  if (/^[a-z0-9-]+$/.test(guest) && existsSync(config))
    return { config, alias: guestNamed(lab, guest) };
  throw new Refusal({
    what: guest,
    found: `no guest of this name in stack ${stack}`,
    need: "a guest that 'up' has created",
    fix: "npm run up, or correct the name",
  });
}

async function tell(stack: string, guest: string, verb: string, output: string): Promise<void> {
  checkStack(stack);
  if (!/^[1-9][0-9]?$/.test(output))
    throw new Refusal({
      what: "output",
      found: `'${output}'`,
      need: "the number of an output, from 1",
      fix: "see guests[].video.outputs",
    });
  const words = ["sudo", "-n", PROGRAM, verb, output];
  const done = await runAt(targetOf(stack, guest), words, { timeoutMs: 120_000 });
  if (done.code === 0) {
    console.log(`${guest}: output ${output} is ${verb === "plug" ? "plugged in" : "unplugged"}`);
    return;
  }
  throw new Refusal({
    what: guest,
    found: done.timedOut ? "no answer in 120 s" : lastLine(done.stderr) || "no message",
    need: "a running guest with video.outputs, and an output of this number",
    fix: "declare guests[].video.outputs, and run 'npm run up'",
  });
}

export const addOutput = (lab: Command): Command =>
  lab
    .command("output")
    .argument("<guest>", "the guest")
    .addArgument(new Argument("<verb>", "what happens to the output").choices(["plug", "unplug"]))
    .argument("<output>", "number of the output, from 1")
    .description("plug a guest's output in, or unplug it, while the guest runs")
    .addHelpText("after", HELP)
    .action((guest: string, verb: string, output: string, _: object, command: Command) =>
      tell(stackOf(command), guest, verb, output),
    );
