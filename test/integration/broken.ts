/**
 * Breaks a real guest with ordinary tools, and asserts the check that has to catch it: by the right
 * id, with the right remedy, and never by a timeout alone.
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

/** A lab of one guest, which is ready. */
export interface BrokenLab {
  readonly lab: Pick<TestLab, "configure" | "pulumi">;
  readonly guest: string;
}

interface Row {
  readonly id: string;
  /** Ids of the checks that were reported. */
  readonly reported: string;
  readonly seconds: number;
}

/** The report of a deploy on a guest that is not ready. */
interface Report {
  readonly verdicts: readonly Verdict[];
  /** All output. */
  readonly text: string;
}

/** Milliseconds for one step: installing a kernel writes an initramfs, under TCG. */
const STEP_MS = 900_000;

/** One guest, with its readiness inputs from the state. */
class Patient {
  private constructor(
    private readonly at: BrokenLab,
    private readonly inputs: MirReadinessInputs,
  ) {}

  static async of(at: BrokenLab): Promise<Patient> {
    const { inputs } = await kept(at);
    // Another file: the lab's own picture is that of its last `up`.
    const picture = join(dirname(inputs.picture), "broken", "screen.png");
    return new Patient(at, { ...inputs, picture });
  }

  /** Removes the files of the looks. */
  dispose(): void {
    rmSync(dirname(this.inputs.picture), { recursive: true, force: true });
  }

  /** Runs one side of a mutation. */
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

  /** Checks readiness as a deploy does; undefined: the guest is ready. */
  async look(by: Broken["by"] = "provider"): Promise<Report | undefined> {
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
    // A long timeout: a mutation that was not applied proves nothing.
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

  /** The boot id; empty while the guest does not answer. */
  private async boot(): Promise<string> {
    const words = ["cat", "/proc/sys/kernel/random/boot_id"];
    const ended = await run(targetArgv(this.inputs.guest, words), { timeoutMs: 30_000 });
    return ended.code === 0 ? ended.stdout.toString() : "";
  }

  private async bootedAfter(before: string): Promise<void> {
    const end = Date.now() + STEP_MS;
    for (;;) {
      const now = await this.boot();
      if (now !== "" && now !== before) return;
      assert.ok(Date.now() < end, `${this.inputs.domain} has rebooted`);
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

/** The guest's MirReadiness in the state. */
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

/** Asserts that the right check was reported with the right remedy, and no check that is met. */
function judge(broken: Broken, report: Report | undefined): string[] {
  assert.ok(report, "the guest was found ready");
  const all = report.verdicts.filter((v) => v.fatal && !isMet(v));
  // If some checks cannot settle, `up` reports only these, and calls the others not judged.
  const stays = all.filter((v) => !v.settles);
  const open = stays.some(({ id }) => id === broken.check) ? stays : all;
  const ids = open.map(({ id }) => id);
  const said = open.map(verdictText).join("\n") || report.text;
  const right = open.find(({ id }) => id === broken.check);
  assert.ok(right, `found ${ids.join(", ")}; need ${broken.check}:\n${said}`);
  assert.ok(right.remedy.includes(broken.remedy), `remedy of ${verdictText(right)}`);
  const words = `${right.id}: found ${right.found}`;
  assert.ok(report.text.includes(words), `'${words}' is not in:\n${report.text}`);
  const others = ids.filter((id) => id !== broken.check && !broken.also?.includes(id));
  assert.deepEqual(others, [], said);
  assert.doesNotMatch(report.text, /not in time/);
  if (broken.met !== undefined) {
    const fooled = report.verdicts.find(({ id }) => id === broken.met);
    assert.equal(fooled?.status, "met", `${broken.met} is met`);
  }
  return ids;
}

const rowText = ({ id, reported, seconds }: Row): string =>
  `  ${id.padEnd(24)} ${seconds.toFixed(0).padStart(4)} s  ${reported}`;

/** Adds a test for each guest to the current suite; `lab` has to be ready when they run. */
export function catches(lab: BrokenLab, guests: readonly Broken[]): void {
  describe("a broken guest is caught by the right check, with the right remedy", () => {
    const rows: Row[] = [];
    let patient: Patient | undefined;
    for (const broken of guests) {
      it(`${broken.what}: ${broken.check}`, async () => {
        patient ??= await Patient.of(lab);
        const { id, make, undo, by, preview = [] } = broken;
        const row = { id, reported: "", seconds: 0 };
        try {
          await patient.take(make);
          if (preview.length > 0) {
            const text = await patient.preview();
            for (const words of preview) assert.match(text, words);
          }
          const started = performance.now();
          const report = await patient.look(by);
          row.seconds = (performance.now() - started) / 1000;
          row.reported = judge(broken, report).join(", ");
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
      console.log(`caught ${rows.length} of ${guests.length}`);
      for (const row of rows) console.log(rowText(row));
    });
  });
}
