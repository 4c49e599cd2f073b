/**
 * Applies the mutations of test/drift/domainMutations.ts to domains of each tool, and compares the
 * tools' previews and applies. Run as root, with libvirtd running; no guest system boots.
 *   npm run bench:drift -- [--only ID,ID] [--guests N] [--restarted] [--rounds N]
 * --guests: domains of each tool, and edits before one preview (12).
 * --restarted: only edits of the definition, each with a power cycle, so that the domain runs with
 * it.
 * --rounds: timed previews of the unchanged domains (5).
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { run } from "../../core/exec.io";
import { ticketOf } from "../../components/access/ticket.io";
import { DomainSpec } from "../../components/domain/definition";
import { macAddress } from "../../components/domain/mac";
import { domainMutations } from "../drift/domainMutations";
import { Mutation } from "../drift/run";
import { PulumiSide } from "./sides/pulumiSide";
import { Side, snapshot, Values, valuesOf } from "./sides/side";
import { terraformOnPath, TerraformSide } from "./sides/terraformSide";
import { measureTime } from "./sides/times";
import { differences, outcomeOf, Row, seenOf, Snapshot, table, Verdict } from "./sides/verdict";

/** Two runs at once use different names. */
const STACK = `driftsides${process.pid}`;
const URI = ["--quiet", "--connect", "qemu:///system"];
const say = (text: string): void => console.error(`bench: ${text}`);

/** Runs a program that has to succeed, and returns its output. */
async function must(argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const ended = await run(argv, { env, timeoutMs: 300_000 });
  if (ended.code !== 0) throw new Error(`${argv.slice(0, 4).join(" ")}: ${ended.stderr}`);
  return ended.stdout.toString();
}
const virsh = (...args: string[]): Promise<string> => must(["virsh", ...URI, ...args]);

/** Above the ports of labs, below those of outgoing connections. */
const [FIRST_PORT, LAST_PORT] = [26_000, 31_999];
let lastPort = FIRST_PORT + ((process.pid * 64) % (LAST_PORT - FIRST_PORT));

/** A free loopback port that this run has not used yet. */
async function freePort(): Promise<number> {
  for (;;) {
    lastPort = lastPort < LAST_PORT ? lastPort + 1 : FIRST_PORT;
    const port = lastPort;
    const free = await new Promise<boolean>((done) => {
      const server = createServer().once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
    });
    if (free) return port;
  }
}

/** One mutation on one domain. */
interface Trial {
  readonly domain: string;
  readonly mutation: Mutation;
}

class Bench {
  private readonly folder = mkdtempSync(join(tmpdir(), "mirlab-sides-"));
  private readonly home = join(this.folder, "home");
  /** QEMU's user has to read this folder. */
  private readonly data = `/var/lib/mirlab-bench-${process.pid}`;
  private readonly pool = `mirlab-${STACK}`;
  /** Each domain as its tool has created it. */
  private readonly wanted = new Map<string, { readonly xml: string; readonly seen: Snapshot }>();
  readonly sides: Side[] = [];
  /** Set by a signal: no further step begins, and the bench removes what it has created. */
  stopped = false;

  constructor(private readonly guests: number) {}

  private async spec(guest: string): Promise<DomainSpec> {
    const at = `${this.data}/${STACK}`;
    await must(["qemu-img", "create", "-q", "-f", "qcow2", `${at}/pool/${guest}.qcow2`, "1M"]);
    await must(["qemu-img", "create", "-q", "-f", "raw", `${at}/pool/${guest}.iso`, "1M"]);
    mkdirSync(`${at}/shares/${guest}`);
    return {
      ...{ name: `mirlab-${STACK}-${guest}`, stack: STACK, guest, type: "qemu" },
      ...{ memoryMiB: 64, vcpus: 2, mac: macAddress(STACK, guest) },
      ...{ disk: `${at}/pool/${guest}.qcow2`, seed: `${at}/pool/${guest}.iso` },
      serialLog: `${at}/log/${guest}.serial.log`,
      video: { ramKiB: 65536, vramKiB: 65536, vgamemKiB: 16384 },
      spice: { port: await freePort(), clipboard: false, fileTransfer: false },
      network: { mode: "user", sshPort: await freePort() },
      share: { path: `${at}/shares/${guest}`, tag: "share", readonly: false },
    };
  }

