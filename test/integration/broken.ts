/**
 * Guests that are really broken, by ordinary tools, and the checks that have to catch them: each by
 * the right id with the right remedy, and none by a timeout alone.
 */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { isMet, Verdict, verdictText } from "../../core/verdict";
import { run } from "../../core/exec.io";
import {
  MirReadinessInputs,
  MirReadinessProps,
  provider,
} from "../../components/readiness/readiness.provider";
import { targetArgv } from "../../core/link.io";
import { shellLine } from "../../core/quote";
import { Broken, Step } from "./brokenGuests";
import { TestLab } from "./support";

/** A lab of one guest that is up and ready. */
export interface BrokenLab {
  readonly lab: Pick<TestLab, "configure" | "pulumi">;
  readonly guest: string;
}

interface Row {
  readonly id: string;
  readonly told: string;
  readonly seconds: number;
}

/** What a deploy has told of a guest that is not ready. */
interface Told {
  readonly verdicts: readonly Verdict[];
  /** Everything that was said. */
  readonly text: string;
}

/** Milliseconds for one step: installing a kernel writes an initramfs, under TCG. */
const STEP_MS = 900_000;

/** One guest, with what the engine keeps of it. */
class Patient {
  private constructor(
    private readonly at: BrokenLab,
    private readonly inputs: MirReadinessInputs,
  ) {}

  static async of(at: BrokenLab): Promise<Patient> {
    const { inputs } = await kept(at);
    // The lab's own picture is of its last `up`.
    const picture = join(dirname(inputs.picture), "broken", "screen.png");
    return new Patient(at, { ...inputs, picture });
  }

  /** Removes what the looks have left beside the lab's own files. */
  dispose(): void {
    rmSync(dirname(this.inputs.picture), { recursive: true, force: true });
  }

  /** Takes one side of a mutation. */
  async take({ config, up, guest, host, boots }: Step): Promise<void> {
    const { lab, guest: name } = this.at;
    if (config !== undefined) lab.configure([{ name, ...config }]);
    if (up === true) {
      const ended = await lab.pulumi("up", "--yes", "--skip-preview");
      assert.equal(ended.code, 0, ended.text);
    }
    const before = boots === true ? await this.boot() : "";
    if (guest !== undefined) await this.inGuest(guest);
    if (host !== undefined) await this.onHost(host);
    if (boots === true) await this.bootedAfter(before);
  }

  /** Looks as a deploy does; undefined: it was found ready. */
  async look(by: Broken["by"] = "provider"): Promise<Told | undefined> {
    if (by === "provider") {
      try {
        await provider.create(this.inputs);
        return undefined;
      } catch (error) {
        const { properties, reasons } = error as { properties?: MirReadinessProps } & {
          reasons?: string[];
        };
        if (properties === undefined || reasons === undefined) throw error;
        return { verdicts: properties.verdicts, text: reasons.join("\n") };
      }
    }
    const target = by === "target" ? ["--target", `**::${this.at.guest}-readiness`] : [];
    const { code, text } = await this.at.lab.pulumi("up", "--yes", "--skip-preview", ...target);
    if (code === 0) return undefined;
    return { verdicts: (await kept(this.at)).outputs.verdicts, text };
  }

  async preview(): Promise<string> {
    return (await this.at.lab.pulumi("preview")).text;
  }

  private async inGuest(text: string): Promise<void> {
    const { config, alias } = this.inputs.guest;
    const words = shellLine(["sudo", "-n", "bash", "-euo", "pipefail", "-c", text]);
    // Patient: a mutation that was not made proves nothing.
    const argv = ["ssh", "-F", config, "-o", "ConnectTimeout=120", "--", alias, words];
    const ended = await run(argv, { timeoutMs: STEP_MS });
    assert.equal(ended.code, 0, `${text}: ${ended.stderr}`);
  }

  private async onHost(text: string): Promise<void> {
    const { guest, domain } = this.inputs;
    const env = {
      ...{ DOMAIN: domain, SSH_CONFIG: guest.config, ALIAS: guest.alias },
      LIBVIRT_DEFAULT_URI: "qemu:///system",
    };
    const argv = ["bash", "-euo", "pipefail", "-c", text];
    const ended = await run(argv, { env, timeoutMs: STEP_MS });
    assert.equal(ended.code, 0, `${text}: ${ended.stderr}`);
  }