  /** A guest's folder on this machine, with its ticket. */
  private readonly files = (guest: string): string => join(this.folder, "files", guest);

  private async snapshot(domain: string): Promise<Snapshot | undefined> {
    return snapshot(domain, await ticketOf(this.files(guestOf(domain))));
  }

  private async values(side: string): Promise<Values[]> {
    const names = Array.from({ length: this.guests }, (_, i) => `${side}${i}`);
    const all: Values[] = [];
    for (const name of names) {
      all.push(await valuesOf(await this.spec(name), this.files(name)));
    }
    return all;
  }

  async init(): Promise<void> {
    const terraform = await terraformOnPath();
    if (terraform === undefined) {
      say("Terraform is skipped: found neither terraform nor tofu on PATH; need one of them");
    }
    for (const name of ["pool", "log", "shares"]) {
      mkdirSync(`${this.data}/${STACK}/${name}`, { recursive: true });
    }
    const at = (name: string): string => join(this.folder, name);
    const [contract, provider] = [await this.values("contract"), await this.values("provider")];
    this.sides.push(
      new PulumiSide("DomainContract", "contractProgram", contract, at("contract"), this.home),
      new PulumiSide("Pulumi, unguarded", "providerProgram", provider, at("provider"), this.home),
    );
    if (terraform !== undefined) {
      const declared = await this.values("terraform");
      this.sides.push(new TerraformSide(terraform, declared, at("terraform"), this.home));
    }
    // The provider looks up a disk among the volumes of pools.
    await virsh("pool-create-as", this.pool, "dir", "--target", `${this.data}/${STACK}/pool`);
    // The first one installs the engine and the provider in the home.
    const [first, ...others] = this.sides;
    await (first === undefined ? undefined : this.make(first));
    await Promise.all(others.map((side) => this.make(side)));
    this.assertOneDefinition();
  }

  goOn(): void {
    if (this.stopped) throw new Error("stopped");
  }

  private async make(side: Side): Promise<void> {
    this.goOn();
    await side.init();
    for (const domain of side.domains) {
      const seen = await this.snapshot(domain);
      if (seen === undefined)
        throw new Error(`${domain}: found no domain; need the one of ${side.title}`);
      const xml = await virsh("dumpxml", "--inactive", "--security-info", domain);
      this.wanted.set(domain, { xml, seen });
    }
    await side.quiet();
    say(`${side.title}: created ${side.domains.length} domain(s); the preview is quiet`);
  }

  /** Fails unless the sides' definitions differ in names and ports alone. */
  private assertOneDefinition(): void {
    const [first, ...others] = [...this.wanted.values()].map(({ seen }) => seen);
    const own =
      /uuid|name|source\.(dir|file)|log\.file|mirlab:guest|graphics\[spice\]\.port|qemu:arg/;
    for (const other of others) {
      const more = differences(first ?? other, other).filter((line) => !own.test(line));
      if (more.length > 0) throw new Error(`the definitions differ: ${more.join("; ")}`);
    }
  }

  private expected(domain: string): { readonly xml: string; readonly seen: Snapshot } {
    const found = this.wanted.get(domain);
    if (found === undefined) throw new Error(`${domain} is not ready`);
    return found;
  }

  /** Restores a domain without its tool, with the UUID that the tool knows. */
  private async reset(domain: string): Promise<void> {
    if (this.stopped) return;
    const now = await this.snapshot(domain);
    const old = this.expected(domain);
    const uuid = now?.uuid ?? old.seen.uuid;
    const seen = { ...old.seen, uuid };
    const xml = old.xml.replace(/<uuid>[^<]*/, `<uuid>${uuid}`);
    this.wanted.set(domain, { xml, seen });
    if (now !== undefined && differences(seen, now).length === 0) return;
    const define = () =>
      must(["bash", "-c", 'virsh "${@:2}" <<<"$1"', "define", xml, ...URI, "define", "/dev/stdin"]);
    // Only the definition was edited: the domain keeps running.
    if (now?.defined === true && now.state === seen.state) {
      await define();
      if (differences(seen, await this.snapshot(domain)).length === 0) return;
    }
    await run(["virsh", ...URI, "destroy", domain]);
    await run(["virsh", ...URI, "undefine", domain, "--managed-save", "--snapshots-metadata"]);
    rmSync(`${this.data}/${STACK}/pool/${guestOf(domain)}.drift`, { force: true });
    await define();
    await run(["virsh", ...URI, "pool-refresh", this.pool]);
    await virsh("start", domain);
    const left = differences(seen, await this.snapshot(domain));
    if (left.length > 0)
      throw new Error(
        `${domain}: found ${left.join(", ")} after the reset; need the domain as created`,
      );
  }

  /** Applies the mutation; returns the domain after it, or undefined where libvirt refuses it. */
  private async mutate(
    { domain, mutation }: Trial,
    restarted: boolean,
  ): Promise<Snapshot | undefined> {
    this.goOn();
    const [text, ...args] =
      typeof mutation.mutate === "string" ? [mutation.mutate] : mutation.mutate;
    const env = { STACK, GUEST: guestOf(domain), DATA: this.data };
    const mutated = await run(["bash", "-c", text, "mutation", ...args], { env });
    let fault = mutated.code === 0 ? "" : mutated.stderr.trim();
    if (mutated.code === 0 && restarted) {
      await run(["virsh", ...URI, "destroy", domain]);
      const started = await run(["virsh", ...URI, "start", domain]);
      if (started.code !== 0) fault = started.stderr.trim();
    }
    const changed = await this.snapshot(domain);
    const differs = differences(this.expected(domain).seen, changed).length > 0;
    if (fault === "" && differs) return changed;
    say(`${mutation.id}: ${domain}: skipped: ${fault || "libvirt shows no change"}`);
    return undefined;
  }

  /**
   * Powers the domain off at its power button, as a guest system would: none of these guests has
   * one.
   */
  private obeyPowerButton(domain: string): () => void {
    const event = ["qemu-monitor-event", domain, "--event", "POWERDOWN"];
    const child = spawn("virsh", [...URI, ...event], { stdio: "ignore" });
    child.on("close", (code) => {
      if (code === 0) void run(["virsh", ...URI, "destroy", domain]);
    });
    return () => void child.kill("SIGKILL");
  }

  /** Applies mutations on one side, each to its own domain; undefined where libvirt refuses one. */
  async judge(
    side: Side,
    mutations: readonly Mutation[],
    restarted: boolean,
  ): Promise<(Verdict | undefined)[]> {
    const trials = mutations.map((mutation, i) => ({ mutation, domain: side.domains[i] ?? "" }));
    try {
      const changed: (Snapshot | undefined)[] = [];
      for (const trial of trials) changed.push(await this.mutate(trial, restarted));
      const preview = await side.preview();
      if ("fault" in preview) {
        const fault = { seen: "error", fault: preview.fault } as const;
        return trials.length > 1
          ? await this.judgeAlone(side, trials, restarted)
          : changed.map((mutated) => (mutated === undefined ? undefined : fault));
      }
      const seen = trials.map(({ domain, mutation }) =>
        seenOf(preview.shown.get(domain), fieldOf(mutation)),
      );
      if (seen.every((each) => each === "not seen")) {
        return changed.map((mutated) => (mutated === undefined ? undefined : { seen: "not seen" }));
      }
      this.goOn();
      const release = trials.map(({ domain }) => this.obeyPowerButton(domain));
      const { code } = await side.apply();
      release.forEach((end) => end());
      if (code !== 0 && trials.length > 1) return await this.judgeAlone(side, trials, restarted);
      const verdicts: (Verdict | undefined)[] = [];
      for (const [i, { domain, mutation }] of trials.entries()) {
        const [mutated, how] = [changed[i], seen[i]];
        if (mutated === undefined || how === undefined) verdicts.push(undefined);
        else if (how === "not seen") verdicts.push({ seen: how });
        else {
          const { seen: wanted } = this.expected(domain);
          const found = await this.snapshot(domain);
          const outcome = outcomeOf(code, wanted, mutated, found);
          const left = differences(wanted, found).slice(0, 5).join("; ");
          const named = preview.shown.get(domain)?.names.join(", ");
          if (outcome !== "healed") {
            say(`${mutation.id}: ${side.title}: ${outcome}: named ${named}; left ${left}`);
          }
          verdicts.push({ seen: how, outcome });
        }
      }
      return verdicts;
    } finally {
      for (const { domain } of trials) await this.reset(domain);
    }
  }