  /** Changes with every boot; empty while the guest does not answer. */
  private async boot(): Promise<string> {
    const words = ["cat", "/proc/sys/kernel/random/boot_id"];
    const told = await run(targetArgv(this.inputs.guest, words), { timeoutMs: 30_000 });
    return told.code === 0 ? told.stdout.toString() : "";
  }

  private async bootedAfter(before: string): Promise<void> {
    const end = Date.now() + STEP_MS;
    for (;;) {
      const now = await this.boot();
      if (now !== "" && now !== before) return;
      assert.ok(Date.now() < end, `${this.inputs.domain} has come up anew`);
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

/** The guest's MirReadiness, as the engine keeps it. */
async function kept({ lab, guest }: BrokenLab) {
  const { code, text } = await lab.pulumi("stack", "export");
  assert.equal(code, 0, text);
  const { deployment } = JSON.parse(text) as {
    deployment: {
      resources: { urn: string; inputs: MirReadinessInputs; outputs: MirReadinessProps }[];
    };
  };
  const found = deployment.resources.find(({ urn }) => urn.endsWith(`::${guest}-readiness`));
  assert.ok(found, `the state holds ${guest}-readiness`);
  return found;
}

/** Asserts that the right check was told with the right remedy, and nothing that is not broken. */
function judge(broken: Broken, told: Told | undefined): string[] {
  assert.ok(told, "the guest was found ready");
  const all = told.verdicts.filter((v) => v.fatal && !isMet(v));
  // Beside what stays, `up` names what time may change as not judged.
  const stays = all.filter((v) => !v.settles);
  const open = stays.some(({ id }) => id === broken.check) ? stays : all;
  const ids = open.map(({ id }) => id);
  const said = open.map(verdictText).join("\n") || told.text;
  const right = open.find(({ id }) => id === broken.check);
  assert.ok(right, `told ${ids.join(", ")}, required ${broken.check}:\n${said}`);
  assert.ok(right.remedy.includes(broken.remedy), `remedy of ${verdictText(right)}`);
  const words = `${right.id}: found ${right.found}`;
  assert.ok(told.text.includes(words), `'${words}' is not in:\n${told.text}`);
  const others = ids.filter((id) => id !== broken.check && !broken.also?.includes(id));
  assert.deepEqual(others, [], said);
  assert.doesNotMatch(told.text, /not in time/);
  if (broken.met !== undefined) {
    const fooled = told.verdicts.find(({ id }) => id === broken.met);
    assert.equal(fooled?.status, "met", `${broken.met} is met`);
  }
  return ids;
}

const rowText = ({ id, told, seconds }: Row): string =>
  `  ${id.padEnd(24)} ${seconds.toFixed(0).padStart(4)} s  ${told}`;

/** Adds a test for each guest to the current suite; \`lab\` is up and ready when they run. */
export function catches(lab: BrokenLab, guests: readonly Broken[]): void {
  describe("a broken guest is caught by the right check, with the right remedy", () => {
    const rows: Row[] = [];
    let patient: Patient | undefined;
    for (const broken of guests) {
      it(`${broken.what}: ${broken.check}`, async () => {
        patient ??= await Patient.of(lab);
        const { id, make, undo, by, preview = [] } = broken;
        const row = { id, told: "", seconds: 0 };
        try {
          await patient.take(make);
          if (preview.length > 0) {
            const text = await patient.preview();
            for (const words of preview) assert.match(text, words);
          }
          const started = performance.now();
          const told = await patient.look(by);
          row.seconds = (performance.now() - started) / 1000;
          row.told = judge(broken, told).join(", ");
          rows.push(row);
          console.log(rowText(row));
        } finally {
          await patient.take(undo);
        }
        const again = await patient.look();
        assert.equal(again, undefined, `ready again, but: ${again?.text}`);
      });
    }
    after(() => {
      patient?.dispose();
      console.log(`caught ${rows.length} of ${guests.length} tried`);
      for (const row of rows) console.log(rowText(row));
    });
  });
}