  /** The tool failed on several mutations at once: try each alone to find the one. */
  private async judgeAlone(
    side: Side,
    trials: readonly Trial[],
    restarted: boolean,
  ): Promise<(Verdict | undefined)[]> {
    say(`${side.title}: failed on ${trials.length} changes at once; trying each alone`);
    for (const { domain } of trials) await this.reset(domain);
    const verdicts: (Verdict | undefined)[] = [];
    for (const { mutation } of trials) {
      verdicts.push(...(await this.judge(side, [mutation], restarted)));
    }
    return verdicts;
  }

  async dispose(): Promise<void> {
    for (const { domains } of this.sides) {
      for (const domain of domains) {
        await run(["virsh", ...URI, "destroy", domain]);
        await run(["virsh", ...URI, "undefine", domain, "--managed-save", "--snapshots-metadata"]);
      }
    }
    await run(["virsh", ...URI, "pool-destroy", this.pool]);
    for (const folder of [this.data, this.folder]) rmSync(folder, { recursive: true, force: true });
  }
}

const guestOf = (domain: string): string => domain.slice(`mirlab-${STACK}-`.length);

/** `mirlab-$STACK-$GUEST: video/model.type: declared ...` is of `video/model.type`. */
const fieldOf = ({ item }: Mutation): string => item.split(": ")[1] ?? item;

/** Edits of definitions can be applied together; every other mutation runs alone. */
const isEdit = ({ mutate }: Mutation): boolean => typeof mutate !== "string";

function batches(mutations: readonly Mutation[], size: number): Mutation[][] {
  const edits = mutations.filter(isEdit);
  const together = Array.from({ length: Math.ceil(edits.length / size) }, (_, i) =>
    edits.slice(i * size, (i + 1) * size),
  );
  return [...together, ...mutations.filter((m) => !isEdit(m)).map((m) => [m])];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: "string" },
      guests: { type: "string", default: "12" },
      restarted: { type: "boolean", default: false },
      rounds: { type: "string", default: "5" },
    },
  });
  const only = values.only?.split(",");
  const mutations = domainMutations("qxl").filter(
    (mutation) => (only?.includes(mutation.id) ?? true) && (!values.restarted || isEdit(mutation)),
  );
  const [guests, rounds] = [Number(values.guests), Number(values.rounds)];
  const counts = Number.isInteger(guests) && guests > 0 && Number.isInteger(rounds) && rounds >= 0;
  if (mutations.length === 0 || !counts) {
    throw new Error(
      `bench: found --only ${values.only ?? ""} --guests ${values.guests} --rounds ${values.rounds}; ` +
        `need ids of test/drift/domainMutations.ts and counts`,
    );
  }
  const bench = new Bench(guests);
  const stop = (): void => {
    say("ends after this step");
    bench.stopped = true;
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  try {
    await bench.init();
    const times = rounds === 0 ? "" : await measureTime(bench.sides, rounds, () => bench.goOn());
    const rows: Row[] = [];
    for (const batch of batches(mutations, guests)) {
      // Each side has its own domains: the sides run in parallel.
      const ended = await Promise.allSettled(
        bench.sides.map((side) => bench.judge(side, batch, values.restarted)),
      );
      const columns = ended.map((side) => {
        if (side.status === "rejected") throw side.reason;
        return side.value;
      });
      for (const [i, mutation] of batch.entries()) {
        const verdicts = columns.map((column) => column[i]);
        rows.push({ id: mutation.id, field: fieldOf(mutation), verdicts });
        const shown = verdicts.map((v) => (v === undefined ? "-" : `${v.seen} ${v.outcome ?? ""}`));
        say(`${rows.length} of ${mutations.length}: ${mutation.id}: ${shown.join(" | ")}`);
      }
    }
    const titles = bench.sides.map(({ title }) => title);
    console.log([table(titles, rows), "", times].join("\n"));
  } finally {
    await bench.dispose();
  }
}

main().catch((error: unknown) => {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
});
